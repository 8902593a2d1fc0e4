/* Texts: strings, paths, names, and lists of them. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "unit/env-file.h"
#include "unit/name.h"
#include "unit/specifier.h"
#include "unit/value.h"

/* Single texts. */

static void clear_string(void *v)
{
    free(*(char **) v);
}

static int copy_string(void *to, const void *from)
{
    const char *s = *(char *const *) from;
    char *copy = s ? strdup(s) : NULL;

    if (s && !copy)
        return -ENOMEM;
    *(char **) to = copy;
    return 0;
}

static void format_string(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_add(out, strempty(*(char *const *) v));
}

static void format_string_file(const struct value_type *type, const char *name, const void *v,
                               struct strbuf *out)
{
    if (*(char *const *) v)
        format_text_line(out, name, *(char *const *) v);
}

static void set_string(void *v, char *s)
{
    free(*(char **) v);
    *(char **) v = s;
}

/* Resolves specifiers, asks `check` (which may change the text in place and reports its own fault,
 * returning 1, or a negative errno), and sets the string. */
typedef int (*string_check)(struct assignment *a, char *text);

static int parse_checked(struct assignment *a, const char *text, string_check check, void *v)
{
    auto_free char *s = NULL;
    int r = assignment_expand(a, text, &s);

    if (r == 0 && check)
        r = check(a, s);
    if (r != 0)
        return r < 0 ? r : 0;
    set_string(v, take_ptr(s));
    return 0;
}

static int parse_string(struct assignment *a, const struct value_type *type, const char *text,
                        void *v)
{
    return parse_checked(a, text, NULL, v);
}

static int parse_path(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    return parse_checked(a, text, assignment_check_path, v);
}

static int check_root(struct assignment *a, char *path)
{
    return assignment_check_path(a, path) == 0 ? 0 : -ENOEXEC;
}

static int parse_root(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    return parse_checked(a, text, check_root, v);
}

/* systemd.io/USER_NAMES: what is refused even in the relaxed form. */
static bool user_name_is_valid(const char *name)
{
    uid_t uid;
    size_t n = strlen(name);

    if (parse_uid(name, &uid) >= 0)
        return true;
    if (n == 0 || n > 255 || !utf8_is_valid(name) || isspace((unsigned char) name[0]) ||
        isspace((unsigned char) name[n - 1]) || strspn(name, "0123456789") == n ||
        streq(name, ".") || streq(name, ".."))
        return false;
    for (const char *p = name; *p; p++)
        if (strchr(":/\n\t\r", *p) || (unsigned char) *p < ' ')
            return false;
    return true;
}

static int check_user(struct assignment *a, char *text)
{
    if (!user_name_is_valid(text))
        return assignment_fatal(a, "write the name of a user or group, or a number",
                                "\"%s\" is no name of a user or group", text);
    return 0;
}

static int parse_user(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    return parse_checked(a, text, check_user, v);
}

