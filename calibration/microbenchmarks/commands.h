/*
 * Bodies on command, in place of all of them in rounds: a line comes in over the console, an answer goes out.
 *
 *     identify           #firmware mcusim.microbenchmarks/1 BUILD BODIES
 *     list               #body NAME, a line for each
 *     run NAME ROUNDS    the marks of this body, a pair for each round, and the line #checksum of them (see main.c)
 *     rehearse           each body that is not left out, as by run NAME 1; a simulator reads the cycles where they are kept
 *     end                the program ends
 *
 * An answer ends with "#done HASH", FNV-1a of all its bytes before that line. What is not understood is answered with
 * "#error WHAT", and then #done. After a reset "#ready" is said, so that whoever waits for an answer knows that none will come.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "board.h"

enum { LINE_BYTES = 80, MOST_ROUNDS = 64, LEAST_LINE_BYTES = 8, FIRST_HASH = 0x811C9DC5u, HASH_FACTOR = 0x01000193u };

#if defined(EVICTED_BYTES)
void evicting_code(void);
#endif

static uint32_t said;
static uint32_t measured[MOST_ROUNDS][2];

static void say(const char *text)
{
    for (const char *each = text; *each; each++) {
        said = (said ^ (uint8_t)*each) * HASH_FACTOR;
    }
    uart_puts(text);
}

static void say_unsigned(uint32_t value)
{
    char digits[11];
    char *first = &digits[10];
    *first = 0;
    do {
        *--first = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    say(first);
}

static void say_hex(uint32_t value)
{
    char digits[9];
    for (int place = 0; place < 8; place++) {
        digits[place] = "0123456789abcdef"[(value >> (28 - 4 * place)) & 15];
    }
    digits[8] = 0;
    say(digits);
}

static void say_done(void)
{
    const uint32_t hash = said;
    say("#done ");
    say_hex(hash);
    say("\n");
}

/* What is behind the word at the begin of a line; 0 where another word, or more of one, stands there. */
static const char *behind(const char *line, const char *word)
{
    while (*word && *line == *word) {
        line++;
        word++;
    }
    return *word || (*line && *line != ' ') ? 0 : line + (*line == ' ');
}

/* A body's name is that of its first mark, before the colon. */
static int is_named(const struct timed *timed, const char *name, const char *end)
{
    const char *own = timed->mark.name;
    while (name < end && *own == *name) {
        own++;
        name++;
    }
    return name == end && *own == ':';
}

static struct timed *body_named(const char *name, const char *end)
{
    for (uint32_t i = 0; i < sizeof bodies / sizeof bodies[0]; i += 2) {
        if (is_named(&bodies[i], name, end)) {
            return &bodies[i];
        }
    }
    return 0;
}

/* What a cold body's lines lie in afterwards has met all of evicting_code, as code and as data. */
static void evict(void)
{
#if defined(EVICTED_BYTES)
    evicting_code();
    const uint32_t begin = (uint32_t)evicting_code & ~31u;
    for (uint32_t offset = 0; offset < EVICTED_BYTES; offset += LEAST_LINE_BYTES) {
        (void)*(const volatile uint32_t *)(begin + offset);
    }
#endif
}

static uint32_t cycles_of(struct timed *timed)
{
    if (timed->cold) {
        evict();
    }
    timed->mark.cycles = timed->mark.count = 0;
    timed->result = run_marked(timed);
    return (uint32_t)timed->mark.cycles;
}

/* Rounds are said once all are over: the console's code shall not come between them. */
static uint32_t measure(struct timed *pair, uint32_t rounds)
{
    uint32_t changed = 0;
    for (int copies = 0; copies < 2; copies++) {
        for (int warm = 0; warm < (pair->cold ? 1 : WARM_UPS); warm++) {
            cycles_of(&pair[copies]);
        }
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (int copies = 0; copies < 2; copies++) {
            const uint32_t before = pair[copies].result;
            measured[round][copies] = cycles_of(&pair[copies]);
            changed += pair[copies].result != before;
        }
    }
    return changed;
}

static void say_pair(const struct timed *pair, uint32_t rounds, uint32_t changed)
{
    for (uint32_t round = 0; round < rounds; round++) {
        for (int copies = 0; copies < 2; copies++) {
            say("#mark ");
            say(pair[copies].mark.name);
            say(" 1 ");
            say_unsigned(measured[round][copies]);
            say("\n");
        }
    }
    say("#checksum ");
    say_hex(((FIRST_HASH ^ pair[0].result) * HASH_FACTOR ^ pair[1].result) * HASH_FACTOR);
    say(" 2 ");
    say_unsigned(changed);
    say("\n");
}

static void answer_run(const char *name)
{
    const char *end = name;
    while (*end && *end != ' ') {
        end++;
    }
    struct timed *pair = body_named(name, end);
    uint32_t rounds = 0;
    for (const char *digit = end + (*end == ' '); *digit >= '0' && *digit <= '9' && rounds <= MOST_ROUNDS; digit++) {
        rounds = 10 * rounds + (uint32_t)(*digit - '0');
    }
    if (!pair) {
        say("#error no such body\n");
    } else if (!rounds || rounds > MOST_ROUNDS) {
        say("#error rounds\n");
    } else {
        say_pair(pair, rounds, measure(pair, rounds));
    }
}

static void rehearse(void)
{
    for (uint32_t i = 0; i < sizeof bodies / sizeof bodies[0]; i += 2) {
        if (!bodies[i].left_out) {
            measure(&bodies[i], 1);
        }
    }
}

static void answer_identify(void)
{
    say("#firmware mcusim.microbenchmarks/1 ");
    say_hex(BUILD);
    say(" ");
    say_unsigned(sizeof bodies / sizeof bodies[0] / 2);
    say("\n");
}

static void answer_list(void)
{
    for (uint32_t i = 0; i < sizeof bodies / sizeof bodies[0]; i += 2) {
        char name[LINE_BYTES];
        uint32_t length = 0;
        for (const char *own = bodies[i].mark.name; *own != ':' && length < LINE_BYTES - 1; own++) {
            name[length++] = *own;
        }
        name[length] = 0;
        say("#body ");
        say(name);
        say("\n");
    }
}

/* A line without its end; one that is too long is cut. Carriage returns are left out. */
static void hear(char *line)
{
    uint32_t length = 0;
    for (;;) {
        const int character = uart_getc();
        if (character == '\n') {
            break;
        }
        if (character > 0 && character != '\r' && length < LINE_BYTES - 1) {
            line[length++] = (char)character;
        }
    }
    line[length] = 0;
}

static int serve(void)
{
    char line[LINE_BYTES];
    uart_puts("#ready\n");
    for (;;) {
        hear(line);
        said = FIRST_HASH;
        const char *name = behind(line, "run");
        if (name) {
            answer_run(name);
        } else if (behind(line, "identify")) {
            answer_identify();
        } else if (behind(line, "rehearse")) {
            rehearse();
        } else if (behind(line, "list")) {
            answer_list();
        } else if (behind(line, "end")) {
            return 0;
        } else {
            say("#error no such command\n");
        }
        say_done();
    }
}

#endif
