/* Values of what runs a process: commands, environment files, standard streams, folders, limits,
 * capabilities, processors. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "unit/command.h"
#include "unit/condition.h"
#include "unit/value-list.h"
#include "unit/value.h"

/* Commands. */

static int parse_commands(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    struct command_fault fault = {};
    int r = commands_parse(text, a->specifiers, v, &fault);

    if (r != -ENOEXEC)
        return r;
    /* Where the first prefix says that failure does not matter, systemd drops the line alone. */
    if (text[strspn(text, "@:+!")] == '-')
        return assignment_fault(a, fault.remedy, "%s", fault.text);
    return assignment_fatal(a, fault.remedy, "%s", fault.text);
}

static void format_commands(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct exec_command *c = *(struct exec_command *const *) v;

    for (; c; c = c->next) {
        auto_free char *argv = strv_join(c->argv, " ");

        if (!argv)
            out->failed = true;
        strbuf_addf(
            out,
            "{ path=%s ; argv[]=%s ; ignore_errors=%s ; start_time=[n/a] ; stop_time=[n/a] ; "
            "pid=0 ; code=(null) ; status=0/0 }%s",
            c->path, strempty(argv), c->flags & COMMAND_IGNORE_FAILURE ? "yes" : "no",
            c->next ? "\n" : "");
    }
}

static void format_commands_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    const struct exec_command *c = *(struct exec_command *const *) v;

    for (; c; c = c->next) {
        auto_free char *text = command_format(c);

        if (!text)
            out->failed = true;
        else
            format_line(out, name, text);
    }
}

static void clear_commands(void *v)
{
    commands_free(*(struct exec_command **) v);
}

static int copy_commands(void *to, const void *from)
{
    return commands_copy(*(struct exec_command *const *) from, to);
}

const struct value_type type_commands = { .name = "commands",
                                          .size = sizeof(struct exec_command *),
                                          .parse = parse_commands,
                                          .format = format_commands,
                                          .format_file = format_commands_file,
                                          .clear = clear_commands,
                                          .copy = copy_commands };

/* Conditions. */

static int parse_condition(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    const char *name = a->directive->name;
    const char *what = startswith(name, "Condition");
    bool is_assert = !what;
    struct condition **end = v;
    auto_free char *parameter = NULL;

    if (is_assert)
        what = startswith(name, "Assert");
    bool trigger = *text == '|';
    text += trigger;
    bool negate = *text == '!';
    text += negate;

    int kind = condition_type_from_string(what);
    bool is_path = kind >= CONDITION_PATH_EXISTS && kind <= CONDITION_FILE_IS_EXECUTABLE;
    /* White space behind the signs is part of a path, which then is none; systemd does so, too. */
    if (!is_path)
        text += strspn(text, WHITESPACE);
    int r = assignment_expand(a, text, &parameter);
    if (r != 0)
        return r < 0 ? r : 0;
    if (is_path && assignment_check_path(a, parameter) != 0)
        return 0;

    struct condition *c = new0(struct condition, 1);
    if (!c)
        return -ENOMEM;
    *c = (struct condition){ .parameter = take_ptr(parameter),
                             .type = (unsigned char) kind,
                             .is_assert = is_assert,
                             .trigger = trigger,
                             .negate = negate,
                             .result = -1 };
    while (*end)
        end = &(*end)->next;
    *end = c;
    return 0;
}

static void format_conditions_file(const struct value_type *type, const char *name, const void *v,
                                   struct strbuf *out)
{
    for (struct condition *c = *(struct condition *const *) v; c; c = c->next) {
        auto_free char *text = condition_format(c);

        if (!text)
            out->failed = true;
        else
            strbuf_addf(out, "%s\n", text);
    }
}

/* systemctl prints conditions in `status` only, one a line; here they are as files have them. */
static void format_conditions(const struct value_type *type, const void *v, struct strbuf *out)
{
    format_conditions_file(type, NULL, v, out);
    if (out->length > 0 && out->text[out->length - 1] == '\n')
        out->text[--out->length] = 0;
}

static void clear_conditions(void *v)
{
    conditions_free(*(struct condition **) v);
}

static int copy_conditions(void *to, const void *from)
{
    return conditions_copy(*(struct condition *const *) from, to);
}

#define CONDITION_TYPE(type_name) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct condition *), \
                                                 .parse = parse_condition, \
                                                 .format = format_conditions, \
                                                 .format_file = format_conditions_file, \
                                                 .clear = clear_conditions, \
                                                 .copy = copy_conditions }
