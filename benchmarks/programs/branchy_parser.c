/* A parser for JSON-like text: unpredictable branches, a switch, recursion, calls. */
#include <stdint.h>

#include "uart.h"

#ifndef ROUNDS
#define ROUNDS 22500
#endif

static const char text[] =
    "{\"name\": \"sensor 7\", \"on\": true, \"values\": [12, -7, 0, 40961, 3, [1, [2, [3]]], -88],"
    " \"labels\": {\"a\": null, \"b\": false, \"c\": \"x\\\"y\\\\z\"}, \"empty\": [], \"none\": {},"
    " \"list\": [true, false, null, {\"k\": 1}, {\"k\": 22}, {\"k\": 333}, \"end\"], \"last\": 2147483647 }";

struct result {
    uint32_t objects, arrays, strings, numbers, words, characters;
    int32_t sum;
    int wrong;
};

static const char *at;
static struct result found;

static void parse_value(void);

static void skip_space(void)
{
    while (*at == ' ' || *at == '\t' || *at == '\n') {
        at++;
    }
}

static int accept(char wanted)
{
    skip_space();
    if (*at != wanted) {
        return 0;
    }
    at++;
    return 1;
}

static void parse_string(void)
{
    found.strings++;
    while (*at && *at != '"') {
        at += *at == '\\' ? 2 : 1;
        found.characters++;
    }
    at++;
}

static void parse_number(void)
{
    const int negative = *at == '-';
    uint32_t value = 0;
    at += negative;
    while (*at >= '0' && *at <= '9') {
        value = value * 10 + (uint32_t)(*at++ - '0');
    }
    found.numbers++;
    found.sum = (int32_t)((uint32_t)found.sum + (negative ? 0u - value : value));
}

static void parse_word(const char *word)
{
    while (*word && *at == *word) {
        at++;
        word++;
    }
    found.words++;
    found.wrong += *word != 0;
}

static void parse_array(void)
{
    found.arrays++;
    if (accept(']')) {
        return;
    }
    do {
        parse_value();
    } while (accept(','));
    found.wrong += !accept(']');
}

static void parse_object(void)
{
    found.objects++;
    if (accept('}')) {
        return;
    }
    do {
        found.wrong += !accept('"');
        parse_string();
        found.wrong += !accept(':');
        parse_value();
    } while (accept(','));
    found.wrong += !accept('}');
}

static void parse_value(void)
{
    skip_space();
    switch (*at) {
    case '{': at++; parse_object(); break;
    case '[': at++; parse_array(); break;
    case '"': at++; parse_string(); break;
    case 't': parse_word("true"); break;
    case 'f': parse_word("false"); break;
    case 'n': parse_word("null"); break;
    default: parse_number(); break;
    }
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        at = text;
        parse_value();
    }
    const int sound = found.wrong == 0 && found.objects == 6u * ROUNDS && found.arrays == 6u * ROUNDS &&
                      found.numbers == 13u * ROUNDS && found.words == 6u * ROUNDS && *at == 0;
    uart_puts(sound ? "passed\n" : "failed\n");
    return !sound;
}
