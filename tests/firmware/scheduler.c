/*
 * A small preemptive round-robin scheduler: SVC starts it, SysTick asks for a switch, PendSV switches (all cores).
 *
 * Three tasks on process stacks hold patterns in R4-R11 and, where there is an FPU, in S0-S31 across switches, with
 * lazy stacking on. Task 0 uses the FPU and yields through SVC as well; task 1 uses the FPU; task 2 keeps to integers,
 * so that short and long frames (EXC_RETURN bit 4) both occur.
 *
 * Expected on silicon: exit code 0; lines "rounds A B C" (each > 0), "switches N" (N > 20), "passed".
 */
#include "check.h"

enum { TASKS = 3, STACK_WORDS = 256, TICK_CYCLES = 1499, WANTED_SWITCHES = 60 };

#if defined(__ARM_FP)
#define HAS_FPU 1
#else
#define HAS_FPU 0
#endif

static uint32_t stacks[TASKS][STACK_WORDS] __attribute__((aligned(8)));
uint32_t *task_stack[TASKS]; /* saved PSP, below R4-R11, EXC_RETURN (and S16-S31) */
uint32_t current_task;
uint32_t thread_return;
volatile uint32_t switches;
static volatile uint32_t rounds[TASKS];
static volatile uint32_t corrupted[TASKS];
static volatile uint32_t finished;
static volatile uint32_t long_frames, short_frames;

uint32_t *__attribute__((used)) next_task(uint32_t *saved, uint32_t exc_return)
{
    task_stack[current_task] = saved;
    *(exc_return & 16 ? &short_frames : &long_frames) += 1;
    current_task = (current_task + 1) % TASKS;
    switches++;
    if (task_stack[current_task][8] == 0) { /* first time: its EXC_RETURN is the one that started task 0 */
        task_stack[current_task][8] = thread_return;
    }
    return task_stack[current_task];
}

#if __ARM_ARCH_ISA_THUMB == 1

void __attribute__((naked)) PendSV_Handler(void)
{
    __asm__ volatile(
        "mrs r0, psp\n\t"
        "mov r1, lr\n\t"
        "subs r0, #36\n\t"
        "mov r2, r0\n\t"
        "stmia r2!, {r4-r7}\n\t"
        "mov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t"
        "stmia r2!, {r4-r7}\n\t"
        "str r1, [r2]\n\t"
        "bl next_task\n\t"
        "adds r0, #16\n\t"
        "ldmia r0!, {r4-r7}\n\t"
        "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"
        "ldmia r0!, {r3}\n\t"
        "msr psp, r0\n\t"
        "subs r0, #36\n\t"
        "ldmia r0!, {r4-r7}\n\t"
        "bx r3\n\t");
}

#else

void __attribute__((naked)) PendSV_Handler(void)
{
    __asm__ volatile(
        "mrs r0, psp\n\t"
#if HAS_FPU
        "tst lr, #16\n\t"
        "it eq\n\t"
        "vstmdbeq r0!, {s16-s31}\n\t"
#endif
        "mov r1, lr\n\t"
        "stmdb r0!, {r4-r11, lr}\n\t"
        "bl next_task\n\t"
        "ldmia r0!, {r4-r11, lr}\n\t"
#if HAS_FPU
        "tst lr, #16\n\t"
        "it eq\n\t"
        "vldmiaeq r0!, {s16-s31}\n\t"
#endif
        "msr psp, r0\n\t"
        "bx lr\n\t");
}

#endif

void __attribute__((used)) svc_call(uint32_t *frame)
{
    const uint32_t number = ((const uint8_t *)frame[6])[-2];
    if (number == 1) {
        frame[0] += 1; /* R0 of the caller */
        SCB_ICSR = ICSR_PENDSVSET;
    }
}

/* SVC 0 on the main stack starts task 0; SVC 1 from a task yields. */
void __attribute__((naked)) SVC_Handler(void)
{
    __asm__ volatile(
        "mov r0, lr\n\t"
        "movs r1, #4\n\t"
        "tst r0, r1\n\t"
        "beq 1f\n\t"
        "mrs r0, psp\n\t"
        "push {r4, lr}\n\t"
        "bl svc_call\n\t"
        "pop {r4, pc}\n"
        "1:\tldr r1, =task_stack\n\t"
        "ldr r0, [r1]\n\t"
        "adds r0, #36\n\t"
        "msr psp, r0\n\t"
        "movs r0, #0x1c\n\t" /* EXC_RETURN: thread mode, process stack, short frame; other bits as the core set them */
        "mov r1, lr\n\t"
        "orrs r0, r1\n\t"
        "ldr r1, =thread_return\n\t"
        "str r0, [r1]\n\t"
        "bx r0\n\t"
        ".ltorg");
}

/* Periods differ, so that no task is for ever interrupted at its first instruction. */
void SysTick_Handler(void)
{
    SYSTICK_LOAD = TICK_CYCLES + (switches * 37 & 511);
    SCB_ICSR = ICSR_PENDSVSET;
}

/*
 * Fill R4-R11 with seed + register number, wait, and count the registers that changed.
 * The wait is about one tick long, so that most rounds are interrupted.
 */
