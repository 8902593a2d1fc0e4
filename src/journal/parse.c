#include "journal/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "base/alloc.h"

#define NAME_MAX_LENGTH 64
#define VALUE_MAX_LENGTH 4096

static const char *const mode_names[] = { "none", "json", "logfmt", "go" };

int log_parse_from_name(const char *name)
{
    for (int i = 0; i < (int) ELEMENTSOF(mode_names); i++)
        if (streq(mode_names[i], name))
            return i;
    return -EINVAL;
}

void parsed_done(struct parsed *p)
{
    strbuf_done(&p->text);
}

/* ---- fields ---- */

/* Begins a field; its value is added to p->text, and field_end() closes it. */
static void add_field(struct parsed *p, const char *name, const char *value, size_t n)
{
    if (p->n == PARSED_FIELDS_MAX || !*name)
        return;
    /* Offsets until all are there: the buffer moves. */
    size_t at = p->text.length;
    strbuf_add(&p->text, name);
    strbuf_add_char(&p->text, '=');
    strbuf_add_n(&p->text, value, MIN(n, (size_t) VALUE_MAX_LENGTH));
    p->fields[p->n++] = (struct iovec){ (void *) (uintptr_t) at, p->text.length - at };
}

/* From offsets to pointers. */
static void settle(struct parsed *p)
{
    if (p->text.failed)
        p->n = 0;
    for (size_t i = 0; i < p->n; i++)
        p->fields[i].iov_base = p->text.text + (uintptr_t) p->fields[i].iov_base;
}

static bool key_is(const char *key, size_t n, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == n && strncasecmp(key, *words, n) == 0)
            return true;
    return false;
}

static const char *const level_keys[] = {
    "level", "lvl", "severity", "loglevel", "log.level", NULL
};
static const char *const place_keys[] = { "caller", "source", "file", "logger.caller", NULL };
static const char *const trace_keys[] = { "trace_id", "traceid",     "trace.id",
                                          "trace",    "dd.trace_id", NULL };
static const char *const span_keys[] = { "span_id", "spanid", "span.id", NULL };
/* In the message, or in the entry's own time, already. */
static const char *const skipped_keys[] = { "msg", "message",   "time",       "ts",
                                            "t",   "timestamp", "@timestamp", NULL };

static int level_of(const char *value, size_t n)
{
    static const struct {
        const char *word;
        int priority;
    } levels[] = {
        { "trace", LOG_DEBUG },
        { "debug", LOG_DEBUG },
        { "info", LOG_INFO },
        { "information", LOG_INFO },
        { "notice", LOG_NOTICE },
        { "warn", LOG_WARNING },
        { "warning", LOG_WARNING },
        { "error", LOG_ERR },
        { "err", LOG_ERR },
        { "critical", LOG_CRIT },
        { "crit", LOG_CRIT },
        { "dpanic", LOG_CRIT },
        { "panic", LOG_CRIT },
        { "fatal", LOG_CRIT },
        { "alert", LOG_ALERT },
        { "emerg", LOG_EMERG },
        /* pino and bunyan */
        { "10", LOG_DEBUG },
        { "20", LOG_DEBUG },
        { "30", LOG_INFO },
        { "40", LOG_WARNING },
        { "50", LOG_ERR },
        { "60", LOG_CRIT },
    };

    /* slog writes levels between the named ones as "INFO+2". */
    for (size_t i = 0; i < n; i++)
        if (value[i] == '+' || (value[i] == '-' && i > 0))
            n = i;
    for (size_t i = 0; i < ELEMENTSOF(levels); i++)
        if (strlen(levels[i].word) == n && strncasecmp(levels[i].word, value, n) == 0)
            return levels[i].priority;
    return -1;
}

/* "/src/main.go:24" or "main.go:24:7": file and line. False if it is none. */
static bool add_place(struct parsed *p, const char *value, size_t n)
{
    const char *colon = memchr(value, ':', n);
    size_t digits = 0;

    if (!colon || colon == value || !memchr(value, '.', (size_t) (colon - value)))
        return false;
    size_t left = n - (size_t) (colon + 1 - value);
    while (digits < left && isdigit((unsigned char) colon[1 + digits]))
        digits++;
    if (digits == 0 || (digits < left && colon[1 + digits] != ':'))
        return false;
    add_field(p, "CODE_FILE", value, (size_t) (colon - value));
    add_field(p, "CODE_LINE", colon + 1, digits);
    return true;
}

