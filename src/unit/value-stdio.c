/* Values of what a process gets as descriptors: standard streams, data for them, files. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "base/strv.h"
#include "unit/value-list.h"
#include "unit/value.h"

/* StandardInput= and the like. */

static void clear_stdio(void *v)
{
    free(((struct exec_stdio *) v)->target);
}

static int copy_stdio(void *to, const void *from)
{
    struct exec_stdio *s = to;

    *s = *(const struct exec_stdio *) from;
    if (s->target && !(s->target = strdup(s->target)))
        return -ENOMEM;
    return 0;
}

static void set_stdio(struct exec_stdio *s, int kind, char *target)
{
    free(s->target);
    *s = (struct exec_stdio){ .target = target, .kind = (unsigned char) kind };
}

/* "fd:NAME" and the forms with a path: 1 if it was one of them. */
static int parse_stdio_target(struct assignment *a, const char *text, const char *prefix, int kind,
                              bool is_path, struct exec_stdio *s)
{
    const char *rest = startswith(text, prefix);
    auto_free char *target = NULL;

    if (!rest)
        return 0;
    int r = assignment_expand(a, rest, &target);
    if (r != 0)
        return r < 0 ? r : 1;
    if (is_path && assignment_check_path(a, target) != 0)
        return 1;
    if (!is_path && !*target)
        free(take_ptr(target)); /* "fd:" is the stream's own name, as "fd" */
    set_stdio(s, kind, take_ptr(target));
    return 1;
}

static int parse_exec_input(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    int r = parse_stdio_target(a, text, "fd:", EXEC_INPUT_FD, false, v);

    if (r == 0)
        r = parse_stdio_target(a, text, "file:", EXEC_INPUT_FILE, true, v);
    if (r != 0)
        return r < 0 ? r : 0;
    int kind = exec_input_from_string(text);
    if (kind < 0 || kind == EXEC_INPUT_FILE)
        return assignment_fault(a,
                                "write null, tty, tty-force, tty-fail, data, file:PATH, socket or "
                                "fd:NAME",
                                "\"%s\" is no kind of input", text);
    set_stdio(v, kind, NULL);
    return 0;
}

static int parse_exec_output(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    static const struct {
        const char *prefix;
        int kind;
        bool is_path;
    } targets[] = { { "fd:", EXEC_OUTPUT_FD, false },
                    { "file:", EXEC_OUTPUT_FILE, true },
                    { "append:", EXEC_OUTPUT_APPEND, true },
                    { "truncate:", EXEC_OUTPUT_TRUNCATE, true } };

    for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
        int r = parse_stdio_target(a, text, targets[i].prefix, targets[i].kind, targets[i].is_path,
                                   v);

        if (r != 0)
            return r < 0 ? r : 0;
    }
    int kind = exec_output_from_string(text);
    /* systemd.exec(5) of old: syslog is the journal now. */
    if (streq(text, "syslog") || streq(text, "syslog+console")) {
        kind = streq(text, "syslog") ? EXEC_OUTPUT_JOURNAL : EXEC_OUTPUT_JOURNAL_CONSOLE;
        assignment_note(a, "write journal", "\"%s\" is an old word for journal", text);
    }
    if (kind < 0 || kind == EXEC_OUTPUT_FILE || kind == EXEC_OUTPUT_APPEND ||
        kind == EXEC_OUTPUT_TRUNCATE)
        return assignment_fault(
            a,
            "write inherit, null, tty, journal, kmsg, journal+console, "
            "kmsg+console, file:PATH, append:PATH, truncate:PATH, socket or fd:NAME",
            "\"%s\" is no kind of output", text);
    set_stdio(v, kind, NULL);
    return 0;
}

static const char *stdio_name(const struct value_type *type, int kind)
{
    return type == &type_exec_input ? exec_input_to_string(kind) : exec_output_to_string(kind);
}

static void format_stdio(const struct value_type *type, const void *v, struct strbuf *out)
{
    /* The path is not shown; the name behind fd: is a property of its own. */
    strbuf_add(out, stdio_name(type, ((const struct exec_stdio *) v)->kind));
}

static void format_stdio_file(const struct value_type *type, const char *name, const void *v,
                              struct strbuf *out)
{
    const struct exec_stdio *s = v;
    auto_free char *text = format("%s%s%s", stdio_name(type, s->kind), s->target ? ":" : "",
                                  strempty(s->target));

