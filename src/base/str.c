#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

const char *endswith(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);

    return n >= k && memcmp(s + n - k, suffix, k) == 0 ? s + n - k : NULL;
}

char *vformat(const char *fmt, va_list ap)
{
    char *text;

    return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

char *format(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *text = vformat(fmt, ap);
    va_end(ap);
    return text;
}

int str_replace(char **p, const char *s)
{
    char *copy = NULL;

    if (s && !(copy = strdup(s)))
        return -ENOMEM;
    free(*p);
    *p = copy;
    return 0;
}

char *strstrip(char *s)
{
    s += strspn(s, WHITESPACE);
    size_t n = strlen(s);
    while (n > 0 && strchr(WHITESPACE, s[n - 1]))
        s[--n] = 0;
    return s;
}

char *path_join(const char *first, ...)
{
    auto_strbuf struct strbuf b = {};
    va_list ap;

    strbuf_add(&b, first);
    va_start(ap, first);
    for (const char *p; (p = va_arg(ap, const char *));) {
        if (b.length > 0) /* what comes first says whether it is absolute */
            p += strspn(p, "/");
        if (!*p)
            continue;
        if (b.length > 0 && b.text[b.length - 1] != '/')
            strbuf_add_char(&b, '/');
        strbuf_add(&b, p);
    }
    va_end(ap);
    return strbuf_take(&b);
}

bool path_is_normalized(const char *p)
{
    for (bool first = true; *p; first = false) {
        size_t slashes = strspn(p, "/");

        if (slashes > 1)
            return false;
        p += slashes;
        size_t n = strcspn(p, "/");
        if (n == 0)
            return first; /* "/" alone is fine, a trailing slash is tolerated by path_simplify()
                             only */
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        p += n;
    }
    return true;
}

char *path_simplify(char *path)
{
    bool absolute = *path == '/';
    char *to = path + absolute;

    for (const char *from = path; *from;) {
        from += strspn(from, "/");
        size_t n = strcspn(from, "/");
        if (n == 0)
            break;
        if (!(n == 1 && *from == '.')) {
            if (to > path + absolute)
                *to++ = '/';
            memmove(to, from, n);
            to += n;
        }
        from += n;
    }
    if (to == path && !absolute && *path)
        *to++ = '.';
    *to = 0;
    return path;
}

const char *path_basename(const char *p)
{
    const char *slash = strrchr(p, '/');

    return slash ? slash + 1 : p;
}

const char *path_startswith(const char *path, const char *prefix)
{
    if ((*path == '/') != (*prefix == '/'))
        return NULL;
    for (;;) {
        path += strspn(path, "/");
        prefix += strspn(prefix, "/");
        size_t n = strcspn(prefix, "/");
        if (n == 0)
            return path;
        if (strncmp(path, prefix, n) != 0 || (path[n] && path[n] != '/'))
            return NULL;
        path += n;
        prefix += n;
    }
}

void strbuf_done(struct strbuf *b)
{
    auto_free_p(&b->text);
    *b = (struct strbuf){};
}

size_t put_u64(char *at, uint64_t v)
{
    char digits[U64_DIGITS];
    size_t i = sizeof digits;

    do {
        digits[--i] = (char) ('0' + v % 10);
        v /= 10;
    } while (v > 0);
    memcpy(at, digits + i, sizeof digits - i);
    return sizeof digits - i;
}

void strbuf_add_n(struct strbuf *b, const void *data, size_t n)
{
    if (b->failed)
        return;
    if (!grow(&b->text, &b->allocated, b->length + n + 1)) {
        b->failed = true;
        return;
    }
    if (n > 0)
        memcpy(b->text + b->length, data, n);
    b->length += n;
    b->text[b->length] = 0;
}

void strbuf_add(struct strbuf *b, const char *text)
{
    strbuf_add_n(b, text, strlen(text));
}

void strbuf_add_char(struct strbuf *b, char c)
{
    strbuf_add_n(b, &c, 1);
}

void strbuf_add_u64(struct strbuf *b, uint64_t n)
{
    char digits[U64_DIGITS];

    strbuf_add_n(b, digits, put_u64(digits, n));
}

void strbuf_add_hex(struct strbuf *b, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++) {
        const char two[] = { digits[p[i] >> 4], digits[p[i] & 15] };

        strbuf_add_n(b, two, sizeof two);
    }
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
    auto_free char *text = vformat(fmt, ap);

    if (text)
        strbuf_add(b, text);
    else
        b->failed = true;
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(b, fmt, ap);
    va_end(ap);
}

void strbuf_clear(struct strbuf *b)
{
    b->length = 0;
    b->failed = false;
    if (b->text)
        b->text[0] = 0;
}

char *strbuf_take(struct strbuf *b)
{
    if (b->failed)
        return NULL;
    if (!b->text)
        return strdup("");
    char *text = b->text;
    *b = (struct strbuf){};
    return text;
}

static bool same_letter(char a, char b, bool fold)
{
    return a == b || (fold && tolower((unsigned char) a) == tolower((unsigned char) b));
}

unsigned edit_distance(const char *a, const char *b, unsigned limit, bool fold)
{
    enum { LONGEST = 255 };
    unsigned char rows[3][LONGEST + 1];
    size_t n = strlen(a), m = strlen(b);

    if (n > LONGEST || m > LONGEST || (n > m ? n - m : m - n) > limit)
        return limit + 1;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned char) j;
    for (size_t i = 1; i <= n; i++) {
        unsigned char *now = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

        now[0] = (unsigned char) i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = last[j - 1] + !same_letter(a[i - 1], b[j - 1], fold);
            unsigned indel = 1u + MIN(last[j], now[j - 1]);

            best = MIN(best, indel);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2], fold) &&
                same_letter(a[i - 2], b[j - 1], fold))
                best = MIN(best, before[j - 2] + 1u);
            now[j] = (unsigned char) best;
        }
    }
    return MIN((unsigned) rows[n % 3][m], limit + 1);
}
