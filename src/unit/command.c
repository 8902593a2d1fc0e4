#include "unit/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/env-file.h"
#include "unit/specifier.h"
#include "unit/value.h"

/* Unknown escapes stay as they are. */
#define WORD_FLAGS (QUOTE_UNQUOTE | QUOTE_CUNESCAPE | QUOTE_KEEP_UNKNOWN)

static void command_free(struct exec_command *c)
{
    free(c->path);
    strv_free(c->argv);
    free(c);
}

DEFINE_AUTO(struct exec_command, command, command_free)
#define auto_command _cleanup_(auto_command_p)

void commands_free(struct exec_command *list)
{
    while (list) {
        struct exec_command *next = list->next;

        command_free(list);
        list = next;
    }
}

unsigned commands_count(const struct exec_command *list)
{
    unsigned n = 0;

    for (; list; list = list->next)
        n++;
    return n;
}

int commands_copy(const struct exec_command *list, struct exec_command **ret)
{
    struct exec_command *head = NULL, **end = &head;

    for (; list; list = list->next) {
        auto_command struct exec_command *c = new0(struct exec_command, 1);

        if (c) {
            c->path = strdup(list->path);
            c->argv = strv_copy(list->argv);
            c->flags = list->flags;
        }
        if (!c || !c->path || !c->argv) {
            commands_free(head);
            return -ENOMEM;
        }
        *end = take_ptr(c);
        end = &(*end)->next;
    }
    *ret = head;
    return 0;
}

/* Parsing. */

struct line {
    const char *p; /* what is left of it */
    const struct specifier_context *specifiers;
    struct command_fault *fault;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct line *l, const char *remedy,
                                                        const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(l->fault->text, sizeof l->fault->text, fmt, ap);
    va_end(ap);
    l->fault->remedy = remedy;
    return -ENOEXEC;
}

static void skip_space(struct line *l)
{
    l->p += strspn(l->p, WHITESPACE);
}

static int expand(struct line *l, const char *word, char **ret)
{
    char letter = 0;

    if (!l->specifiers) {
        *ret = strdup(word);
        return *ret ? 0 : -ENOMEM;
    }
    int r = specifier_expand(l->specifiers, word, 0, ret, &letter);
    if (r >= 0 || r == -ENOMEM)
        return r;
    return refuse(l, "write %% for a literal percent sign",
                  "the specifier %%%c in \"%.80s\" cannot be resolved here: %s", letter, word,
                  strerror(-r));
}

static int next_word(struct line *l, char **ret)
{
    int r = quote_next_word(&l->p, ret, NULL, WORD_FLAGS);

    l->p = strempty(l->p);
    if (r == -EINVAL)
        return refuse(l, "balance the quotes, or write \\\\ for a backslash",
                      "cannot be split into words: unbalanced quotes or an unknown escape");
    return r;
}

/* systemd.service(5): which prefixes may stand together. */
static const char *take_prefixes(const char *word, unsigned *flags)
{
    const unsigned privileges = COMMAND_FULL_PRIVILEGES | COMMAND_NO_SETUID | COMMAND_AMBIENT_MAGIC;

    for (;; word++) {
        if (*word == '-' && !(*flags & COMMAND_IGNORE_FAILURE))
            *flags |= COMMAND_IGNORE_FAILURE;
        else if (*word == '@' && !(*flags & COMMAND_ARGV0))
            *flags |= COMMAND_ARGV0;
        else if (*word == ':' && !(*flags & COMMAND_NO_ENV))
            *flags |= COMMAND_NO_ENV;
        else if (*word == '+' && !(*flags & privileges))
            *flags |= COMMAND_FULL_PRIVILEGES;
        else if (*word == '!' && !(*flags & privileges))
            *flags |= COMMAND_NO_SETUID;
        else if (*word == '!' && (*flags & privileges) == COMMAND_NO_SETUID)
            *flags = (*flags & ~COMMAND_NO_SETUID) | COMMAND_AMBIENT_MAGIC;
        else
            return word;
    }
}

static bool has_control_characters(const char *s)
{
    for (; *s; s++)
        if ((unsigned char) *s < ' ' || *s == 127)
            return true;
    return false;
}

static int check_path(struct line *l, const char *path)
{
    size_t n = strlen(path);

    if (n == 0)
        return refuse(l, "write the program's path after the prefix", "there is no program to run");
    if (has_control_characters(path))
        return refuse(l, NULL, "the program's path has control characters");
    if (path[n - 1] == '/')
        return refuse(l, "write the path of a program", "\"%.80s\" is a folder", path);
    if (path_is_absolute(path))
        return 0;
    if (strchr(path, '/') || streq(path, ".") || streq(path, ".."))
        return refuse(l,
                      *path == '~' ? "nothing expands ~ here: write the whole path"
                                   : "write an absolute path; a bare name is looked up in "
                                     "/usr/local/sbin, /usr/local/bin, /usr/sbin and /usr/bin",
                      "\"%.80s\" is neither an absolute path nor the bare name of a program", path);
    return 0;
}

