#include "unit/file.h"

#include <errno.h>
#include <stdbool.h>

#include "base/str.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES ((size_t) 1 << 20)

struct file_parser {
    file_handler handler;
    void *userdata;
    const char *section;
};

static int fault(struct file_parser *p, unsigned line, const char *text, const char *what)
{
    char cut[81];
    size_t n = MIN(strlen(text), sizeof cut - 1);

    memcpy(cut, text, n);
    cut[n] = 0;
    return p->handler(p->userdata, FILE_FAULT, line, p->section, cut, what);
}

/* One logical line: continuation lines are joined already. */
static int parse_line(struct file_parser *p, char *text, unsigned line)
{
    char *l = strstrip(text);

    if (!*l)
        return 0;
    if (!utf8_is_valid(l))
        return fault(p, line, "", "the line is not valid UTF-8");
    if (*l == '[') {
        size_t n = strlen(l);

        if (l[n - 1] != ']') {
            int r = fault(p, line, l, "the section header has no \"]\" at its end");
            return r < 0 ? r : -EBADMSG;
        }
        l[n - 1] = 0;
        p->section = l + 1;
        return p->handler(p->userdata, FILE_SECTION, line, p->section, NULL, NULL);
    }
    char *equals = strchr(l, '=');
    if (!equals)
        return fault(p, line, l, "there is no \"=\"");
    if (equals == l)
        return fault(p, line, l, "there is no name before the \"=\"");
    *equals = 0;
    return p->handler(p->userdata, FILE_ASSIGNMENT, line, p->section, strstrip(l),
                      strstrip(equals + 1));
}

static bool ends_in_backslash(const char *s, size_t n)
{
    size_t count = 0;

    while (count < n && s[n - 1 - count] == '\\')
        count++;
    return count % 2 == 1;
}

/* The end of the line that begins at s: \n, \r\n, \r or NUL. *ret_next is where the next begins. */
static char *line_end(char *s, char *end, char **ret_next)
{
    char *e = s;

    while (e < end && *e != '\n' && *e != '\r' && *e != 0)
        e++;
    *ret_next = e < end ? e + 1 + (e + 1 < end && e[0] == '\r' && e[1] == '\n') : end;
    return e;
}

static bool is_comment(const char *s, const char *end)
{
    while (s < end && strchr(" \t", *s))
        s++;
    return s < end && (*s == '#' || *s == ';');
}

int file_parse(char *text, size_t size, file_handler handler, void *userdata)
{
    struct file_parser p = { .handler = handler, .userdata = userdata, .section = "" };
    char *s = text, *end = text + size, *next;
    char *start = NULL, *fill = NULL; /* a line with continuations, joined at its own place */
    unsigned line = 0, first = 0;

    if (size >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
        s += 3;
    for (; s < end; s = next) {
        char *e = line_end(s, end, &next);
        size_t n = (size_t) (e - s);

        line++;
        if (is_comment(s, e))
            continue;
        if (n > LINE_MAX_BYTES || (start && (size_t) (fill - start) + n > LINE_MAX_BYTES))
            return -ENOBUFS;
        if (start) {
            memmove(fill, s, n);
        } else {
            start = fill = s;
            first = line;
        }
        fill += n;
        if (ends_in_backslash(start, (size_t) (fill - start))) {
            fill[-1] = ' ';
            continue;
        }
        *fill = 0;
        int r = parse_line(&p, start, first);
        if (r < 0)
            return r;
        start = NULL;
    }
    if (!start)
        return 0;
    *fill = 0;
    return parse_line(&p, start, first);
}
