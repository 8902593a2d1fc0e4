#include "unit/enums.h"

#include <errno.h>
#include <stddef.h>

#include "base/str.h"

const char *enum_to_string(const char *const *names, int n, int value)
{
    return value < 0 || value >= n ? NULL : names[value];
}

int enum_from_string(const char *const *names, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (streq(names[i], text))
            return i;
    return -EINVAL;
}

#define ENUM_NAME(member, text) [member] = text,
#define ENUM_DEFINE(name, LIST, max) \
    const char *const name##_names[max] = { LIST(ENUM_NAME) }; \
    const char *name##_to_string(int value) \
    { \
        return enum_to_string(name##_names, max, value); \
    } \
    int name##_from_string(const char *text) \
    { \
        return enum_from_string(name##_names, max, text); \
    }
ALL_ENUMS(ENUM_DEFINE)