CONDITION_TYPE(condition);
CONDITION_TYPE(conditions);

/* EnvironmentFile=. */

LIST_FUNCTIONS(env_file, free(i->path), COPY_STRING(path))

static int parse_env_files(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    auto_free char *path = NULL;
    bool optional = *text == '-';
    int r = assignment_expand(a, text + optional, &path);

    if (r != 0)
        return r < 0 ? r : 0;
    if (assignment_check_path(a, path) != 0)
        return 0;
    struct env_file *f = new0(struct env_file, 1);
    if (!f)
        return -ENOMEM;
    f->path = take_ptr(path);
    f->optional = optional;
    APPEND((struct env_file **) v, f);
    return 0;
}

static void format_env_files(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct env_file *f = *(struct env_file *const *) v; f; f = f->next)
        strbuf_addf(out, "%s (ignore_errors=%s)%s", f->path, f->optional ? "yes" : "no",
                    f->next ? "\n" : "");
}

static void format_env_files_file(const struct value_type *type, const char *name, const void *v,
                                  struct strbuf *out)
{
    for (const struct env_file *f = *(struct env_file *const *) v; f; f = f->next) {
        auto_free char *text = format("%s%s", f->optional ? "-" : "", f->path);

        if (text)
            format_text_line(out, name, text);
    }
}

const struct value_type type_env_files = { .name = "env_files",
                                           .size = sizeof(struct env_file *),
                                           .parse = parse_env_files,
                                           .format = format_env_files,
                                           .format_file = format_env_files_file,
                                           .clear = clear_env_file,
                                           .copy = copy_env_file };

/* WorkingDirectory=: "~", or a path, "-" before it if it may be missing. */

static int parse_working_directory(struct assignment *a, const struct value_type *type,
                                   const char *text, void *v)
{
    struct working_directory *w = v;
    auto_free char *path = NULL;
    bool missing_ok = *text == '-';

    text += missing_ok;
    if (!streq(text, "~")) {
        unsigned before = a->n_faults;
        int r = assignment_expand(a, text, &path);

        if (r == 0)
            r = assignment_check_path(a, path);
        if (r < 0)
            return r;
        if (a->n_faults > before)
            return missing_ok ? 0 : -ENOEXEC;
    }
    free(w->path);
    *w = (struct working_directory){ .home = !path, .missing_ok = missing_ok };
    w->path = take_ptr(path);
    return 0;
}

static void format_working_directory(const struct value_type *type, const void *v,
                                     struct strbuf *out)
{
    const struct working_directory *w = v;

    if (w->home || w->path)
        strbuf_addf(out, "%s%s", w->missing_ok ? "!" : "", w->home ? "~" : w->path);
}

static void format_working_directory_file(const struct value_type *type, const char *name,
                                          const void *v, struct strbuf *out)
{
    const struct working_directory *w = v;
    auto_free char *text = format("%s%s", w->missing_ok ? "-" : "",
                                  w->home ? "~" : strempty(w->path));

    if (text && (w->home || w->path))
        format_text_line(out, name, text);
}

static void clear_working_directory(void *v)
{
    free(((struct working_directory *) v)->path);
}

static int copy_working_directory(void *to, const void *from)
{
    struct working_directory *w = to;

    *w = *(const struct working_directory *) from;
    if (w->path && !(w->path = strdup(w->path)))
        return -ENOMEM;
    return 0;
}

const struct value_type type_working_directory = { .name = "working_directory",
                                                   .size = sizeof(struct working_directory),
                                                   .parse = parse_working_directory,
                                                   .format = format_working_directory,
                                                   .format_file = format_working_directory_file,
                                                   .clear = clear_working_directory,
                                                   .copy = copy_working_directory };

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

/* RuntimeDirectory= and the like: "path[:symlink[:ro]]". */

LIST_FUNCTIONS(exec_directory, (free(i->path), strv_free(i->symlinks)), {
    n->symlinks = NULL;
    n->path = strdup(i->path);
    ok = n->path && (!i->symlinks || (n->symlinks = strv_copy(i->symlinks)));
})

static bool directory_path_is_valid(const char *path)
{
    return *path && *path != '/' && path_is_normalized(path) && !path_startswith(path, "private") &&
           strlen(path) < PATH_MAX;
}

static struct exec_directory *find_directory(struct exec_directory *list, const char *path)
{
    while (list && !streq(list->path, path))
        list = list->next;
    return list;
}