static int check_unit_name(struct assignment *a, char *text)
{
    if (unit_name_is_valid(text, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return 0;
    assignment_fault(a, "write a name with its suffix, as nginx.service", "\"%s\" is no unit name",
                     text);
    return 1;
}

static int parse_unit_name(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    return parse_checked(a, text, check_unit_name, v);
}

static int check_slice(struct assignment *a, char *text)
{
    if (slice_name_is_valid(text))
        return 0;
    assignment_fault(a, "write the name of a slice, as system-web.slice", "\"%s\" is no slice",
                     text);
    return 1;
}

static int parse_slice(struct assignment *a, const struct value_type *type, const char *text,
                       void *v)
{
    return parse_checked(a, text, check_slice, v);
}

/* D-Bus specification, Bus names: dot-separated elements, no digit first. */
static int check_bus_name(struct assignment *a, char *text)
{
    bool dots = false, start = true, good = *text && strlen(text) <= 255;

    for (const char *p = text; good && *p; p++) {
        if (*p == '.') {
            good = !start;
            dots = start = true;
            continue;
        }
        good = isalpha((unsigned char) *p) || strchr("_-", *p) ||
               (isdigit((unsigned char) *p) && !start);
        start = false;
    }
    if (good && dots && !start)
        return 0;
    assignment_fault(a, "write a name as org.example.Service", "\"%s\" is no bus name", text);
    return 1;
}

static int parse_bus_name(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    return parse_checked(a, text, check_bus_name, v);
}

/* systemd.service(5), PIDFile=: a relative path is below /run. */
static int parse_pid_file(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    auto_free char *s = NULL, *runtime = NULL, *path = NULL;
    int r = assignment_expand(a, text, &s);

    if (r != 0)
        return r < 0 ? r : 0;
    if (!path_is_absolute(s)) {
        r = a->specifiers ? specifier_expand(a->specifiers, "%t", 0, &runtime, NULL) : 0;
        if (r == -ENOMEM)
            return r;
        path = path_join(runtime ? runtime : "/run", s, NULL);
        if (!path)
            return -ENOMEM;
    } else {
        path = take_ptr(s);
    }
    if (assignment_check_path(a, path) != 0)
        return 0;
    r = assignment_move_var_run(a, &path);
    if (r < 0)
        return r;
    set_string(v, take_ptr(path));
    return 0;
}

static int check_log_namespace(struct assignment *a, char *text)
{
    if (*text && strlen(text) < 200 && !strchr(text, '/') && !streq(text, ".") &&
        !streq(text, ".."))
        return 0;
    assignment_fault(a, NULL, "\"%s\" is no name of a journal namespace", text);
    return 1;
}

static int parse_log_namespace(struct assignment *a, const struct value_type *type,
                               const char *text, void *v)
{
    return parse_checked(a, text, check_log_namespace, v);
}

static int check_interface(struct assignment *a, char *text)
{
    if (*text && strlen(text) <= 127 && !strpbrk(text, "/:% \t\n"))
        return 0;
    assignment_fault(a, NULL, "\"%s\" is no network interface", text);
    return 1;
}

static int parse_interface(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    if (streq(text, "*")) {
        set_string(v, NULL);
        return 0;
    }
    return parse_checked(a, text, check_interface, v);
}

/* sd_listen_fds(3): ASCII without control characters and ":". */
static int check_fd_name(struct assignment *a, char *text)
{
    bool good = strlen(text) <= 255;

    for (const char *p = text; *p; p++)
        good = good && (unsigned char) *p > ' ' - 1 && (unsigned char) *p < 127 && *p != ':';
    if (good)
        return 0;
    assignment_fault(a, NULL, "\"%s\" is no name for a descriptor", text);
    return 1;
}

static int parse_fd_name(struct assignment *a, const struct value_type *type, const char *text,
                         void *v)
{
    return parse_checked(a, text, check_fd_name, v);
}

#define STRING(type_name, parse_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(char *), \
                                                 .parse = parse_function, \
                                                 .format = format_string, \
                                                 .format_file = format_string_file, \
                                                 .clear = clear_string, \
                                                 .copy = copy_string }
STRING(string, parse_string);
STRING(path, parse_path);
STRING(root_path, parse_root);
STRING(user_name, parse_user);
STRING(unit_name, parse_unit_name);
STRING(bus_name, parse_bus_name);
STRING(pid_file, parse_pid_file);
STRING(log_namespace, parse_log_namespace);
STRING(slice_name, parse_slice);
STRING(interface_name, parse_interface);
STRING(fd_name, parse_fd_name);
STRING(optional_string, parse_string);

/* What systemd asks of disk images where nothing is set: they have to be protected, or not. */
static void format_image_policy(const struct value_type *type, const void *v, struct strbuf *out)
{
    static const char *const writable[] = { "home", "srv", "tmp", "var" };
    const char *policy = *(char *const *) v;

    if (policy) {
        strbuf_add(out, policy);
        return;
    }
    strbuf_add(out, "root=verity+signed+encrypted+unprotected+absent:"
                    "usr=verity+signed+encrypted+unprotected+absent");
    for (size_t i = 0; i < ELEMENTSOF(writable); i++)
        strbuf_addf(out, ":%s=encrypted+unprotected+absent", writable[i]);
}

const struct value_type type_image_policy = { .name = "image_policy",
                                              .size = sizeof(char *),
                                              .parse = parse_string,
                                              .format = format_image_policy,
                                              .format_file = format_string_file,
                                              .clear = clear_string,
                                              .copy = copy_string };

/* Lists of texts. */

static void clear_strv(void *v)
{
    strv_free(*(char ***) v);
}

static int copy_strv(void *to, const void *from)
{
    char *const *v = *(char **const *) from;
    char **copy = v ? strv_copy(v) : NULL;

    if (v && !copy)
        return -ENOMEM;
    *(char ***) to = copy;
    return 0;
}

/* As systemctl prints lists of strings. */
static void format_strv(const struct value_type *type, const void *v, struct strbuf *out)
{
    char *const *list = *(char **const *) v;

    STRV_FOREACH (s, list) {
        auto_free char *quoted = shell_quote(*s, SHELL_QUOTE_EMPTY);

        if (!quoted)
            out->failed = true;
        else
            strbuf_addf(out, "%s%s", s == list ? "" : " ", quoted);
    }
}

static void format_strv_file(const struct value_type *type, const char *name, const void *v,
                             struct strbuf *out)
{
    char *const *list = *(char **const *) v;

    if (!list || !*list)
        return;
    strbuf_addf(out, "%s=", name);
    STRV_FOREACH (s, list) {
        if (s != list)
            strbuf_add_char(out, ' ');
        format_word_quoted(out, *s, type != &type_unit_names);
    }
    strbuf_add_char(out, '\n');
}

/* Adds every word that passes `check`, leaving out those already there if `unique`. */
static int parse_words(struct assignment *a, const char *text, unsigned flags, string_check check,
                       bool unique, void *v)
{
    char ***list = v;

    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, flags, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 1 && check)
            r = check(a, word) == 0 ? 1 : 2;
        if (r == 1 && (!unique || !strv_contains(*list, word)))
            r = strv_push(list, take_ptr(word));
        if (r == -ENOMEM)
            return r;
    }
}

