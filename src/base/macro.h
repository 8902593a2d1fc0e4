/* base/macro.h -- the few macros that every file may use. */
#pragma once

#include <assert.h>
#include <stddef.h>

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

#define MAX(a, b) \
    ({ \
        __typeof__(a) max_a = (a); \
        __typeof__(b) max_b = (b); \
        max_a > max_b ? max_a : max_b; \
    })
#define MIN(a, b) \
    ({ \
        __typeof__(a) min_a = (a); \
        __typeof__(b) min_b = (b); \
        min_a < min_b ? min_a : min_b; \
    })

#define container_of(ptr, type, member) ((type *) ((char *) (ptr) -offsetof(type, member)))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_ __attribute__((unused))
#define _noreturn_ __attribute__((noreturn))

/* Ends a function that has handled every case in a switch without `default:`. */
#define assert_unreachable() unreachable_reached(__FILE__, __LINE__)
_noreturn_ void unreachable_reached(const char *file, int line);

#define XSTRINGIFY(x) #x
#define STRINGIFY(x) XSTRINGIFY(x)
