/* Values of what runs a process: commands, conditions, environment files, folders. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "base/strv.h"
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
    const char *separator = "";

    for (struct condition *c = *(struct condition *const *) v; c; c = c->next) {
        auto_free char *text = NULL;

        if (c->is_assert != (type == &type_asserts))
            continue;
        text = condition_format(c);
        strbuf_addf(out, "%s%s", separator, strempty(text));
        out->failed = out->failed || !text;
        separator = "\n";
    }
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

const struct value_type type_asserts = { .name = "asserts",
                                         .size = sizeof(struct condition *),
                                         .format = format_conditions };

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

/* One a line: "PATH:LINK", the folder itself being "PATH:". */
static void format_exec_directory_links(const struct value_type *type, const void *v,
                                        struct strbuf *out)
{
    const struct exec_directory *list = *(struct exec_directory *const *) v;

    for (const struct exec_directory *d = list; d; d = d->next) {
        if (!d->symlinks || !*d->symlinks)
            strbuf_addf(out, "%s%s:", d == list ? "" : "\n", d->path);
        STRV_FOREACH (link, d->symlinks)
            strbuf_addf(out, "%s%s:%s", d == list && link == d->symlinks ? "" : "\n", d->path,
                        *link);
    }
}

const struct value_type type_exec_directory_links = { .name = "exec_directory_links",
                                                      .size = sizeof(struct exec_directory *),
                                                      .format = format_exec_directory_links };

const struct value_type type_exec_directories = { .name = "exec_directories",
                                                  .size = sizeof(struct exec_directory *),
                                                  .parse = parse_exec_directories,
                                                  .format = format_exec_directories,
                                                  .format_file = format_exec_directories_file,
                                                  .clear = clear_exec_directory,
                                                  .copy = copy_exec_directory };