/* The words up to the end of the line or to a ";" on its own. */
static int parse_arguments(struct line *l, char ***argv)
{
    for (;;) {
        auto_free char *word = NULL, *expanded = NULL;
        int r;

        skip_space(l);
        if (l->p[0] == ';' && (!l->p[1] || strchr(WHITESPACE, l->p[1]))) {
            l->p++;
            return 0;
        }
        /* "\;" is a literal semicolon, told from "\\;" and quoted ones. */
        if (l->p[0] == '\\' && l->p[1] == ';' && (!l->p[2] || strchr(WHITESPACE, l->p[2]))) {
            l->p += 2;
            if (strv_add(argv, ";") < 0)
                return -ENOMEM;
            continue;
        }
        r = next_word(l, &word);
        if (r <= 0)
            return r;
        r = expand(l, word, &expanded);
        if (r >= 0)
            r = strv_push(argv, take_ptr(expanded));
        if (r < 0)
            return r;
    }
}

/* One command; *ret stays NULL at the end of the line. */
static int parse_command(struct line *l, struct exec_command **ret)
{
    auto_command struct exec_command *c = new0(struct exec_command, 1);
    auto_free char *word = NULL;
    unsigned flags = 0;
    int r;

    if (!c)
        return -ENOMEM;
    do { /* lone semicolons are no programs */
        free(take_ptr(word));
        r = next_word(l, &word);
        if (r <= 0)
            return r;
    } while (streq(word, ";"));

    const char *path = take_prefixes(word, &flags);
    c->flags = (unsigned char) flags;
    r = expand(l, path, &c->path);
    if (r >= 0)
        r = check_path(l, c->path);
    if (r < 0)
        return r;
    path_simplify(c->path);
    if (streq(c->path, "/"))
        return refuse(l, "write the path of a program", "\"%.80s\" is a folder", path);
    if (!(flags & COMMAND_ARGV0) && strv_add(&c->argv, c->path) < 0)
        return -ENOMEM;
    r = parse_arguments(l, &c->argv);
    if (r < 0)
        return r;
    if (!c->argv)
        return refuse(l, "write the name after the path: @/path name",
                      "argv[0] is missing after @");
    *ret = take_ptr(c);
    return 0;
}

int commands_parse(const char *text, const struct specifier_context *specifiers,
                   struct exec_command **list, struct command_fault *fault)
{
    struct line l = { .p = text, .specifiers = specifiers, .fault = fault };
    struct exec_command *head = NULL, **end = &head;

    for (;;) {
        struct exec_command *c = NULL;
        int r = parse_command(&l, &c);

        if (r < 0) {
            commands_free(head);
            return r;
        }
        if (!c)
            break;
        *end = c;
        end = &c->next;
    }
    while (*list)
        list = &(*list)->next;
    *list = head;
    return 0;
}

/* Printing. */

char *command_format(const struct exec_command *c)
{
    auto_strbuf struct strbuf b = {};

    if (c->flags & COMMAND_IGNORE_FAILURE)
        strbuf_add_char(&b, '-');
    if (c->flags & COMMAND_NO_ENV)
        strbuf_add_char(&b, ':');
    if (c->flags & COMMAND_FULL_PRIVILEGES)
        strbuf_add_char(&b, '+');
    if (c->flags & COMMAND_NO_SETUID)
        strbuf_add_char(&b, '!');
    if (c->flags & COMMAND_AMBIENT_MAGIC)
        strbuf_add(&b, "!!");
    if (!streq(c->argv[0], c->path))
        strbuf_add_char(&b, '@');
    format_word_quoted(&b, c->path, true);
    for (char **arg = c->argv + streq(c->argv[0], c->path); *arg; arg++) {
        strbuf_add_char(&b, ' ');
        if (streq(*arg, ";"))
            strbuf_add(&b, "\\;");
        else
            format_word_quoted(&b, *arg, true);
    }
    return strbuf_take(&b);
}

char *command_text(const struct exec_command *c)
{
    return quote_command_line(c->argv);
}

char *command_flags_text(unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = { { COMMAND_IGNORE_FAILURE, "ignore-failure" },
                  { COMMAND_FULL_PRIVILEGES, "privileged" },
                  { COMMAND_NO_SETUID, "no-setuid" },
                  { COMMAND_AMBIENT_MAGIC, "ambient" },
                  { COMMAND_NO_ENV, "no-env-expand" } };
    auto_strbuf struct strbuf b = {};

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (flags & names[i].flag)
            strbuf_addf(&b, "%s%s", b.length ? " " : "", names[i].name);
    return strbuf_take(&b);
}

/* Variables. */

struct expansion {
    char *const *env;
    char **unset, **bad;
};