static int add_directory(struct assignment *a, struct exec_directory **list, const char *word)
{
    /* src[:dest[:flags]], colons escaped with a backslash. */
    auto_strv char **parts = NULL;
    bool configuration = a->directive && streq(a->directive->name, "ConfigurationDirectory");
    int r = quote_split(word, &parts, ":",
                        QUOTE_UNESCAPE_SEPARATORS | QUOTE_KEEP_EMPTY | QUOTE_RETAIN_ESCAPE);

    if (r == -ENOMEM)
        return r;
    if (r < 1 || r > (configuration ? 1 : 3))
        return assignment_fault(a, configuration ? "write the folder's name alone" : NULL,
                                "\"%s\" is not of the form FOLDER:LINK:ro", word);
    path_simplify(parts[0]);
    if (!directory_path_is_valid(parts[0]))
        return assignment_fault(
            a, "write a relative path, as myservice, below which the folder is made",
            "\"%s\" is no relative path without \"..\"", parts[0]);
    if (r > 1 && *parts[1])
        path_simplify(parts[1]);
    if (r > 1 && *parts[1] && !directory_path_is_valid(parts[1]))
        return assignment_fault(a, "write a relative path", "\"%s\" is no relative path", parts[1]);
    if (r > 2 && *parts[2] && !streq(parts[2], "ro"))
        return assignment_fault(a, "the only flag is ro", "\"%s\" is no flag", parts[2]);

    struct exec_directory *d = find_directory(*list, parts[0]);
    if (!d) {
        d = new0(struct exec_directory, 1);
        if (d && !(d->path = strdup(parts[0])))
            free(take_ptr(d));
        if (!d)
            return -ENOMEM;
        APPEND(list, d);
    }
    if (r > 2 && *parts[2])
        d->read_only = true;
    if (r > 1 && *parts[1] && !strv_contains(d->symlinks, parts[1]))
        return strv_add(&d->symlinks, parts[1]);
    return 0;
}

static int parse_exec_directories(struct assignment *a, const struct value_type *type,
                                  const char *text, void *v)
{
    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, QUOTE_UNQUOTE | QUOTE_RETAIN_ESCAPE, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 1)
            r = add_directory(a, v, word);
        if (r == -ENOMEM)
            return r;
    }
}

static void format_exec_directories(const struct value_type *type, const void *v,
                                    struct strbuf *out)
{
    const struct exec_directory *list = *(struct exec_directory *const *) v;

    for (const struct exec_directory *d = list; d; d = d->next)
        strbuf_addf(out, "%s%s", d == list ? "" : " ", d->path);
}

static void format_exec_directories_file(const struct value_type *type, const char *name,
                                         const void *v, struct strbuf *out)
{
    for (const struct exec_directory *d = *(struct exec_directory *const *) v; d; d = d->next) {
        const char *flags = d->read_only ? ":ro" : "";

        strbuf_addf(out, "%s=", name);
        if (!d->symlinks || !*d->symlinks) {
            auto_free char *word = format("%s%s%s", d->path, *flags ? ":" : "", flags);

            if (word)
                format_word_quoted(out, word, true);
        }
        STRV_FOREACH (link, d->symlinks) {
            auto_free char *word = format("%s:%s%s", d->path, *link, flags);

            if (link != d->symlinks)
                strbuf_add_char(out, ' ');
            if (word)
                format_word_quoted(out, word, true);
        }
        strbuf_add_char(out, '\n');
    }
}

const struct value_type type_exec_directories = { .name = "exec_directories",
                                                  .size = sizeof(struct exec_directory *),
                                                  .parse = parse_exec_directories,
                                                  .format = format_exec_directories,
                                                  .format_file = format_exec_directories_file,
                                                  .clear = clear_exec_directory,
                                                  .copy = copy_exec_directory };

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

/* Exit statuses, systemd.exec(5), PROCESS EXIT CODES. */

