/* For compilers that bring no C library: the constants of math.h, and what is an instruction or a compiler's builtin. */
#ifndef MATH_H
#define MATH_H

#define NAN __builtin_nanf("")
#ifndef INFINITY
#define INFINITY (__builtin_inff())
#endif

static inline float fabsf(float x)
{
    return __builtin_fabsf(x);
}

#endif
