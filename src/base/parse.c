#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

int parse_boolean(const char *s)
{
    static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
    static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

    for (size_t i = 0; s && i < ELEMENTSOF(yes); i++) {
        if (strcasecmp(s, yes[i]) == 0)
            return 1;
        if (strcasecmp(s, no[i]) == 0)
            return 0;
    }
    return -EINVAL;
}

/* The base that the prefix of the digits at s stands for, and how long the prefix is where
 * strtoull() would not skip it itself. */
static unsigned number_base(const char *s, size_t *ret_skip)
{
    *ret_skip = 0;
    if (s[0] != '0' || !s[1] || !isxdigit((unsigned char) s[2]))
        return 0;
    if (s[1] == 'b' || s[1] == 'B')
        return *ret_skip = 2;
    if (s[1] == 'o' || s[1] == 'O') {
        *ret_skip = 2;
        return 8;
    }
    return 0;
}

static int finish_number(const char *digits, const char *end)
{
    if (errno == ERANGE)
        return -ERANGE;
    if (errno != 0 || end == digits || *end)
        return -EINVAL;
    return 0;
}

static int parse_u64_at(const char *s, unsigned base, uint64_t *ret)
{
    char *end;
    size_t skip = 0;

    s += strspn(s, WHITESPACE);
    bool negative = *s == '-', sign = negative || *s == '+';
    const char *digits = s + sign;
    if (!isxdigit((unsigned char) *digits) && base <= 16)
        return -EINVAL; /* a second sign, white space */
    if (base == 0)
        base = number_base(digits, &skip);
    errno = 0;
    unsigned long long value = strtoull(digits + skip, &end, (int) base);
    int r = finish_number(digits + skip, end);
    if (r < 0)
        return r;
    if (negative && value != 0)
        return -ERANGE;
    *ret = value;
    return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
    return parse_u64_at(s, 0, ret);
}

int parse_u64_base(const char *s, unsigned base, uint64_t *ret)
{
    return parse_u64_at(s, base, ret);
}

int parse_i64(const char *s, int64_t *ret)
{
    uint64_t value;

    s += strspn(s, WHITESPACE);
    bool negative = *s == '-';
    if (negative && (s[1] == '-' || s[1] == '+' || strchr(WHITESPACE, s[1])))
        return -EINVAL;
    int r = parse_u64_at(s + negative, 0, &value);
    if (r < 0)
        return r;
    if (value > (uint64_t) INT64_MAX + negative)
        return -ERANGE;
    *ret = negative ? (int64_t) (0 - value) : (int64_t) value;
    return 0;
}

int parse_unsigned(const char *s, unsigned *ret)
{
    uint64_t value;
    int r = parse_u64(s, &value);

    if (r < 0)
        return r;
    if (value > UINT_MAX)
        return -ERANGE;
    *ret = (unsigned) value;
    return 0;
}

int parse_int(const char *s, int *ret)
{
    int64_t value;
    int r = parse_i64(s, &value);

    if (r < 0)
        return r;
    if (value > INT_MAX || value < INT_MIN)
        return -ERANGE;
    *ret = (int) value;
    return 0;
}

int parse_mode(const char *s, mode_t *ret)
{
    uint64_t value;
    int r = parse_u64_base(s, 8, &value);

    if (r < 0)
        return r;
    if (value > 07777)
        return -ERANGE;
    *ret = (mode_t) value;
    return 0;
}

int parse_pid(const char *s, pid_t *ret)
{
    uint64_t value;
    int r = parse_u64(s, &value);

    if (r < 0)
        return r;
    if (value == 0 || value > INT_MAX)
        return -ERANGE;
    *ret = (pid_t) value;
    return 0;
}

int parse_uid(const char *s, uid_t *ret)
{
    uint64_t value;

    if (!isdigit((unsigned char) s[0]) || (s[0] == '0' && s[1]))
        return -EINVAL;
    int r = parse_u64_base(s, 10, &value);
    if (r < 0)
        return r;
    if (value > UINT32_MAX)
        return -ERANGE;
    if (value == UINT16_MAX || value == UINT32_MAX)
        return -ENXIO;
    *ret = (uid_t) value;
    return 0;
}

