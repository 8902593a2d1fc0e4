#include "journal/syslog.h"

#include <stdbool.h>
#include <string.h>
#include <syslog.h>

#include "base/str.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* "<PRI>" of one to three digits. Returns its length, 0 where there is none. */
static size_t parse_priority(const char *p, size_t n, int *priority)
{
    int value = 0;
    size_t i = 1;

    if (n < 3 || p[0] != '<')
        return 0;
    while (i < n && i < 4 && is_digit(p[i]))
        value = value * 10 + (p[i++] - '0');
    if (i == 1 || i >= n || p[i] != '>' || value > (LOG_FACMASK | LOG_PRIMASK))
        return 0;
    *priority = value;
    return i + 1;
}

/* "Mmm dd hh:mm:ss " */
static size_t parse_timestamp(const char *p, size_t n)
{
    static const char pattern[] = "aaa _0 00:00:00 ";

    if (n < sizeof pattern - 1)
        return 0;
    for (size_t i = 0; i < sizeof pattern - 1; i++) {
        bool fits = pattern[i] == 'a'   ? is_letter(p[i])
                    : pattern[i] == '0' ? is_digit(p[i])
                    : pattern[i] == '_' ? is_digit(p[i]) || p[i] == ' '
                                        : p[i] == pattern[i];

        if (!fits)
            return 0;
    }
    return sizeof pattern - 1;
}

/* "identifier:" or "identifier[pid]:", and one space after it. */
static size_t parse_identifier(const char *p, size_t n, struct syslog_message *m)
{
    size_t begin = 0, end;

    while (begin < n && is_space(p[begin]))
        begin++;
    for (end = begin; end < n && !is_space(p[end]) && p[end] != 0; end++)
        ;
    if (end == begin || p[end - 1] != ':')
        return 0;
    size_t name_end = end - 1;
    if (name_end > begin && p[name_end - 1] == ']') {
        size_t open = name_end - 1;

        while (open > begin && p[open] != '[')
            open--;
        if (p[open] == '[') {
            m->pid = p + open + 1;
            m->pid_length = name_end - 1 - (open + 1);
            name_end = open;
        }
    }
    m->identifier = p + begin;
    m->identifier_length = name_end - begin;
    return end < n && is_space(p[end]) ? end + 1 : end;
}

void syslog_parse(const char *data, size_t n, struct syslog_message *ret)
{
    struct syslog_message m = { .priority = LOG_USER | LOG_INFO };

    while (n > 0 && (is_space(data[n - 1]) || data[n - 1] == 0))
        n--;
    size_t k = parse_priority(data, n, &m.priority);
    data += k, n -= k;
    k = parse_timestamp(data, n);
    if (k > 0) {
        m.timestamp = data;
        m.timestamp_length = k;
    }
    data += k, n -= k;
    k = parse_identifier(data, n, &m);
    m.text = data + k;
    m.length = n - k;
    *ret = m;
}