/* A key as a name of the journal's. */
static void field_name(const char *key, size_t n, char name[static NAME_MAX_LENGTH + 1])
{
    static const char *const taken[] = { "MESSAGE", "PRIORITY",      "UNIT",      "MESSAGE_ID",
                                         "ERRNO",   "INVOCATION_ID", "USER_UNIT", "COREDUMP_UNIT" };
    /* A name that begins with "_" would be one that the journal vouches for. */
    bool prefix = n == 0 || !isalpha((unsigned char) *key);
    size_t at = 0;

    for (size_t i = 0; i < ELEMENTSOF(taken) && !prefix; i++)
        prefix = strlen(taken[i]) == n && strncasecmp(taken[i], key, n) == 0;
    prefix = prefix || (n > 7 && strncasecmp(key, "SYSLOG_", 7) == 0) ||
             (n > 7 && strncasecmp(key, "OBJECT_", 7) == 0) ||
             (n > 5 && strncasecmp(key, "CODE_", 5) == 0);
    if (prefix) {
        memcpy(name, "LOG_", 4);
        at = 4;
    }
    for (size_t i = 0; i < n && at < NAME_MAX_LENGTH; i++)
        name[at++] = (char) (isalnum((unsigned char) key[i]) ? toupper((unsigned char) key[i])
                                                             : '_');
    name[at] = 0;
}

static void add_pair(struct parsed *p, const char *key, size_t key_n, const char *value, size_t n)
{
    char name[NAME_MAX_LENGTH + 1];

    if (key_is(key, key_n, level_keys)) {
        int priority = level_of(value, n);

        if (priority >= 0) {
            p->priority = priority;
            return;
        }
    }
    if (key_is(key, key_n, skipped_keys) || n == 0)
        return;
    if (key_is(key, key_n, place_keys) && add_place(p, value, n))
        return;
    if (key_is(key, key_n, trace_keys))
        strcpy(name, "TRACE_ID");
    else if (key_is(key, key_n, span_keys))
        strcpy(name, "SPAN_ID");
    else
        field_name(key, key_n, name);
    add_field(p, name, value, n);
}

/* ---- JSON ---- */

struct json {
    const char *p, *end;
};

static void skip_space(struct json *j)
{
    while (j->p < j->end && strchr(WHITESPACE, *j->p))
        j->p++;
}

static bool take_char(struct json *j, char c)
{
    skip_space(j);
    if (j->p == j->end || *j->p != c)
        return false;
    j->p++;
    return true;
}

static void add_utf8(struct strbuf *b, unsigned c)
{
    if (c < 0x80)
        strbuf_add_char(b, (char) c);
    else if (c < 0x800) {
        strbuf_add_char(b, (char) (0xc0 | c >> 6));
        strbuf_add_char(b, (char) (0x80 | (c & 0x3f)));
    } else {
        strbuf_add_char(b, (char) (0xe0 | c >> 12));
        strbuf_add_char(b, (char) (0x80 | (c >> 6 & 0x3f)));
        strbuf_add_char(b, (char) (0x80 | (c & 0x3f)));
    }
}

/* A string or key, unescaped, behind its opening quote; pairs of surrogates stay two characters. */
static bool take_string(struct json *j, struct strbuf *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";

    for (; j->p < j->end && *j->p != '"'; j->p++) {
        if (*j->p != '\\') {
            strbuf_add_char(to, *j->p);
            continue;
        }
        if (++j->p == j->end)
            return false;
        const char *known = *j->p ? strchr(from, *j->p) : NULL;
        if (known)
            strbuf_add_char(to, into[known - from]);
        else if (*j->p == 'u' && j->end - j->p > 4) {
            char digits[5] = { j->p[1], j->p[2], j->p[3], j->p[4] };

            add_utf8(to, (unsigned) strtoul(digits, NULL, 16));
            j->p += 4;
        } else
            return false;
    }
    if (j->p == j->end)
        return false;
    j->p++;
    return true;
}