static const struct {
    int status;
    const char *name;
} exit_names[] = {
    { 0, "SUCCESS" },
    { 1, "FAILURE" },
    { 2, "INVALIDARGUMENT" },
    { 3, "NOTIMPLEMENTED" },
    { 4, "NOPERMISSION" },
    { 5, "NOTINSTALLED" },
    { 6, "NOTCONFIGURED" },
    { 7, "NOTRUNNING" },
    { 64, "USAGE" },
    { 65, "DATAERR" },
    { 66, "NOINPUT" },
    { 67, "NOUSER" },
    { 68, "NOHOST" },
    { 69, "UNAVAILABLE" },
    { 70, "SOFTWARE" },
    { 71, "OSERR" },
    { 72, "OSFILE" },
    { 73, "CANTCREAT" },
    { 74, "IOERR" },
    { 75, "TEMPFAIL" },
    { 76, "PROTOCOL" },
    { 77, "NOPERM" },
    { 78, "CONFIG" },
    { 200, "CHDIR" },
    { 201, "NICE" },
    { 202, "FDS" },
    { 203, "EXEC" },
    { 204, "MEMORY" },
    { 205, "LIMITS" },
    { 206, "OOM_ADJUST" },
    { 207, "SIGNAL_MASK" },
    { 208, "STDIN" },
    { 209, "STDOUT" },
    { 210, "CHROOT" },
    { 211, "IOPRIO" },
    { 212, "TIMERSLACK" },
    { 213, "SECUREBITS" },
    { 214, "SETSCHEDULER" },
    { 215, "CPUAFFINITY" },
    { 216, "GROUP" },
    { 217, "USER" },
    { 218, "CAPABILITIES" },
    { 219, "CGROUP" },
    { 220, "SETSID" },
    { 221, "CONFIRM" },
    { 222, "STDERR" },
    { 224, "PAM" },
    { 225, "NETWORK" },
    { 226, "NAMESPACE" },
    { 227, "NO_NEW_PRIVILEGES" },
    { 228, "SECCOMP" },
    { 229, "SELINUX_CONTEXT" },
    { 230, "PERSONALITY" },
    { 231, "APPARMOR" },
    { 232, "ADDRESS_FAMILIES" },
    { 233, "RUNTIME_DIRECTORY" },
    { 235, "CHOWN" },
    { 236, "SMACK_PROCESS_LABEL" },
    { 237, "KEYRING" },
    { 238, "STATE_DIRECTORY" },
    { 239, "CACHE_DIRECTORY" },
    { 240, "LOGS_DIRECTORY" },
    { 241, "CONFIGURATION_DIRECTORY" },
    { 242, "NUMA_POLICY" },
    { 243, "CREDENTIALS" },
    { 244, "BPF" },
    { 245, "KSM" },
    { 255, "EXCEPTION" },
};

const char *exit_status_name(int status)
{
    for (size_t i = 0; i < ELEMENTSOF(exit_names); i++)
        if (exit_names[i].status == status)
            return exit_names[i].name;
    return NULL;
}

int exit_status_from_name(const char *name)
{
    unsigned n;

    for (size_t i = 0; i < ELEMENTSOF(exit_names); i++)
        if (streq(exit_names[i].name, name))
            return exit_names[i].status;
    return parse_unsigned(name, &n) >= 0 && n <= 255 ? (int) n : -EINVAL;
}

bool exit_status_set_has_status(const struct exit_status_set *set, int status)
{
    return set && status >= 0 && status <= 255 && set->statuses[status / 64] >> (status % 64) & 1;
}

bool exit_status_set_has_signal(const struct exit_status_set *set, int signo)
{
    return set && signo > 0 && signo <= 64 && set->signals >> (signo % 64) & 1;
}

static int parse_exit_status_set(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    struct exit_status_set **set = v;

    if (!*set && !(*set = new0(struct exit_status_set, 1)))
        return -ENOMEM;
    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, 0, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == -ENOMEM)
            return r;
        int status = r == 1 ? exit_status_from_name(word) : -EINVAL;
        int signo = r == 1 && status < 0 ? signal_from_name(word) : -EINVAL;
        if (status >= 0)
            (*set)->statuses[status / 64] |= UINT64_C(1) << (status % 64);
        else if (signo > 0)
            (*set)->signals |= UINT64_C(1) << (signo % 64);
        else if (r == 1)
            assignment_fault(
                a, "write numbers from 0 to 255, names as TEMPFAIL, or signals as SIGKILL",
                "\"%s\" is neither an exit status nor a signal", word);
    }
}

static void format_exit_status_set(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct exit_status_set *set = *(struct exit_status_set *const *) v;
    const char *separator = "";

    for (int i = 0; i <= 255; i++)
        if (exit_status_set_has_status(set, i)) {
            strbuf_addf(out, "%s%d", separator, i);
            separator = " ";
        }
    for (int i = 1; i <= 64; i++)
        if (exit_status_set_has_signal(set, i)) {
            strbuf_addf(out, "%s%s", separator, signal_name(i));
            separator = " ";
        }
}