uint32_t hold_integers(uint32_t seed, uint32_t wait);
__asm__(
    ".text\n\t.thumb\n\t.thumb_func\n\t.syntax unified\n\t.global hold_integers\n\t.type hold_integers, %function\n"
    "hold_integers:\n\t"
    "push {r4-r7, lr}\n\t"
    "mov r4, r8\n\tmov r5, r9\n\tmov r6, r10\n\tmov r7, r11\n\t"
    "push {r4-r7}\n\t"
    "adds r4, r0, #4\n\tadds r5, r0, #5\n\tadds r6, r0, #6\n\tadds r7, r0, #7\n\t"
    "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n"
    "1:\tsubs r1, #1\n\tbne 1b\n\t"
    "movs r2, #0\n\t"
    "subs r4, r4, r0\n\tsubs r4, #4\n\torrs r2, r4\n\t"
    "subs r5, r5, r0\n\tsubs r5, #5\n\torrs r2, r5\n\t"
    "subs r6, r6, r0\n\tsubs r6, #6\n\torrs r2, r6\n\t"
    "subs r7, r7, r0\n\tsubs r7, #7\n\torrs r2, r7\n\t"
    "mov r4, r8\n\tsubs r4, r4, r0\n\tsubs r4, #4\n\torrs r2, r4\n\t"
    "mov r4, r9\n\tsubs r4, r4, r0\n\tsubs r4, #5\n\torrs r2, r4\n\t"
    "mov r4, r10\n\tsubs r4, r4, r0\n\tsubs r4, #6\n\torrs r2, r4\n\t"
    "mov r4, r11\n\tsubs r4, r4, r0\n\tsubs r4, #7\n\torrs r2, r4\n\t"
    "pop {r4-r7}\n\t"
    "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7\n\t"
    "mov r0, r2\n\t"
    "pop {r4-r7, pc}\n\t");

#if HAS_FPU

/* Load S0-S31 from `values`, wait, store them to `found`. */
void hold_floats(const uint32_t *values, uint32_t *found, uint32_t wait);
__asm__(
    ".text\n\t.thumb\n\t.thumb_func\n\t.global hold_floats\n\t.type hold_floats, %function\n"
    "hold_floats:\n\t"
    "vpush {s16-s31}\n\t"
    "vldmia r0, {s0-s31}\n"
    "1:\tsubs r2, #1\n\tbne 1b\n\t"
    "vstmia r1, {s0-s31}\n\t"
    "vpop {s16-s31}\n\t"
    "bx lr\n\t");

static uint32_t floats_changed(uint32_t seed, uint32_t wait)
{
    uint32_t values[32], found[32], changed = 0;
    for (uint32_t i = 0; i < 32; i++) {
        values[i] = seed * 0x01000193u + i;
        found[i] = 0;
    }
    hold_floats(values, found, wait);
    for (uint32_t i = 0; i < 32; i++) {
        changed += found[i] != values[i];
    }
    return changed;
}

#else

static uint32_t floats_changed(uint32_t seed, uint32_t wait)
{
    (void)seed, (void)wait;
    return 0;
}

#endif

static uint32_t yield(uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = argument;
    __asm__ volatile("svc 1" : "+r"(r0)::"memory");
    return r0;
}

static void report(void)
{
    SYSTICK_CTRL = 0;
    uart_puts("rounds");
    for (int task = 0; task < TASKS; task++) {
        uart_puts(" ");
        uart_put_unsigned(rounds[task]);
        check("every task ran", rounds[task] > 0);
        check_equal("registers survive", corrupted[task], 0);
    }
    uart_puts("\n");
    print_value("switches", switches);
    check("tasks were preempted", switches > 20);
    check("short frames occurred", short_frames > 0);
    check("long frames occur with an FPU, and only then", (long_frames > 0) == HAS_FPU);
    check_equal("tasks run on the process stack", READ_SPECIAL(control) & 2, 2);
    semihosting_exit(failures());
}

static void task_0(void)
{
    for (uint32_t seed = 1;; seed++) {
        corrupted[0] += hold_integers(seed << 16, 200) != 0;
        corrupted[0] += floats_changed(seed, 300);
        corrupted[0] += yield(seed) != seed + 1;
        rounds[0]++;
        if (switches >= WANTED_SWITCHES && !finished) {
            finished = 1;
            report();
        }
    }
}

static void task_1(void)
{
    for (uint32_t seed = 1;; seed++) {
        corrupted[1] += floats_changed(seed ^ 0x5555u, 400);
        corrupted[1] += hold_integers(seed << 20, 100) != 0;
        rounds[1]++;
    }
}

static void task_2(void)
{
    for (uint32_t seed = 1;; seed++) {
        corrupted[2] += hold_integers(seed * 0x10001u, 350) != 0;
        rounds[2]++;
    }
}

static void create(int task, void (*entry)(void))
{
    uint32_t *frame = &stacks[task][STACK_WORDS - 8];
    for (int i = 0; i < 8; i++) {
        frame[i] = 0;
    }
    frame[6] = (uint32_t)entry & ~1u; /* return address */
    frame[7] = 1u << 24;              /* XPSR.T */
    task_stack[task] = frame - 9;
    task_stack[task][8] = 0;
}

int main(void)
{
    create(0, task_0);
    create(1, task_1);
    create(2, task_2);
    SCB_SHPR3 = 0xFFFF0000u; /* PendSV and SysTick at the lowest priority */
    SYSTICK_LOAD = TICK_CYCLES;
    SYSTICK_VAL = 0;
    SYSTICK_CTRL = SYSTICK_ENABLE | SYSTICK_TICKINT | SYSTICK_CORE_CLOCK;
    __asm__ volatile("svc 0");
    return 2; /* never reached */
}
