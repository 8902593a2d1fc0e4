#include "base/escape.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"

static void add_escaped(struct strbuf *b, char c)
{
    strbuf_addf(b, "\\x%02x", (unsigned char) c);
}

char *name_escape(const char *s)
{
    auto_strbuf struct strbuf b = {};

    for (const char *p = s; *p; p++) {
        if (*p == '/')
            strbuf_add_char(&b, '-');
        else if (*p == '.' && p == s)
            add_escaped(&b, *p);
        else if (isalnum((unsigned char) *p) || strchr(":_.", *p))
            strbuf_add_char(&b, *p);
        else
            add_escaped(&b, *p);
    }
    return strbuf_take(&b);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char) (c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int name_unescape(const char *s, char **ret)
{
    auto_strbuf struct strbuf b = {};

    for (; *s; s++) {
        if (*s == '-')
            strbuf_add_char(&b, '/');
        else if (*s == '\\') {
            if (s[1] != 'x' || hex_digit(s[2]) < 0 || hex_digit(s[3]) < 0)
                return -EINVAL;
            strbuf_add_char(&b, (char) (hex_digit(s[2]) << 4 | hex_digit(s[3])));
            s += 3;
        } else
            strbuf_add_char(&b, *s);
    }
    char *text = strbuf_take(&b);
    if (!text)
        return -ENOMEM;
    *ret = text;
    return 0;
}

int name_escape_path(const char *path, char **ret)
{
    auto_free char *copy = strdup(path);

    if (!copy)
        return -ENOMEM;
    path_simplify(copy);
    const char *inner = copy + (*copy == '/');
    if (!*path || (*inner && !path_is_normalized(inner)))
        return -EINVAL;
    char *escaped = *inner ? name_escape(inner) : strdup("-");
    if (!escaped)
        return -ENOMEM;
    *ret = escaped;
    return 0;
}

int name_unescape_path(const char *s, char **ret)
{
    auto_free char *inner = NULL;

    if (!*s)
        return -EINVAL;
    if (streq(s, "-"))
        inner = strdup("");
    else {
        int r = name_unescape(s, &inner);
        if (r < 0)
            return r;
        /* What path_simplify() would change cannot have come out of name_escape_path(). */
        if (*inner == '/' || endswith(inner, "/") || !path_is_normalized(inner))
            return -EINVAL;
    }
    char *path = inner ? format("/%s", inner) : NULL;
    if (!path)
        return -ENOMEM;
    *ret = path;
    return 0;
}