static void format_exit_status_set_file(const struct value_type *type, const char *name,
                                        const void *v, struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_exit_status_set(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

static void clear_exit_status_set(void *v)
{
    free(*(struct exit_status_set **) v);
}

static int copy_exit_status_set(void *to, const void *from)
{
    const struct exit_status_set *s = *(struct exit_status_set *const *) from;
    struct exit_status_set *copy = s ? memdup0(s, sizeof *s) : NULL;

    if (s && !copy)
        return -ENOMEM;
    *(struct exit_status_set **) to = copy;
    return 0;
}

const struct value_type type_exit_status_set = { .name = "exit_status_set",
                                                 .size = sizeof(struct exit_status_set *),
                                                 .parse = parse_exit_status_set,
                                                 .format = format_exit_status_set,
                                                 .format_file = format_exit_status_set_file,
                                                 .clear = clear_exit_status_set,
                                                 .copy = copy_exit_status_set };

/* Limits, setrlimit(2): "soft:hard" or one value for both. */

typedef int (*limit_parser)(const char *text, uint64_t *ret);

static int parse_limit_size(const char *text, uint64_t *ret)
{
    return parse_size(text, 1024, ret);
}

/* RLIMIT_CPU is in seconds, RLIMIT_RTTIME in microseconds; plain numbers are so, too. */
static int parse_limit_seconds(const char *text, uint64_t *ret)
{
    usec_t t;
    int r = timespan_parse(text, &t);

    if (r >= 0)
        *ret = (t + USEC_PER_SEC - 1) / USEC_PER_SEC;
    return r;
}

static int parse_limit_usec(const char *text, uint64_t *ret)
{
    return timespan_parse_unit(text, 1, ret);
}

/* RLIMIT_NICE is 20 minus the nice level; "+5" and "-5" are levels, "15" is the raw value. */
static int parse_limit_nice(const char *text, uint64_t *ret)
{
    int64_t n;
    int r = parse_i64(text, &n);

    if (r < 0)
        return r;
    if (*text == '+' || *text == '-') {
        if (n < -20 || n > 19)
            return -ERANGE;
        *ret = (uint64_t) (20 - n);
        return 0;
    }
    if (n < 0 || n > 40)
        return -ERANGE;
    *ret = (uint64_t) n;
    return 0;
}

static int parse_limit_half(const char *text, limit_parser parser, uint64_t *ret)
{
    if (streq(text, "infinity")) {
        *ret = SIZE_INFINITY;
        return 0;
    }
    return parser(text, ret);
}

static int parse_rlimit(struct assignment *a, const char *text, limit_parser parser, void *v)
{
    const char *colon = strchr(text, ':');
    auto_free char *first = colon ? memdup0(text, (size_t) (colon - text)) : strdup(text);
    struct rlimit_value limit = { .set = true };

    if (!first)
        return -ENOMEM;
    int r = parse_limit_half(first, parser, &limit.soft);
    limit.hard = limit.soft;
    if (r >= 0 && colon)
        r = parse_limit_half(colon + 1, parser, &limit.hard);
    if (r < 0)
        return assignment_fault(a, "write one value, or SOFT:HARD, or infinity",
                                "\"%s\" is no limit", text);
    if (limit.soft > limit.hard)
        return assignment_fault(a, "write the lower value first",
                                "the soft limit is above the hard one in \"%s\"", text);
    *(struct rlimit_value *) v = limit;
    return 0;
}

static void format_limit(uint64_t value, struct strbuf *out)
{
    if (value == SIZE_INFINITY)
        strbuf_add(out, "infinity");
    else
        strbuf_addf(out, "%" PRIu64, value);
}

/* The hard limit; the soft one is a property of its own (LimitNOFILESoft=). */
static void format_rlimit(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct rlimit_value *limit = v;

    if (limit->set)
        format_limit(limit->hard, out);
}

static void format_rlimit_file(const struct value_type *type, const char *name, const void *v,
                               struct strbuf *out)
{
    const struct rlimit_value *limit = v;

    if (!limit->set)
        return;
    strbuf_addf(out, "%s=", name);
    if (limit->soft == SIZE_INFINITY)
        strbuf_add(out, "infinity");
    else
        strbuf_addf(out, "%" PRIu64, limit->soft);
    strbuf_add_char(out, ':');
    format_limit(limit->hard, out);
    strbuf_add_char(out, '\n');
}

#define RLIMIT(type_name, parser) \
    static int parse_##type_name(struct assignment *a, const struct value_type *type, \
                                 const char *text, void *v) \
    { \
        return parse_rlimit(a, text, parser, v); \
    } \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct rlimit_value), \
                                                 .flags = VALUE_REFUSES_EMPTY, \
                                                 .parse = parse_##type_name, \
                                                 .format = format_rlimit, \
                                                 .format_file = format_rlimit_file }
