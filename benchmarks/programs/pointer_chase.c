/* A walk over a linked list in random order: each load's address comes from the load before. */
#include <stdint.h>

#include "uart.h"

#ifndef ROUNDS
#define ROUNDS 10000
#endif

enum { NODES = 4096 };

struct node {
    struct node *next;
    uint32_t value;
};

static struct node nodes[NODES];

/* One cycle through all nodes: i -> i * 5 + 1 mod 4096 has full period (Hull and Dobell). */
static void link(void)
{
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[i].next = &nodes[(i * 5 + 1) % NODES];
        nodes[i].value = i;
    }
}

int main(void)
{
    link();
    uint32_t sum = 0;
    const struct node *node = nodes;
    for (uint32_t step = 0; step < (uint32_t)ROUNDS * NODES; step++) {
        sum += node->value;
        node = node->next;
    }
    const int sound = node == nodes && sum == (uint32_t)ROUNDS * (NODES * (NODES - 1) / 2);
    uart_puts(sound ? "passed\n" : "failed\n");
    return !sound;
}
