/*
 * Semihosting: console, clocks, exit, and files (all cores).
 *
 * Expected with a debugger that serves calls below a folder of its own: exit code 0; the lines of write_console,
 * "passed". -DFILES=0: no folder is served: every SYS_OPEN but of ":tt" must fail, and exit code 0 says so. Calls that
 * must never work: SYS_SYSTEM, names that leave the folder. "Semihosting for AArch32 and AArch64", release 2.0,
 * sections 5 and 6.
 */
#include "check.h"

#ifndef FILES
#define FILES 1
#endif

enum { READ_BINARY = 1, WRITE = 4, WRITE_BINARY = 5, APPEND = 8, READ_WRITE_BINARY = 3 };

static uint32_t length_of(const char *text)
{
    uint32_t length = 0;
    while (text[length]) {
        length++;
    }
    return length;
}

static int32_t call3(uint32_t operation, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t parameters[3] = {a, b, c};
    return semihosting_call(operation, parameters);
}

static int32_t open_file(const char *name, uint32_t mode)
{
    return call3(SYS_OPEN, (uint32_t)name, mode, length_of(name));
}

static int32_t write_file(int32_t handle, const char *text)
{
    return call3(SYS_WRITE, (uint32_t)handle, (uint32_t)text, length_of(text));
}

static void write_console(void)
{
    semihosting_call(SYS_WRITE0, "SYS_WRITE0 line\n");
    for (const char *text = "SYS_WRITEC line\n"; *text; text++) {
        semihosting_call(SYS_WRITEC, text);
    }
    const int32_t console = open_file(":tt", WRITE);
    check("the console opens", console > 0 || console == 0);
    check("SYS_ISTTY answers", (call3(SYS_ISTTY, (uint32_t)console, 0, 0) | 1) == 1);
    check_equal("SYS_WRITE leaves nothing unwritten", (uint32_t)write_file(console, "SYS_WRITE line\n"), 0);
}

static void check_clocks(void)
{
    const int32_t before = semihosting_call(SYS_CLOCK, 0);
    check("SYS_CLOCK answers", before >= 0);
    check("and never goes back", semihosting_call(SYS_CLOCK, 0) >= before);
    check("SYS_TIME answers", semihosting_call(SYS_TIME, 0) != -1);
}

static void check_refused(void)
{
    const char *command = "true";
    check("SYS_SYSTEM is refused", call3(SYS_SYSTEM, (uint32_t)command, length_of(command), 0) != 0);
    check_equal("a name above the folder", (uint32_t)open_file("../escaped.txt", WRITE), 0xFFFFFFFFu);
    check_equal("an absolute name", (uint32_t)open_file("/etc/hostname", READ_BINARY), 0xFFFFFFFFu);
    check_equal("a hidden way up", (uint32_t)open_file("a/../../escaped.txt", WRITE), 0xFFFFFFFFu);
}

static void check_no_files(void)
{
    check_equal("no file opens for writing", (uint32_t)open_file("data.txt", WRITE), 0xFFFFFFFFu);
    check_equal("no file opens for reading", (uint32_t)open_file("data.txt", READ_BINARY), 0xFFFFFFFFu);
}

static void check_files(void)
{
    static char buffer[16];
    int32_t handle = open_file("data.txt", WRITE_BINARY);
    check("a file opens for writing", handle > 0);
    check_equal("written whole", (uint32_t)write_file(handle, "0123456789"), 0);
    check_equal("is no console", (uint32_t)call3(SYS_ISTTY, (uint32_t)handle, 0, 0), 0);
    check_equal("closed", (uint32_t)call3(SYS_CLOSE, (uint32_t)handle, 0, 0), 0);

    handle = open_file("data.txt", READ_BINARY);
    check_equal("length", (uint32_t)call3(SYS_FLEN, (uint32_t)handle, 0, 0), 10);
    check_equal("seek", (uint32_t)call3(SYS_SEEK, (uint32_t)handle, 4, 0), 0);
    check_equal("6 of 16 bytes are there", (uint32_t)call3(SYS_READ, (uint32_t)handle, (uint32_t)buffer, 16), 10);
    check_equal("the fifth byte", (uint32_t)buffer[0], '4');
    check_equal("the last byte", (uint32_t)buffer[5], '9');
    check_equal("nothing more: all 16 unread", (uint32_t)call3(SYS_READ, (uint32_t)handle, (uint32_t)buffer, 16), 16);
    check_equal("closed again", (uint32_t)call3(SYS_CLOSE, (uint32_t)handle, 0, 0), 0);
    check("closing twice fails", call3(SYS_CLOSE, (uint32_t)handle, 0, 0) != 0);

    handle = open_file("data.txt", APPEND);
    check_equal("appended", (uint32_t)write_file(handle, "ab"), 0);
    check_equal("longer now", (uint32_t)call3(SYS_FLEN, (uint32_t)handle, 0, 0), 12);
    call3(SYS_CLOSE, (uint32_t)handle, 0, 0);

    check_equal("removed", (uint32_t)call3(SYS_REMOVE, (uint32_t)"data.txt", 8, 0), 0);
    check_equal("gone", (uint32_t)open_file("data.txt", READ_BINARY), 0xFFFFFFFFu);
    check("an error number is left", semihosting_call(SYS_ERRNO, 0) != 0);
}

int main(void)
{
    write_console();
    check_clocks();
    check_refused();
    if (FILES) {
        check_files();
    } else {
        check_no_files();
    }
    return failures();
}