    if (text)
        format_text_line(out, name, text);
}

#define STDIO(type_name, parse_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct exec_stdio), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .parse = parse_function, \
                                                 .format = format_stdio, \
                                                 .format_file = format_stdio_file, \
                                                 .clear = clear_stdio, \
                                                 .copy = copy_stdio }
STDIO(exec_input, parse_exec_input);
STDIO(exec_output, parse_exec_output);

/* The name behind fd:NAME, which is by default that of the stream. */
static void format_fd_name(bool is_fd, const struct exec_stdio *s, const char *preset,
                           struct strbuf *out)
{
    if (is_fd)
        strbuf_add(out, s->target ? s->target : preset);
}

#define FD_NAME(type_name, fd_kind) \
    static void format_##type_name##_name(const struct value_type *type, const void *v, \
                                          struct strbuf *out) \
    { \
        const struct exec_stdio *s = v; \
        format_fd_name(s->kind == (fd_kind), s, #type_name, out); \
    } \
    const struct value_type type_##type_name##_name = { .name = #type_name "_name", \
                                                        .size = sizeof(struct exec_stdio), \
                                                        .format = format_##type_name##_name }
FD_NAME(stdin, EXEC_INPUT_FD);
FD_NAME(stdout, EXEC_OUTPUT_FD);
FD_NAME(stderr, EXEC_OUTPUT_FD);

/* StandardInputText=, StandardInputData=. */

static int append_bytes(struct byte_string **s, const char *data, size_t n)
{
    size_t old = *s ? (*s)->length : 0;

    if (n > SIZE_MAX - old - sizeof **s - 1)
        return -ENOMEM;
    struct byte_string *bigger = realloc(*s, sizeof *bigger + old + n + 1);
    if (!bigger)
        return -ENOMEM;
    memcpy(bigger->bytes + old, data, n);
    bigger->length = old + n;
    bigger->bytes[bigger->length] = 0;
    *s = bigger;
    return 0;
}

static int parse_input_text(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    auto_free char *unescaped = NULL, *expanded = NULL;
    ssize_t n = c_unescape(text, false, &unescaped);

    if (n == -ENOMEM)
        return -ENOMEM;
    if (n < 0)
        return assignment_fault(a, "write \\\\ for a backslash", "unknown escape in \"%s\"", text);
    int r = assignment_expand(a, unescaped, &expanded);
    if (r != 0)
        return r < 0 ? r : 0;
    r = append_bytes(v, expanded, strlen(expanded));
    return r < 0 ? r : append_bytes(v, "\n", 1);
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(digits, c) : NULL;

    return p ? (int) (p - digits) : -1;
}

/* RFC 4648; white space between the digits does not count. */
static int parse_input_data(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    auto_strbuf struct strbuf b = {};
    unsigned bits = 0, n_bits = 0, n = 0, padding = 0;

    for (; *text; text++) {
        int digit = base64_digit(*text);

        if (strchr(WHITESPACE, *text))
            continue;
        n++;
        if (*text == '=' && padding < 2) {
            padding++;
            continue;
        }
        if (digit < 0 || padding > 0)
            return assignment_fault(a, NULL, "this is no Base64");
        bits = bits << 6 | (unsigned) digit;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            strbuf_add_char(&b, (char) (bits >> n_bits & 0xff));
        }
    }
    if (n % 4 != 0)
        return assignment_fault(a, NULL, "this is no Base64: its length is no multiple of four");
    return b.failed ? -ENOMEM : append_bytes(v, strbuf_text(&b), b.length);
}