static int parse_strings(struct assignment *a, const struct value_type *type, const char *text,
                         void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE | QUOTE_CUNESCAPE, NULL, false, v);
}

static int check_url(struct assignment *a, char *text)
{
    static const char *const schemes[] = { "http://", "https://", "file:/", "info:", "man:" };

    for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
        if (startswith(text, schemes[i]))
            return 0;
    assignment_fault(a, "write an address with http://, https://, file:, info: or man:",
                     "\"%s\" is no address", text);
    return 1;
}

static int parse_urls(struct assignment *a, const struct value_type *type, const char *text,
                      void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE | QUOTE_CUNESCAPE, check_url, false, v);
}

/* A template among dependencies stands for the instance that the unit itself has, or, for a unit
 * that is none, the one named as the unit. */
static int resolve_template(struct assignment *a, char **name)
{
    auto_free char *instance = NULL, *full = NULL;

    if (!a->config || !unit_name_is_valid(*name, UNIT_NAME_TEMPLATE))
        return 0;
    int r = unit_name_instance(a->config->name, &instance);
    if (r >= 0 && !instance)
        r = unit_name_prefix(a->config->name, &instance);
    if (r >= 0)
        r = unit_name_with_instance(*name, instance, &full);
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    free(*name);
    *name = take_ptr(full);
    return 0;
}

static int parse_unit_names(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    char ***list = v;

    /* [Install] is resolved when the unit is enabled; Also= and WantedBy= may name templates. */
    if (a->directive && a->directive->group == GROUP_INSTALL) {
        struct assignment raw = *a;

        raw.specifiers = NULL;
        int r = parse_words(&raw, text, QUOTE_UNQUOTE | QUOTE_RETAIN_ESCAPE, NULL, true, v);
        a->n_faults = raw.n_faults;
        return r;
    }
    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, QUOTE_UNQUOTE | QUOTE_RETAIN_ESCAPE, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 1)
            r = resolve_template(a, &word) < 0 ? -ENOMEM : check_unit_name(a, word) == 0;
        if (r == 1 && !strv_contains(*list, word))
            r = strv_push(list, take_ptr(word));
        if (r == -ENOMEM)
            return r;
    }
}

static int parse_paths(struct assignment *a, const struct value_type *type, const char *text,
                       void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE, assignment_check_path, true, v);
}

static int check_user_word(struct assignment *a, char *text)
{
    return check_user(a, text) < 0;
}

static int parse_user_names(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    unsigned before = a->n_faults;
    int r = parse_words(a, text, QUOTE_UNQUOTE, check_user_word, false, v);

    return r < 0 ? r : a->n_faults > before ? -ENOEXEC : 0;
}

static int check_env_name(struct assignment *a, char *text)
{
    if (env_name_is_valid(text))
        return 0;
    assignment_fault(a, "names are of letters, digits and _, no digit first",
                     "\"%s\" is no name of a variable", text);
    return 1;
}

static int parse_env_names(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE | QUOTE_CUNESCAPE, check_env_name, true, v);
}

