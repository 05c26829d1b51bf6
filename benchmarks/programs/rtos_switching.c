/*
 * Two tasks that hand a token to each other through PendSV: exception entry and exit, stacking, and a switch of stacks
 * every few thousand instructions, which the tasks spend on a small sort.
 */
#include "cortex_m.h"
#include "semihosting.h"
#include "uart.h"

#ifndef ROUNDS
#define ROUNDS 5000
#endif

enum { STACK_WORDS = 128 };

static uint32_t stacks[2][STACK_WORDS] __attribute__((aligned(8)));
uint32_t *task_stack[2];
uint32_t current;
static volatile uint32_t token, work[2];

uint32_t *__attribute__((used)) next_task(uint32_t *saved)
{
    task_stack[current] = saved;
    current ^= 1;
    return task_stack[current];
}

void __attribute__((naked)) PendSV_Handler(void)
{
    __asm__ volatile(
        "mrs r0, psp\n\t"
        "stmdb r0!, {r4-r11, lr}\n\t"
        "bl next_task\n\t"
        "ldmia r0!, {r4-r11, lr}\n\t"
        "msr psp, r0\n\t"
        "bx lr");
}

void __attribute__((naked)) SVC_Handler(void)
{
    __asm__ volatile(
        "ldr r1, =task_stack\n\t"
        "ldr r0, [r1]\n\t"
        "adds r0, #36\n\t"
        "msr psp, r0\n\t"
        "orr lr, #0x1c\n\t" /* thread mode, process stack, short frame */
        "ldr r1, [r1, #4]\n\t"
        "str lr, [r1, #32]\n\t"
        "bx lr\n\t"
        ".ltorg");
}

static void yield(void)
{
    SCB_ICSR = ICSR_PENDSVSET;
    barrier_sync();
}

/* Insertion sort of 64 words in scrambled order: some 2500 instructions, as between the ticks of a busy system. */
static int sort(uint32_t seed)
{
    uint32_t words[64];
    for (uint32_t i = 0; i < 64; i++) {
        words[i] = (i * 37 + seed) & 63;
    }
    for (uint32_t i = 1; i < 64; i++) {
        const uint32_t word = words[i];
        uint32_t place = i;
        for (; place > 0 && words[place - 1] > word; place--) {
            words[place] = words[place - 1];
        }
        words[place] = word;
    }
    return words[0] == 0 && words[63] == 63;
}

static void task(uint32_t self)
{
    for (;;) {
        while (token % 2 != self) {
            yield();
        }
        work[self] += (uint32_t)sort(token);
        token++;
        if (token == 2 * ROUNDS) {
            const int sound = work[0] == ROUNDS && work[1] == ROUNDS;
            uart_puts(sound ? "passed\n" : "failed\n");
            semihosting_exit(!sound);
        }
        yield();
    }
}

static void task_0(void)
{
    task(0);
}

static void task_1(void)
{
    task(1);
}

static void create(int number, void (*entry)(void))
{
    uint32_t *frame = &stacks[number][STACK_WORDS - 8];
    frame[6] = (uint32_t)entry & ~1u;
    frame[7] = 1u << 24;
    task_stack[number] = frame - 9;
}

int main(void)
{
    create(0, task_0);
    create(1, task_1);
    SCB_SHPR3 = 0xFFFF0000u;
    __asm__ volatile("svc 0");
    return 2;
}
