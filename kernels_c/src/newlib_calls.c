/* What newlib asks of a system: the heap between the end of .bss and the stack's reserve, and a console. */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "semihosting.h"
#include "uart.h"

extern char __heap_start[], __heap_end[];

void *_sbrk(ptrdiff_t increment)
{
    static char *top = __heap_start;
    if (increment > __heap_end - top || increment < __heap_start - top) {
        errno = ENOMEM;
        return (void *)-1;
    }
    char *const before = top;
    top += increment;
    return before;
}

int _write(int file, const char *text, int count)
{
    (void)file;
    for (int i = 0; i < count; i++) {
        uart_putc(text[i]);
    }
    return count;
}

int _read(int file, char *text, int count)
{
    (void)file, (void)text, (void)count;
    return 0;
}

int _close(int file)
{
    (void)file;
    return -1;
}

int _lseek(int file, int offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

int _fstat(int file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFCHR;
    return 0;
}

int _isatty(int file)
{
    (void)file;
    return 1;
}

int _getpid(void)
{
    return 1;
}

int _kill(int process, int signal)
{
    (void)process, (void)signal;
    errno = EINVAL;
    return -1;
}

void __attribute__((noreturn)) _exit(int code)
{
    semihosting_exit(code);
}

/* crti.o and crtn.o, which hold these, are not linked. */
void _init(void)
{
}

void _fini(void)
{
}