static int check_env_unset(struct assignment *a, char *text)
{
    return strchr(text, '=') && env_assignment_is_valid(text) ? 0 : check_env_name(a, text);
}

static int parse_env_unset(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE | QUOTE_CUNESCAPE, check_env_unset, true, v);
}

/* systemd.exec(5), Environment=. */
static int parse_environment(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    char ***env = v;

    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, QUOTE_UNQUOTE | QUOTE_CUNESCAPE, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 1 && !env_assignment_is_valid(word)) {
            assignment_fault(a,
                             strchr(word, '=')
                                 ? "names are of letters, digits and _, no digit first"
                                 : "write NAME=value; put the whole assignment in quotes "
                                   "if the value has spaces",
                             "\"%s\" is no assignment of a variable", word);
            r = 2;
        }
        if (r == 1)
            r = strv_env_set(env, word);
        if (r == -ENOMEM)
            return r;
    }
}

/* A list of folders separated by colons. */
static int parse_search_path(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    auto_strv char **folders = strv_split(text, ":");

    if (!folders)
        return -ENOMEM;
    auto_strv char **paths = NULL;
    STRV_FOREACH (f, folders) {
        auto_free char *path = NULL;
        int r = assignment_expand(a, *f, &path);

        if (r == 0)
            r = assignment_check_path(a, path);
        if (r == 0)
            r = strv_push(&paths, take_ptr(path));
        if (r != 0)
            return r < 0 ? r : 0; /* one that is wrong spoils the line */
    }
    return strv_extend(v, paths, true);
}

static void format_search_path_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    auto_free char *text = strv_join(*(char **const *) v, ":");

    if (text && *text)
        format_text_line(out, name, text);
}

/* systemd.journal-fields(7): A-Z, 0-9 and "_", which are not first. */
static int check_log_field(struct assignment *a, char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    if (n > 0 && n <= 64 && text[n] == '=' && isupper((unsigned char) text[0]))
        return 0;
    assignment_fault(a, "write FIELD=value, the name in capitals", "\"%s\" is no journal field",
                     text);
    return 1;
}

static int parse_log_fields(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE | QUOTE_CUNESCAPE, check_log_field, false, v);
}

/* "-" and "+", in this order, may stand before the path. */
static int parse_mount_paths(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    for (;;) {
        auto_free char *word = NULL;
        int r = assignment_word(a, &text, QUOTE_UNQUOTE, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 1) {
            size_t prefix = *word == '-';

            prefix += word[prefix] == '+';
            if (assignment_check_path(a, word + prefix) != 0)
                continue;
            r = strv_push(v, take_ptr(word));
        }
        if (r == -ENOMEM)
            return r;
    }
}

/* One regular expression a line. */
static int parse_log_pattern(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    return strv_add(v, text);
}

static void format_lines_file(const struct value_type *type, const char *name, const void *v,
                              struct strbuf *out)
{
    STRV_FOREACH (s, *(char **const *) v)
        format_line(out, name, *s);
}

/* systemd.exec(5), SystemCallFilter=: "~" at the start of the line inverts all of it. */
static int parse_syscalls(struct assignment *a, const struct value_type *type, const char *text,
                          void *v)
{
    bool invert = *text == '~';

    text += invert;
    for (;;) {
        auto_free char *word = NULL;
        int r = quote_next_word(&text, &word, NULL, 0);

        if (r <= 0)
            return r == -EINVAL ? assignment_fault(a, NULL, "cannot be split into words") : r;
        char *name = format("%s%s", invert ? "~" : "", word);
        if (name && strv_contains(*(char ***) v, name)) {
            free(name);
            continue;
        }
        r = strv_push(v, name);
        if (r < 0)
            return r;
    }
}

static void format_syscalls(const struct value_type *type, const void *v, struct strbuf *out)
{
    char *const *list = *(char **const *) v;

    if (!list || !*list || **list == '~')
        strbuf_add_char(out, '~');
    STRV_FOREACH (s, list)
        strbuf_addf(out, "%s%s", s == list ? "" : " ", *s + (**s == '~'));
}

/* A line for each: a tilde speaks of the whole line, and each line adds or takes away. */
static void format_syscalls_file(const struct value_type *type, const char *name, const void *v,
                                 struct strbuf *out)
{
    STRV_FOREACH (s, *(char **const *) v)
        format_line(out, name, *s);
}