RLIMIT(rlimit_size, parse_limit_size);
RLIMIT(rlimit_count, parse_u64);
RLIMIT(rlimit_time, parse_limit_seconds);
RLIMIT(rlimit_usec, parse_limit_usec);
RLIMIT(rlimit_nice, parse_limit_nice);

/* Processors: "0 2-5,7". */

#define CPU_MAX 8192

static int mask_add(struct cpu_mask **m, unsigned first, unsigned last)
{
    unsigned words = last / 64 + 1, old = *m ? (*m)->n_words : 0;

    if (words > old || !*m) {
        struct cpu_mask *bigger = realloc(*m, sizeof *bigger + words * sizeof(uint64_t));

        if (!bigger)
            return -ENOMEM;
        if (old == 0)
            bigger->from_numa = false;
        memset(bigger->words + old, 0, (words - old) * sizeof(uint64_t));
        bigger->n_words = words;
        *m = bigger;
    }
    for (unsigned i = first; i <= last; i++)
        (*m)->words[i / 64] |= UINT64_C(1) << (i % 64);
    return 0;
}

static int parse_cpu_mask(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    auto_free char *expanded = NULL;
    int r = assignment_expand(a, text, &expanded);

    if (r != 0)
        return r < 0 ? r : 0;
    auto_strv char **words = strv_split(expanded, " \t\n,");
    if (!words)
        return -ENOMEM;
    STRV_FOREACH (w, words) {
        unsigned first, last;
        char *dash = strchr(*w, '-');

        if (dash)
            *dash = 0;
        r = parse_unsigned(*w, &first);
        last = first;
        if (r >= 0 && dash)
            r = parse_unsigned(dash + 1, &last);
        if (r < 0 || last >= CPU_MAX || first > last)
            return assignment_fault(a, "write numbers and ranges as 0 2-5",
                                    "\"%s\" is no list of numbers", text);
        r = mask_add(v, first, last);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_cpu_affinity(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    struct cpu_mask **m = v;

    if (!streq(text, "numa"))
        return parse_cpu_mask(a, type, text, v);
    if (!*m && !(*m = new0(struct cpu_mask, 1)))
        return -ENOMEM;
    (*m)->from_numa = true;
    return 0;
}

static bool mask_has(const struct cpu_mask *m, unsigned i)
{
    return m && i / 64 < m->n_words && m->words[i / 64] >> (i % 64) & 1;
}

/* As ranges: "0 2-5". */
static void format_cpu_mask(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) v;
    const char *separator = "";

    for (unsigned i = 0; m && i < m->n_words * 64; i++) {
        unsigned last = i;

        if (!mask_has(m, i))
            continue;
        while (mask_has(m, last + 1))
            last++;
        if (last > i)
            strbuf_addf(out, "%s%u-%u", separator, i, last);
        else
            strbuf_addf(out, "%s%u", separator, i);
        separator = " ";
        i = last;
    }
}

static void format_cpu_mask_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) v;
    auto_strbuf struct strbuf text = {};

    if (m && m->from_numa)
        format_line(out, name, "numa");
    format_cpu_mask(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

static void clear_cpu_mask(void *v)
{
    free(*(struct cpu_mask **) v);
}

static int copy_cpu_mask(void *to, const void *from)
{
    const struct cpu_mask *m = *(struct cpu_mask *const *) from;
    struct cpu_mask *copy = m ? memdup0(m, sizeof *m + m->n_words * sizeof(uint64_t)) : NULL;

    if (m && !copy)
        return -ENOMEM;
    *(struct cpu_mask **) to = copy;
    return 0;
}

#define CPU_MASK(type_name) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct cpu_mask *), \
                                                 .parse = parse_##type_name, \
                                                 .format = format_cpu_mask, \
                                                 .format_file = format_cpu_mask_file, \
                                                 .clear = clear_cpu_mask, \
                                                 .copy = copy_cpu_mask }
CPU_MASK(cpu_mask);
CPU_MASK(cpu_affinity);