static void format_base64(const struct value_type *type, const void *v, struct strbuf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const struct byte_string *s = *(struct byte_string *const *) v;

    for (size_t i = 0; s && i < s->length; i += 3) {
        const unsigned char *p = (const unsigned char *) s->bytes + i;
        size_t n = MIN(s->length - i, (size_t) 3);
        unsigned bits = (unsigned) p[0] << 16 | (n > 1 ? (unsigned) p[1] << 8 : 0) |
                        (n > 2 ? p[2] : 0);

        for (size_t k = 0; k < 4; k++)
            strbuf_add_char(out, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
}

static void format_base64_file(const struct value_type *type, const char *name, const void *v,
                               struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_base64(type, v, &text);
    if (text.length > 0)
        format_line(out, "StandardInputData", strbuf_text(&text));
}

static void clear_bytes(void *v)
{
    free(*(struct byte_string **) v);
}

static int copy_bytes(void *to, const void *from)
{
    const struct byte_string *s = *(struct byte_string *const *) from;

    *(struct byte_string **) to = NULL;
    return s ? append_bytes(to, s->bytes, s->length) : 0;
}

#define BYTES(type_name, parse_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct byte_string *), \
                                                 .parse = parse_function, \
                                                 .format = format_base64, \
                                                 .format_file = format_base64_file, \
                                                 .clear = clear_bytes, \
                                                 .copy = copy_bytes }
BYTES(byte_string, parse_input_data);
BYTES(input_text, parse_input_text);
BYTES(input_data, parse_input_data);

/* OpenFile=path[:name[:options]]. */

LIST_FUNCTIONS(open_file, (free(i->path), free(i->name)), {
    n->path = strdup(i->path);
    n->name = strdup(i->name);
    ok = n->path && n->name;
})

static int parse_open_file_options(struct assignment *a, const char *text, struct open_file *f)
{
    auto_strv char **options = strv_split(text, ",");

    if (!options)
        return -ENOMEM;
    STRV_FOREACH (o, options) {
        bool *flag = streq(*o, "read-only")  ? &f->read_only
                     : streq(*o, "append")   ? &f->append
                     : streq(*o, "truncate") ? &f->truncate
                     : streq(*o, "graceful") ? &f->graceful
                                             : NULL;
        if (!flag) {
            assignment_fault(a, "options are read-only, append, truncate and graceful",
                             "\"%s\" is no option", *o);
            return 1;
        }
        *flag = true;
    }
    return 0;
}

static int parse_open_files(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    auto_strv char **parts = NULL;
    auto_free char *expanded = NULL;
    struct open_file f = {}, *n;
    int r = assignment_expand(a, text, &expanded);

    if (r != 0)
        return r < 0 ? r : 0;
    r = quote_split(expanded, &parts, ":", QUOTE_UNQUOTE | QUOTE_CUNESCAPE | QUOTE_KEEP_EMPTY);
    if (r == -ENOMEM)
        return r;
    if (r < 1 || r > 3)
        return assignment_fault(a, NULL, "\"%s\" is not of the form PATH:NAME:OPTIONS", text);
    if (assignment_check_path(a, parts[0]) != 0)
        return 0;
    if (r > 2) {
        int o = parse_open_file_options(a, parts[2], &f);

        if (o != 0)
            return o < 0 ? o : 0;
    }
    const char *name = r > 1 && *parts[1] ? parts[1] : path_basename(parts[0]);
    f.path = strdup(parts[0]);
    f.name = strdup(name);
    n = new0(struct open_file, 1);
    if (!f.path || !f.name || !n) {
        free(f.path);
        free(f.name);
        free(n);
        return -ENOMEM;
    }
    *n = f;
    APPEND((struct open_file **) v, n);
    return 0;
}

static void format_open_file(const struct open_file *f, struct strbuf *out)
{
    const char *separator = ":";

    bool plain = !f->read_only && !f->append && !f->truncate && !f->graceful;

    if (plain && streq(f->name, path_basename(f->path))) {
        strbuf_add(out, f->path);
        return;
    }
    strbuf_addf(out, "%s:%s", f->path, f->name);
    for (int i = 0; i < 4; i++) {
        static const char *const names[] = { "read-only", "append", "truncate", "graceful" };
        const bool set[] = { f->read_only, f->append, f->truncate, f->graceful };

        if (set[i]) {
            strbuf_addf(out, "%s%s", separator, names[i]);
            separator = ",";
        }
    }
}

static void format_open_files(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct open_file *f = *(struct open_file *const *) v; f; f = f->next) {
        format_open_file(f, out);
        if (f->next)
            strbuf_add_char(out, '\n');
    }
}

static void format_open_files_file(const struct value_type *type, const char *name, const void *v,
                                   struct strbuf *out)
{
    for (const struct open_file *f = *(struct open_file *const *) v; f; f = f->next) {
        auto_strbuf struct strbuf text = {};

        format_open_file(f, &text);
        format_text_line(out, name, strbuf_text(&text));
    }
}

const struct value_type type_open_files = { .name = "open_files",
                                            .size = sizeof(struct open_file *),
                                            .parse = parse_open_files,
                                            .format = format_open_files,
                                            .format_file = format_open_files_file,
                                            .clear = clear_open_file,
                                            .copy = copy_open_file };