static int check_arch(struct assignment *a, char *text)
{
    static const char *const archs[] = {
        "native",   "x86",    "x86-64",     "x32",       "arm",           "arm64",   "loongarch64",
        "mips",     "mips64", "mips64-n32", "mips64-le", "mips64-le-n32", "mips-le", "parisc",
        "parisc64", "ppc",    "ppc64",      "ppc64-le",  "riscv64",       "s390",    "s390x",
    };

    for (size_t i = 0; i < ELEMENTSOF(archs); i++)
        if (streq(archs[i], text))
            return 0;
    assignment_fault(a, "write native, or a name as x86-64", "\"%s\" is no architecture", text);
    return 1;
}

static int parse_archs(struct assignment *a, const struct value_type *type, const char *text,
                       void *v)
{
    return parse_words(a, text, QUOTE_UNQUOTE, check_arch, true, v);
}

/* Health...=: each is one entry, in the form "http=VALUE" that is the option of `reeve guard`. */

static int parse_health_probe(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    auto_free char *expanded = NULL;
    int r = assignment_expand(a, text, &expanded);

    if (r != 0)
        return r < 0 ? r : 0;
    /* By the name of the FIELD, "HealthProbes", entries come as they are. */
    const char *kind = a->directive->name ? startswith(a->directive->name, "Health") : NULL;
    if (!kind && !strchr(expanded, '='))
        return assignment_fault(a, "write HealthHTTP=URL and the like", "this names no probe");
    char *entry = kind ? format("%s=%s", kind, expanded) : take_ptr(expanded);
    for (char *p = entry; p && *p && *p != '='; p++)
        *p = (char) tolower((unsigned char) *p);
    return entry ? strv_push(v, entry) : -ENOMEM;
}

static void format_health_probes(const struct value_type *type, const void *v, struct strbuf *out)
{
    char *const *list = *(char **const *) v;

    STRV_FOREACH (s, list)
        strbuf_addf(out, "%s%s", s == list ? "" : "\n", *s);
}

/* The directive that an entry comes from. */
static const char *health_directive(const char *entry)
{
    for (unsigned i = 0; i < n_directives; i++) {
        const char *kind = directives[i].group == GROUP_REEVE && directives[i].is_item
                               ? startswith(directives[i].name, "Health")
                               : NULL;

        if (kind && strncasecmp(kind, entry, strlen(kind)) == 0 && entry[strlen(kind)] == '=')
            return directives[i].name;
    }
    return "HealthProbes";
}

static void format_health_probes_file(const struct value_type *type, const char *name,
                                      const void *v, struct strbuf *out)
{
    char *const *list = *(char **const *) v;

    STRV_FOREACH (s, list)
        format_text_line(out, health_directive(*s), strchr(*s, '=') + 1);
}

#define STRV(type_name, parse_function, format_function, file_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(char **), \
                                                 .parse = parse_function, \
                                                 .format = format_function, \
                                                 .format_file = file_function, \
                                                 .clear = clear_strv, \
                                                 .copy = copy_strv }
STRV(strings, parse_strings, format_strv, format_strv_file);
STRV(urls, parse_urls, format_strv, format_strv_file);
const struct value_type type_unit_names = { .name = "unit_names",
                                            .size = sizeof(char **),
                                            .flags = VALUE_IGNORES_EMPTY,
                                            .parse = parse_unit_names,
                                            .format = format_strv,
                                            .format_file = format_strv_file,
                                            .clear = clear_strv,
                                            .copy = copy_strv };
STRV(paths, parse_paths, format_strv, format_strv_file);
STRV(user_names, parse_user_names, format_strv, format_strv_file);
STRV(env_names, parse_env_names, format_strv, format_strv_file);
STRV(search_path, parse_search_path, format_strv, format_search_path_file);
STRV(log_fields, parse_log_fields, format_strv, format_strv_file);
STRV(filter_paths, parse_paths, format_strv, format_strv_file);
STRV(environment, parse_environment, format_strv, format_strv_file);
STRV(env_unset, parse_env_unset, format_strv, format_strv_file);
STRV(log_patterns, parse_log_pattern, format_strv, format_lines_file);
STRV(health_probes, parse_health_probe, format_health_probes, format_health_probes_file);
STRV(mount_paths, parse_mount_paths, format_strv, format_strv_file);
STRV(syscall_filter, parse_syscalls, format_syscalls, format_syscalls_file);
STRV(syscall_log, parse_syscalls, format_syscalls, format_syscalls_file);
STRV(syscall_archs, parse_archs, format_strv, format_strv_file);