/* The value of a name of n bytes, "" where it has none, which is noted. */
static int look_up(struct expansion *x, const char *name, size_t n, const char **ret)
{
    auto_free char *copy = memdup0(name, n);

    if (!copy)
        return -ENOMEM;
    const char *value = strv_env_get(x->env, copy);
    *ret = strempty(value);
    if (value)
        return 0;
    char ***list = env_name_is_valid(copy) ? &x->unset : &x->bad;
    return strv_contains(*list, copy) ? 0 : strv_add(list, copy);
}

/* ${NAME} and $$ within a word; a "$" before anything else stays. */
static int expand_word(struct expansion *x, const char *word, char **ret)
{
    auto_strbuf struct strbuf b = {};

    while (*word) {
        const char *end;

        if (word[0] == '$' && word[1] == '$') {
            strbuf_add_char(&b, '$');
            word += 2;
        } else if (word[0] == '$' && word[1] == '{' && (end = word + strcspn(word, "}:")) &&
                   *end == '}') {
            /* ${NAME:-default} and the like are the shell's: they stay. */
            const char *value;
            int r = look_up(x, word + 2, (size_t) (end - word) - 2, &value);

            if (r < 0)
                return r;
            strbuf_add(&b, value);
            word = end + 1;
        } else {
            size_t n = 1 + strcspn(word + 1, "$");

            strbuf_add_n(&b, word, n);
            word += n;
        }
    }
    *ret = strbuf_take(&b);
    return *ret ? 0 : -ENOMEM;
}

/* $NAME as a word of its own: its value's words. */
static int expand_to_words(struct expansion *x, const char *name, char ***argv)
{
    auto_strv char **words = NULL;
    const char *value;
    int r = look_up(x, name, strlen(name), &value);

    if (r >= 0)
        r = quote_split(value, &words, NULL, QUOTE_RELAX | QUOTE_UNQUOTE);
    return r < 0 ? r : strv_extend(argv, words, false);
}

static int expand_argv(struct expansion *x, char *const *words, char ***argv)
{
    STRV_FOREACH (w, words) {
        char *word = NULL;
        int r;

        if ((*w)[0] == '$' && (*w)[1] != '{' && (*w)[1] != '$') {
            r = expand_to_words(x, *w + 1, argv);
        } else {
            r = expand_word(x, *w, &word);
            if (r >= 0)
                r = strv_push(argv, word);
        }
        if (r < 0)
            return r == -EINVAL ? 0 : r;
    }
    return 0;
}

int command_expand(const struct exec_command *c, char *const *env, char ***ret_argv,
                   char ***ret_unset, char ***ret_bad)
{
    struct expansion x = { .env = env };
    auto_strv char **argv = NULL;
    int r = 0;

    if (c->flags & COMMAND_NO_ENV) {
        argv = strv_copy(c->argv);
        r = argv ? 0 : -ENOMEM;
    } else {
        r = expand_argv(&x, c->argv, &argv);
        /* argv[0] may have been a variable without a value. */
        if (r >= 0 && !argv)
            r = strv_add(&argv, c->path);
    }
    if (r >= 0) {
        *ret_argv = take_ptr(argv);
        if (ret_unset)
            *ret_unset = take_ptr(x.unset);
        if (ret_bad)
            *ret_bad = take_ptr(x.bad);
    }
    strv_free(x.unset);
    strv_free(x.bad);
    return r;
}

int command_expand_word(const char *word, char *const *env, char **ret)
{
    struct expansion x = { .env = env };
    int r = expand_word(&x, word, ret);

    strv_free(x.unset);
    strv_free(x.bad);
    return r;
}

/* Look-up. */

static int check_executable(const char *root, const char *path)
{
    auto_free char *full = isempty(root) ? NULL : path_join(root, path, NULL);
    const char *p = full ? full : path;
    struct stat st;

    if (!isempty(root) && !full)
        return -ENOMEM;
    if (stat(p, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EACCES;
    return access(p, X_OK) < 0 ? -errno : 0;
}

int command_find(const char *name, char *const *search_path, const char *root, char **ret)
{
    auto_strv char **folders = NULL;
    int result = -ENOENT;

    if (strchr(name, '/')) {
        int r = check_executable(root, name);
        char *copy = r < 0 ? NULL : strdup(name);

        if (r >= 0 && !copy)
            r = -ENOMEM;
        if (r >= 0)
            *ret = copy;
        return r;
    }
    folders = search_path && *search_path ? strv_copy(search_path)
                                          : strv_split(COMMAND_PATH_DEFAULT, ":");
    if (!folders)
        return -ENOMEM;
    STRV_FOREACH (f, folders) {
        auto_free char *path = path_join(*f, name, NULL);

        if (!path)
            return -ENOMEM;
        int r = check_executable(root, path);
        if (r >= 0) {
            *ret = take_ptr(path);
            return 0;
        }
        if (r != -ENOENT && r != -ENOTDIR)
            result = r;
    }
    return result;
}