/* An object, array, number or word, as it is written. */
static bool take_raw(struct json *j, const char **ret, size_t *ret_n)
{
    unsigned depth = 0;
    bool quoted = false;

    skip_space(j);
    *ret = j->p;
    for (; j->p < j->end; j->p++) {
        char c = *j->p;

        if (quoted) {
            if (c == '\\' && j->p + 1 < j->end)
                j->p++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"')
            quoted = true;
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        else if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            break;
    }
    *ret_n = (size_t) (j->p - *ret);
    while (*ret_n > 0 && strchr(WHITESPACE, (*ret)[*ret_n - 1]))
        --*ret_n;
    return !quoted && depth == 0 && *ret_n > 0;
}

static bool parse_object(struct parsed *p, const char *text, size_t n, unsigned depth);

static bool parse_member(struct parsed *p, struct json *j, unsigned depth)
{
    auto_strbuf struct strbuf key = {}, value = {};
    const char *raw;
    size_t n;

    if (!take_char(j, '"') || !take_string(j, &key) || !take_char(j, ':'))
        return false;
    skip_space(j);
    if (j->p < j->end && *j->p == '"') {
        j->p++;
        if (!take_string(j, &value))
            return false;
        add_pair(p, strbuf_text(&key), key.length, strbuf_text(&value), value.length);
        return true;
    }
    if (!take_raw(j, &raw, &n))
        return false;
    /* slog: "source": {"function": ..., "file": ..., "line": 24}. */
    if (*raw == '{' && depth == 0 && key_is(strbuf_text(&key), key.length, place_keys))
        return parse_object(p, raw, n, depth + 1);
    if (depth == 1) {
        const char *name = streq(strbuf_text(&key), "line") ? "CODE_LINE" : "";

        add_field(p, name, raw, n);
        return true;
    }
    if (!(n == 4 && strncmp(raw, "null", 4) == 0))
        add_pair(p, strbuf_text(&key), key.length, raw, n);
    return true;
}

static bool parse_object(struct parsed *p, const char *text, size_t n, unsigned depth)
{
    struct json j = { text, text + n };

    if (!take_char(&j, '{'))
        return false;
    if (take_char(&j, '}'))
        return true;
    do {
        if (!parse_member(p, &j, depth))
            return false;
    } while (take_char(&j, ','));
    return take_char(&j, '}');
}

/* Members of "source": file and function as strings. */
static void rename_source(struct parsed *p)
{
    static const struct {
        const char *from, *to;
    } names[] = { { "FILE=", "CODE_FILE=" }, { "FUNCTION=", "CODE_FUNC=" } };

    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < ELEMENTSOF(names); k++) {
            size_t at = (size_t) (uintptr_t) p->fields[i].iov_base, from = strlen(names[k].from);

            if (!p->text.text || p->fields[i].iov_len <= from ||
                memcmp(p->text.text + at, names[k].from, from) != 0)
                continue;
            auto_free char *value = memdup0(p->text.text + at + from, p->fields[i].iov_len - from);
            size_t start = p->text.length;
            strbuf_add(&p->text, names[k].to);
            strbuf_add(&p->text, strempty(value));
            p->fields[i] = (struct iovec){ (void *) (uintptr_t) start, p->text.length - start };
        }
}

static void parse_json(struct parsed *p, const char *line, size_t n)
{
    const char *brace = memchr(line, '{', n);

    /* Something may stand before it: "cee: {...}". */
    if (!brace || !parse_object(p, brace, n - (size_t) (brace - line), 0)) {
        p->n = 0;
        p->priority = -1;
        strbuf_clear(&p->text);
        return;
    }
    rename_source(p);
}

/* ---- logfmt ---- */

static void parse_logfmt(struct parsed *p, const char *line, size_t n)
{
    struct json j = { line, line + n };

    while (j.p < j.end) {
        auto_strbuf struct strbuf value = {};

        skip_space(&j);
        const char *key = j.p;
        while (j.p < j.end && (isalnum((unsigned char) *j.p) || strchr("_.-@/", *j.p)))
            j.p++;
        size_t key_n = (size_t) (j.p - key);
        if (j.p == j.end || *j.p != '=' || key_n == 0) {
            /* A word that is no pair. */
            while (j.p < j.end && !strchr(WHITESPACE, *j.p))
                j.p++;
            continue;
        }
        j.p++;
        if (j.p < j.end && *j.p == '"') {
            j.p++;
            if (!take_string(&j, &value))
                return;
        } else
            while (j.p < j.end && !strchr(WHITESPACE, *j.p))
                strbuf_add_char(&value, *j.p++);
        add_pair(p, key, key_n, strbuf_text(&value), value.length);
    }
}