int parse_port(const char *s, uint16_t *ret)
{
    unsigned value;
    int r = parse_unsigned(s, &value);

    if (r < 0)
        return r;
    if (value == 0 || value > UINT16_MAX)
        return -ERANGE;
    *ret = (uint16_t) value;
    return 0;
}

/* The unit at *p, no larger than the one of index `first`: "" (bytes) matches everywhere. */
static size_t size_suffix(const char **p, size_t first)
{
    static const char suffixes[] = "EPTGMKB";

    for (size_t i = first; i < strlen(suffixes); i++)
        if (**p == suffixes[i]) {
            (*p)++;
            return i;
        }
    return strlen(suffixes);
}

int parse_size(const char *s, uint64_t base, uint64_t *ret)
{
    uint64_t total = 0;
    size_t first = 0; /* units come in falling order */
    const char *p = s;

    do {
        char *end;

        p += strspn(p, WHITESPACE);
        if (*p == '-')
            return -ERANGE;
        if (!isdigit((unsigned char) *p) && *p != '+')
            return -EINVAL;
        errno = 0;
        unsigned long long whole = strtoull(p, &end, 10);
        if (errno != 0)
            return -errno;
        if (end == p)
            return -EINVAL;
        p = end;
        const char *fraction = p;
        if (*p == '.') {
            fraction = ++p;
            p += strspn(p, "0123456789");
            if (p == fraction)
                return -EINVAL;
        }
        size_t fraction_length = (size_t) (p - fraction);
        p += strspn(p, WHITESPACE);
        if (first > 7)
            return -EINVAL;
        size_t unit = size_suffix(&p, first);

        uint64_t factor = 1;
        for (size_t i = unit; i < 6; i++)
            factor *= base;
        if (whole > UINT64_MAX / factor)
            return -ERANGE;
        uint64_t value = whole * factor;
        double part = 0, digit = 1;
        for (size_t i = 0; i < fraction_length; i++)
            part += (fraction[i] - '0') * (digit /= 10);
        value += (uint64_t) (part * (double) factor); /* below factor: cannot wrap by more than 1 */
        if (value < whole * factor || total > UINT64_MAX - value)
            return -ERANGE;
        total += value;
        first = unit + 1;
        p += strspn(p, WHITESPACE);
    } while (*p);
    *ret = total;
    return 0;
}

char *size_format(char text[static SIZE_TEXT_MAX], uint64_t n)
{
    uint64_t tenth = 0;
    int unit = 0;

    while (n >= 1024) {
        tenth = n % 1024 * 10 / 1024;
        n /= 1024;
        unit++;
    }
    if (tenth > 0)
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 ".%" PRIu64 "%c", n, tenth, "BKMGTPE"[unit]);
    else
        snprintf(text, SIZE_TEXT_MAX, "%" PRIu64 "%c", n, "BKMGTPE"[unit]);
    return text;
}

int parse_permyriad_unbounded(const char *s, unsigned *ret)
{
    static const struct {
        const char *sign;
        unsigned scale, digits; /* digits that fit behind the point */
    } units[] = { { "%", 100, 2 }, { "‰", 10, 1 }, { "‱", 1, 0 } };

    for (size_t i = 0; i < ELEMENTSOF(units); i++) {
        const char *sign = endswith(s, units[i].sign);
        uint64_t value = 0;
        unsigned scale = units[i].scale;
        const char *p = s;

        if (!sign)
            continue;
        if (p == sign || !isdigit((unsigned char) *p))
            return -EINVAL;
        for (; isdigit((unsigned char) *p); p++) {
            value = value * 10 + (uint64_t) (*p - '0');
            if (value > INT_MAX)
                return -ERANGE;
        }
        value *= scale;
        if (*p == '.') {
            const char *fraction = ++p;
            for (; isdigit((unsigned char) *p); p++)
                value += (uint64_t) (*p - '0') * (scale /= 10);
            if (p == fraction || (size_t) (p - fraction) > units[i].digits)
                return -EINVAL;
        }
        if (p != sign)
            return -EINVAL;
        if (value > INT_MAX)
            return -ERANGE;
        *ret = (unsigned) value;
        return 0;
    }
    return -EINVAL;
}

int parse_permyriad(const char *s, unsigned *ret)
{
    unsigned value;
    int r = parse_permyriad_unbounded(s, &value);

    if (r < 0)
        return r;
    if (value > 10000)
        return -ERANGE;
    *ret = value;
    return 0;
}