/* ---- Go's log ---- */

/* "[prefix ][2009/11/10 23:00:00[.000000] ]main.go:24: message", and glog's
 * "E1110 23:00:00.000000 1 main.go:24] message". */
static void parse_go(struct parsed *p, const char *line, size_t n)
{
    static const char classes[] = { 'I', 'W', 'E', 'F' }; /* a NUL in the line is none of them */
    static const int priorities[] = { LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT };
    const char *class = n > 5 ? memchr(classes, *line, sizeof classes) : NULL;
    const char *end = line + n;

    if (class && isdigit((unsigned char) line[1]) && isdigit((unsigned char) line[4]) &&
        line[5] == ' ')
        p->priority = priorities[class - classes];
    for (const char *word = line; word < end;) {
        size_t length = 0;

        while (word + length < end && !strchr(WHITESPACE "]", word[length]))
            length++;
        const char *go = memmem(word, length, ".go:", 4);
        if (go && add_place(p, word, length))
            return;
        /* The place is at the beginning: words of the message are not looked at. */
        if (word - line > 64)
            return;
        word += length + 1;
    }
}

void log_parse_line(enum log_parse mode, const char *line, size_t n, struct parsed *ret)
{
    strbuf_clear(&ret->text);
    ret->n = 0;
    ret->priority = -1;
    switch (mode) {
    case LOG_PARSE_NONE:
        return;
    case LOG_PARSE_JSON:
        parse_json(ret, line, n);
        break;
    case LOG_PARSE_LOGFMT:
        parse_logfmt(ret, line, n);
        break;
    case LOG_PARSE_GO:
        parse_go(ret, line, n);
        break;
    }
    settle(ret);
}

/* ---- traces ---- */

struct piece {
    const char *p;
    size_t n;
};

static bool begins(struct piece s, const char *prefix)
{
    size_t n = strlen(prefix);

    return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static bool ends(struct piece s, const char *suffix)
{
    size_t n = strlen(suffix);

    return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

static bool begins_any(struct piece s, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (begins(s, *prefixes))
            return true;
    return false;
}

/* "java.io.IOException", "ValueError": a name whose end says that it is one. */
static bool names_exception(struct piece s)
{
    size_t n = 0;

    while (n < s.n && (isalnum((unsigned char) s.p[n]) || strchr("._$", s.p[n])))
        n++;
    struct piece name = { s.p, n };
    return n > 0 && (n == s.n || s.p[n] == ':') &&
           (ends(name, "Error") || ends(name, "Exception") || ends(name, "Throwable") ||
            ends(name, "Exit") || ends(name, "Interrupt") || ends(name, "Warning"));
}

/* "/srv/app.js:12", "node:internal/process:5". */
static bool is_node_place(struct piece s)
{
    size_t digits = 0;

    while (digits < s.n && isdigit((unsigned char) s.p[s.n - 1 - digits]))
        digits++;
    return digits > 0 && digits < s.n && s.p[s.n - 1 - digits] == ':' &&
           (*s.p == '/' || begins(s, "file:///") || begins(s, "node:")) && !memchr(s.p, ' ', s.n);
}

static enum trace_runtime runtime_begun(struct piece s)
{
    static const char *const go[] = {
        "panic: ", "fatal error: ", "SIGQUIT: quit", "SIGABRT: abort", "unexpected fault address ",
        NULL
    };
    static const char *const java[] = { "Exception in thread \"", "Caused by: ", NULL };

    if (begins_any(s, go) || (begins(s, "goroutine ") && ends(s, "]:")))
        return TRACE_GO;
    if (begins(s, "Traceback (most recent call last)"))
        return TRACE_PYTHON;
    if (begins_any(s, java) || names_exception(s))
        return TRACE_JAVA;
    return is_node_place(s) ? TRACE_NODE : TRACE_NONE;
}

static bool is_indented(struct piece s)
{
    return s.n == 0 || *s.p == ' ' || *s.p == '\t';
}

static bool goes_on_go(struct piece s)
{
    static const char *const words[] = { "goroutine ", "created by ",  "[signal ",
                                         "runtime ",   "exit status ", "panic: ",
                                         "PC=",        "\t",           NULL };

    /* "main.main()", "net/http.(*Server).Serve(0xc000...)", "rax    0x0". */
    bool frame = s.n > 0 && s.p[s.n - 1] == ')' && memchr(s.p, '(', s.n) && memchr(s.p, '.', s.n);
    bool register_ = s.n > 4 && (*s.p == 'r' || ends((struct piece){ s.p, 2 }, "s")) &&
                     memmem(s.p, s.n, " 0x", 3) && s.n < 40;
    return s.n == 0 || begins_any(s, words) || frame || register_ || ends(s, "...");
}

static bool goes_on_python(struct trace_state *t, struct piece s)
{
    static const char *const chained[] = { "During handling of ", "The above exception ",
                                           "Traceback ", NULL };

    if (begins_any(s, chained)) {
        t->over = false;
        return true;
    }
    if (s.n == 0 || (!t->over && is_indented(s)))
        return true;
    /* The exception itself ends it, whatever its name is. */
    bool last = !t->over;
    t->over = true;
    return last;
}

static bool goes_on_java(struct trace_state *t, struct piece s)
{
    static const char *const words[] = { "\tat ",          "    at ",  "Caused by: ", "\t... ",
                                         "\tSuppressed: ", "    ... ", "  [",         "}",
                                         "  code:",        "  errno:", "Node.js v",   NULL };

    return begins_any(s, words) || (s.n == 0 && t->lines > 1);
}

/* Place, source line, marker, nothing, the error, its frames, nothing, the version. */
static bool goes_on_node(struct trace_state *t, struct piece s)
{
    if (t->over)
        return false;
    t->over = begins(s, "Node.js v");
    return t->over || t->lines < 4 || is_indented(s) || names_exception(s) || begins(s, "}") ||
           begins(s, "Error: ") || begins(s, "Thrown at:");
}

enum trace_step trace_next(struct trace_state *t, const char *line, size_t n)
{
    struct piece s = { line, n };
    bool on = false;

    switch (t->runtime) {
    case TRACE_NONE:
        break;
    case TRACE_GO:
        on = goes_on_go(s);
        break;
    case TRACE_PYTHON:
        on = goes_on_python(t, s);
        break;
    case TRACE_JAVA:
        on = goes_on_java(t, s);
        break;
    case TRACE_NODE:
        on = goes_on_node(t, s);
        break;
    }
    if (on) {
        t->lines++;
        return TRACE_GOES_ON;
    }
    *t = (struct trace_state){ .runtime = runtime_begun(s), .lines = 1 };
    return t->runtime == TRACE_NONE ? TRACE_LINE : TRACE_BEGINS;
}

void trace_fields(const char *text, size_t n, struct parsed *ret)
{
    static const char *const names[] = { [TRACE_NONE] = "",
                                         [TRACE_GO] = "go",
                                         [TRACE_PYTHON] = "python",
                                         [TRACE_JAVA] = "java",
                                         [TRACE_NODE] = "node" };
    const char *newline = memchr(text, '\n', n);
    struct piece whole = { text, n }, first = { text, newline ? (size_t) (newline - text) : n };
    enum trace_runtime runtime = runtime_begun(first);

    strbuf_clear(&ret->text);
    ret->n = 0;
    ret->priority = -1;
    /* One line alone is no trace. */
    if (!newline || runtime == TRACE_NONE)
        return;
    /* Errors of Node and Java begin alike. */
    if (runtime == TRACE_JAVA && (memmem(text, n, ".js:", 4) || memmem(text, n, "(node:", 6)))
        runtime = TRACE_NODE;
    ret->priority = runtime == TRACE_GO && !begins(whole, "goroutine ") ? LOG_CRIT : LOG_ERR;
    add_field(ret, "LOG_TRACE", names[runtime], strlen(names[runtime]));
    settle(ret);
}
