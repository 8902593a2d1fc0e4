/* Values of sandboxing: mounts, filters, credentials, namespaces. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/names.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/strv.h"
#include "unit/value-list.h"
#include "unit/value.h"

/* BindPaths=SOURCE[:DESTINATION[:rbind|norbind]]. */

LIST_FUNCTIONS(bind_mount, (free(i->source), free(i->destination)), {
    n->source = strdup(i->source);
    n->destination = strdup(i->destination);
    ok = n->source && n->destination;
})

static int add_bind_mount(struct assignment *a, char **parts, int n_parts, struct bind_mount **list)
{
    bool ignore_missing = *parts[0] == '-';
    char *source = parts[0] + ignore_missing;
    char *destination = n_parts > 1 && *parts[1] ? parts[1] : source;
    bool recursive = true;

    if (assignment_check_path(a, source) != 0 || assignment_check_path(a, destination) != 0)
        return 0;
    if (n_parts > 2 && streq(parts[2], "norbind"))
        recursive = false;
    else if (n_parts > 2 && *parts[2] && !streq(parts[2], "rbind"))
        return assignment_fault(a, "the options are rbind and norbind", "\"%s\" is no option",
                                parts[2]);

    struct bind_mount *m = new0(struct bind_mount, 1);
    if (!m)
        return -ENOMEM;
    *m = (struct bind_mount){ .source = strdup(source),
                              .destination = strdup(destination),
                              .ignore_missing = ignore_missing,
                              .recursive = recursive };
    APPEND(list, m);
    return m->source && m->destination ? 0 : -ENOMEM;
}

/* Words of parts separated by colons, which "\:" keeps. Calls add for each; specifiers resolved. */
typedef int (*parts_function)(struct assignment *a, char **parts, int n_parts, void *v);

static int parse_parts(struct assignment *a, const char *text, int max, parts_function add, void *v)
{
    for (;;) {
        auto_free char *word = NULL;
        auto_strv char **parts = NULL;
        int r = assignment_word(a, &text, QUOTE_UNQUOTE | QUOTE_RETAIN_ESCAPE, &word);

        if (r == 0 || r == -EINVAL)
            return 0;
        if (r == 1) {
            r = quote_split(word, &parts, ":", QUOTE_UNESCAPE_SEPARATORS | QUOTE_KEEP_EMPTY);
            if (r == -EINVAL || r == 0 || r > max)
                r = assignment_fault(a, NULL, "\"%s\" has the wrong number of parts", word);
            else if (r > 0)
                r = add(a, parts, r, v);
        }
        if (r == -ENOMEM)
            return r;
    }
}

static int add_bind_parts(struct assignment *a, char **parts, int n, void *v)
{
    return add_bind_mount(a, parts, n, v);
}

static int parse_bind_mounts(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    return parse_parts(a, text, 3, add_bind_parts, v);
}

static void format_bind_mounts(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct bind_mount *m = *(struct bind_mount *const *) v; m; m = m->next)
        strbuf_addf(out, "%s%s:%s%s%s", m->ignore_missing ? "-" : "", m->source, m->destination,
                    m->recursive ? ":rbind" : "", m->next ? " " : "");
}

static void add_escaped(struct strbuf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        strbuf_addf(out, *p == ':' || *p == '\\' ? "\\%c" : "%c", *p);
}

/* The words need no double quoting: backslashes are kept by the splitter. */
static void add_parts_word(struct strbuf *out, const char *word)
{
    bool quote = strpbrk(word, " \t'\"") != NULL;

    if (quote)
        strbuf_add_char(out, '"');
    for (const char *p = word; *p; p++)
        strbuf_add_n(out, *p == '%' ? "%%" : p, *p == '%' ? 2 : 1);
    if (quote)
        strbuf_add_char(out, '"');
}

static void format_bind_mounts_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    for (const struct bind_mount *m = *(struct bind_mount *const *) v; m; m = m->next) {
        auto_strbuf struct strbuf word = {};

        strbuf_add(&word, m->ignore_missing ? "-" : "");
        add_escaped(&word, m->source);
        strbuf_add_char(&word, ':');
        add_escaped(&word, m->destination);
        strbuf_add(&word, m->recursive ? ":rbind" : ":norbind");
        strbuf_addf(out, "%s=", name);
        add_parts_word(out, strbuf_text(&word));
        strbuf_add_char(out, '\n');
    }
}

const struct value_type type_bind_mounts = { .name = "bind_mounts",
                                             .size = sizeof(struct bind_mount *),
                                             .parse = parse_bind_mounts,
                                             .format = format_bind_mounts,
                                             .format_file = format_bind_mounts_file,
                                             .clear = clear_bind_mount,
                                             .copy = copy_bind_mount };

/* TemporaryFileSystem=PATH[:OPTIONS]. */

LIST_FUNCTIONS(tmpfs_mount, (free(i->path), free(i->options)), {
    COPY_STRING(path);
    COPY_STRING(options);
})

static int add_tmpfs(struct assignment *a, char **parts, int n, void *v)
{
    if (assignment_check_path(a, parts[0]) != 0)
        return 0;
    struct tmpfs_mount *m = new0(struct tmpfs_mount, 1);
    if (!m)
        return -ENOMEM;
    APPEND((struct tmpfs_mount **) v, m);
    m->path = strdup(parts[0]);
    m->options = n > 1 && *parts[1] ? strdup(parts[1]) : NULL;
    return m->path && (n < 2 || !*parts[1] || m->options) ? 0 : -ENOMEM;
}

static int parse_tmpfs_mounts(struct assignment *a, const struct value_type *type, const char *text,
                              void *v)
{
    return parse_parts(a, text, 2, add_tmpfs, v);
}

static void format_tmpfs_mounts(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct tmpfs_mount *m = *(struct tmpfs_mount *const *) v; m; m = m->next)
        strbuf_addf(out, "%s%s%s%s", m->path, m->options ? ":" : "", strempty(m->options),
                    m->next ? " " : "");
}

static void format_tmpfs_mounts_file(const struct value_type *type, const char *name, const void *v,
                                     struct strbuf *out)
{
    for (const struct tmpfs_mount *m = *(struct tmpfs_mount *const *) v; m; m = m->next) {
        auto_strbuf struct strbuf word = {};

        add_escaped(&word, m->path);
        if (m->options) {
            strbuf_add_char(&word, ':');
            add_escaped(&word, m->options);
        }
        strbuf_addf(out, "%s=", name);
        add_parts_word(out, strbuf_text(&word));
        strbuf_add_char(out, '\n');
    }
}

const struct value_type type_tmpfs_mounts = { .name = "tmpfs_mounts",
                                              .size = sizeof(struct tmpfs_mount *),
                                              .parse = parse_tmpfs_mounts,
                                              .format = format_tmpfs_mounts,
                                              .format_file = format_tmpfs_mounts_file,
                                              .clear = clear_tmpfs_mount,
                                              .copy = copy_tmpfs_mount };

/* Names that are allowed, or, after "~", forbidden. The first line decides which; later lines of
 * the other kind take names away. */

static void clear_name_filter(void *v)
{
    struct name_filter *f = *(struct name_filter **) v;

    if (f)
        strv_free(f->names);
    free(f);
}

static int copy_name_filter(void *to, const void *from)
{
    const struct name_filter *f = *(struct name_filter *const *) from;
    struct name_filter *copy = f ? new0(struct name_filter, 1) : NULL;

    *(struct name_filter **) to = copy;
    if (!f)
        return 0;
    if (copy) {
        copy->allow_list = f->allow_list;
        copy->names = strv_copy(f->names);
    }
    return copy && copy->names ? 0 : -ENOMEM;
}

static int parse_name_filter(struct assignment *a, const struct value_type *type, const char *text,
                             void *v)
{
    struct name_filter **f = v;
    bool invert = *text == '~';

    text += invert;
    if (!*f) {
        *f = new0(struct name_filter, 1);
        if (!*f)
            return -ENOMEM;
        (*f)->allow_list = !invert;
    }
    for (;;) {
        auto_free char *word = NULL;
        int r = quote_next_word(&text, &word, NULL, QUOTE_UNQUOTE);

        if (r <= 0)
            return r == -EINVAL ? assignment_fault(a, NULL, "unbalanced quotes") : r;
        if ((*f)->allow_list == invert)
            strv_remove((*f)->names, word);
        else if (!strv_contains((*f)->names, word))
            r = strv_push(&(*f)->names, take_ptr(word));
        if (r < 0)
            return r;
    }
}

static void format_name_filter(const struct value_type *type, const void *v, struct strbuf *out)
{
    const struct name_filter *f = *(struct name_filter *const *) v;

    if (!f || !f->allow_list)
        strbuf_add_char(out, '~');
    if (f) {
        auto_free char *names = strv_join(f->names, " ");
        strbuf_add(out, strempty(names));
    }
}

static void format_name_filter_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    if (!*(struct name_filter *const *) v)
        return;
    format_name_filter(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

const struct value_type type_name_filter = { .name = "name_filter",
                                             .size = sizeof(struct name_filter *),
                                             .parse = parse_name_filter,
                                             .format = format_name_filter,
                                             .format_file = format_name_filter_file,
                                             .clear = clear_name_filter,
                                             .copy = copy_name_filter };

/* Address families. */

static const char *const family_names[] = {
    [AF_UNIX] = "AF_UNIX",
    [AF_INET] = "AF_INET",
    [AF_AX25] = "AF_AX25",
    [AF_IPX] = "AF_IPX",
    [AF_APPLETALK] = "AF_APPLETALK",
    [AF_NETROM] = "AF_NETROM",
    [AF_BRIDGE] = "AF_BRIDGE",
    [AF_ATMPVC] = "AF_ATMPVC",
    [AF_X25] = "AF_X25",
    [AF_INET6] = "AF_INET6",
    [AF_ROSE] = "AF_ROSE",
    [AF_DECnet] = "AF_DECnet",
    [AF_NETBEUI] = "AF_NETBEUI",
    [AF_SECURITY] = "AF_SECURITY",
    [AF_KEY] = "AF_KEY",
    [AF_NETLINK] = "AF_NETLINK",
    [AF_PACKET] = "AF_PACKET",
    [AF_ASH] = "AF_ASH",
    [AF_ECONET] = "AF_ECONET",
    [AF_ATMSVC] = "AF_ATMSVC",
    [AF_RDS] = "AF_RDS",
    [22] = "AF_SNA",
    [AF_IRDA] = "AF_IRDA",
    [AF_PPPOX] = "AF_PPPOX",
    [AF_WANPIPE] = "AF_WANPIPE",
    [AF_LLC] = "AF_LLC",
    [AF_IB] = "AF_IB",
    [AF_MPLS] = "AF_MPLS",
    [AF_CAN] = "AF_CAN",
    [AF_TIPC] = "AF_TIPC",
    [AF_BLUETOOTH] = "AF_BLUETOOTH",
    [AF_IUCV] = "AF_IUCV",
    [AF_RXRPC] = "AF_RXRPC",
    [AF_ISDN] = "AF_ISDN",
    [AF_PHONET] = "AF_PHONET",
    [AF_IEEE802154] = "AF_IEEE802154",
    [AF_CAIF] = "AF_CAIF",
    [AF_ALG] = "AF_ALG",
    [AF_NFC] = "AF_NFC",
    [AF_VSOCK] = "AF_VSOCK",
    [AF_KCM] = "AF_KCM",
    [AF_QIPCRTR] = "AF_QIPCRTR",
    [AF_SMC] = "AF_SMC",
    [AF_XDP] = "AF_XDP",
    [45] = "AF_MCTP",
};

static int family_from_name(const char *name)
{
    if (streq(name, "AF_LOCAL"))
        return AF_UNIX;
    for (size_t i = 1; i < ELEMENTSOF(family_names); i++)
        if (family_names[i] && streq(family_names[i], name))
            return (int) i;
    return -EINVAL;
}

static int parse_address_families(struct assignment *a, const struct value_type *type,
                                  const char *text, void *v)
{
    struct address_families *f = v;
    bool invert = *text == '~';

    if (streq(text, "none")) {
        *f = (struct address_families){ .allow_list = true };
        return 0;
    }
    text += invert;
    if (f->mask == 0 && !f->allow_list)
        f->allow_list = !invert;
    for (;;) {
        auto_free char *word = NULL;
        int r = quote_next_word(&text, &word, NULL, QUOTE_UNQUOTE);

        if (r <= 0)
            return r == -EINVAL ? assignment_fault(a, NULL, "unbalanced quotes") : r;
        int family = family_from_name(word);
        if (family < 0)
            assignment_fault(a, "write names as AF_INET", "\"%s\" is no address family", word);
        else if (f->allow_list == invert)
            f->mask &= ~(UINT64_C(1) << family);
        else
            f->mask |= UINT64_C(1) << family;
    }
}

static void format_address_families(const struct value_type *type, const void *v,
                                    struct strbuf *out)
{
    const struct address_families *f = v;
    const char *separator = "";

    if (!f->allow_list)
        strbuf_add_char(out, '~');
    for (size_t i = 0; i < ELEMENTSOF(family_names); i++)
        if (f->mask >> i & 1) {
            strbuf_addf(out, "%s%s", separator, strempty(family_names[i]));
            separator = " ";
        }
}

static void format_address_families_file(const struct value_type *type, const char *name,
                                         const void *v, struct strbuf *out)
{
    const struct address_families *f = v;
    auto_strbuf struct strbuf text = {};

    if (!f->allow_list && f->mask == 0)
        return;
    format_address_families(type, v, &text);
    format_line(out, name, f->mask == 0 ? "none" : strbuf_text(&text));
}

const struct value_type type_address_families = { .name = "address_families",
                                                  .size = sizeof(struct address_families),
                                                  .parse = parse_address_families,
                                                  .format = format_address_families,
                                                  .format_file = format_address_families_file };

/* Credentials. */

LIST_FUNCTIONS(credential, (free(i->id), free(i->path), free(i->data)), {
    COPY_STRING(id);
    COPY_STRING(path);
    if (i->data && !(n->data = memdup0(i->data, sizeof *i->data + i->data->length)))
        ok = false;
})

static bool credential_name_is_valid(const char *name)
{
    return *name && strlen(name) <= 255 && !strchr(name, '/') && !streq(name, ".") &&
           !streq(name, "..") && !strchr(name, ':');
}

/* Replaces the entry with that id, or adds one. The new entry's members are taken over. */
static int put_credential(struct credential **list, char *id, char *path, struct byte_string *data)
{
    struct credential *c = *list;

    while (c && !streq(c->id, id))
        c = c->next;
    if (!c) {
        c = new0(struct credential, 1);
        if (!c) {
            free(id);
            free(path);
            free(data);
            return -ENOMEM;
        }
        APPEND(list, c);
    }
    free(c->id);
    free(c->path);
    free(c->data);
    c->id = id;
    c->path = path;
    c->data = data;
    return 0;
}

/* SetCredential=ID:DATA, with C escapes in the data. */
static int parse_credentials_set(struct assignment *a, const struct value_type *type,
                                 const char *text, void *v)
{
    const char *colon = strchr(text, ':');
    auto_free char *raw = NULL, *id = NULL, *data = NULL;

    if (!colon)
        return assignment_fault(a, "write NAME:TEXT", "there is no \":\" after the name");
    raw = memdup0(text, (size_t) (colon - text));
    if (!raw)
        return -ENOMEM;
    int r = assignment_expand(a, raw, &id);
    if (r != 0)
        return r < 0 ? r : 0;
    if (!credential_name_is_valid(id))
        return assignment_fault(a, NULL, "\"%s\" is no name of a credential", id);
    ssize_t n = c_unescape(colon + 1, false, &data);
    if (n < 0)
        return n == -ENOMEM ? -ENOMEM : assignment_fault(a, NULL, "unknown escape in the text");

    struct byte_string *bytes = malloc(sizeof *bytes + (size_t) n + 1);
    if (!bytes)
        return -ENOMEM;
    bytes->length = (size_t) n;
    memcpy(bytes->bytes, data, (size_t) n + 1);
    return put_credential(v, take_ptr(id), NULL, bytes);
}

/* LoadCredential=ID[:PATH or name]. */
static int parse_credentials_load(struct assignment *a, const struct value_type *type,
                                  const char *text, void *v)
{
    const char *colon = strchr(text, ':');
    auto_free char *raw = colon ? memdup0(text, (size_t) (colon - text)) : strdup(text);
    auto_free char *id = NULL, *path = NULL;

    if (!raw)
        return -ENOMEM;
    int r = assignment_expand(a, raw, &id);
    if (r == 0)
        r = assignment_expand(a, colon ? colon + 1 : raw, &path);
    if (r != 0)
        return r < 0 ? r : 0;
    if (!credential_name_is_valid(id))
        return assignment_fault(a, "write NAME:PATH", "\"%s\" is no name of a credential", id);
    if (path_is_absolute(path) ? !path_is_normalized(path) : !credential_name_is_valid(path))
        return assignment_fault(a, "write an absolute path or the name of a credential",
                                "\"%s\" is neither a path nor a name", path);
    return put_credential(v, take_ptr(id), take_ptr(path), NULL);
}

/* ImportCredential=GLOB[:NEW NAME]. */
static int parse_credentials_import(struct assignment *a, const struct value_type *type,
                                    const char *text, void *v)
{
    auto_free char *expanded = NULL;
    int r = assignment_expand(a, text, &expanded);

    if (r != 0)
        return r < 0 ? r : 0;
    char *colon = strchr(expanded, ':');
    if (colon)
        *colon = 0;
    if (!credential_name_is_valid(expanded) || (colon && !credential_name_is_valid(colon + 1)))
        return assignment_fault(a, NULL, "\"%s\" is no pattern of names of credentials", text);
    char *id = strdup(expanded), *rename = colon ? strdup(colon + 1) : NULL;
    if (!id || (colon && !rename)) {
        free(id);
        free(rename);
        return -ENOMEM;
    }
    return put_credential(v, id, rename, NULL);
}

/* systemctl cannot print these and says "[unprintable]"; names are no secret. */
static void format_credentials(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct credential *c = *(struct credential *const *) v; c; c = c->next)
        strbuf_addf(out, "%s%s%s%s", c->id, c->path ? ":" : "", strempty(c->path),
                    c->next ? " " : "");
}

/* As systemctl prints words. */
static void format_patterns(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct credential *c = *(struct credential *const *) v; c; c = c->next) {
        auto_free char *quoted = shell_quote(c->id, SHELL_QUOTE_EMPTY);

        strbuf_addf(out, "%s%s", strempty(quoted), c->next ? " " : "");
    }
}

static void format_credentials_file(const struct value_type *type, const char *name, const void *v,
                                    struct strbuf *out)
{
    for (const struct credential *c = *(struct credential *const *) v; c; c = c->next) {
        auto_strbuf struct strbuf text = {};

        strbuf_addf(&text, "%s%s%s", c->id, c->path ? ":" : "", strempty(c->path));
        if (!c->data) {
            format_text_line(out, name, strbuf_text(&text));
            continue;
        }
        auto_free char *data = c_escape(c->data->bytes, c->data->length, true);
        strbuf_addf(out, "%s=%s:%s\n", name, strbuf_text(&text), strempty(data));
    }
}

#define CREDENTIALS(type_name, format_function) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct credential *), \
                                                 .parse = parse_##type_name, \
                                                 .format = format_function, \
                                                 .format_file = format_credentials_file, \
                                                 .clear = clear_credential, \
                                                 .copy = copy_credential }
CREDENTIALS(credentials_set, format_credentials);
CREDENTIALS(credentials_load, format_credentials);
CREDENTIALS(credentials_import, format_patterns);

/* MountFlags=. */

static const struct {
    const char *name;
    uint32_t flag;
} propagations[] = { { "shared", MS_SHARED }, { "slave", MS_SLAVE }, { "private", MS_PRIVATE } };

static int parse_mount_propagation(struct assignment *a, const struct value_type *type,
                                   const char *text, void *v)
{
    for (size_t i = 0; i < ELEMENTSOF(propagations); i++)
        if (streq(propagations[i].name, text)) {
            *(uint32_t *) v = propagations[i].flag;
            return 0;
        }
    return assignment_fault(a, "write shared, slave or private", "\"%s\" is no kind of propagation",
                            text);
}

static void format_mount_propagation(const struct value_type *type, const void *v,
                                     struct strbuf *out)
{
    for (size_t i = 0; i < ELEMENTSOF(propagations); i++)
        if (propagations[i].flag == *(const uint32_t *) v)
            strbuf_add(out, propagations[i].name);
}

static void format_mount_propagation_file(const struct value_type *type, const char *name,
                                          const void *v, struct strbuf *out)
{
    auto_strbuf struct strbuf text = {};

    format_mount_propagation(type, v, &text);
    if (text.length > 0)
        format_line(out, name, strbuf_text(&text));
}

const struct value_type type_mount_propagation = { .name = "mount_propagation",
                                                   .size = sizeof(uint32_t),
                                                   .parse = parse_mount_propagation,
                                                   .format = format_mount_propagation,
                                                   .format_file = format_mount_propagation_file };

/* RestrictNamespaces=: a boolean, or the kinds that stay allowed, or after "~" those that do not.
 */

static const struct {
    const char *name;
    uint32_t flag;
} namespaces[] = { { "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC },
                   { "net", CLONE_NEWNET },       { "mnt", CLONE_NEWNS },
                   { "pid", CLONE_NEWPID },       { "user", CLONE_NEWUSER },
                   { "uts", CLONE_NEWUTS } };

static uint32_t all_namespaces(void)
{
    uint32_t all = 0;

    for (size_t i = 0; i < ELEMENTSOF(namespaces); i++)
        all |= namespaces[i].flag;
    return all;
}

static int parse_namespace_set(struct assignment *a, const struct value_type *type,
                               const char *text, void *v)
{
    uint32_t *set = v, mask = 0;
    bool invert = *text == '~';
    int b = parse_boolean(text);

    if (b >= 0) {
        *set = b ? 0 : NAMESPACES_ALL;
        return 0;
    }
    auto_strv char **words = strv_split(text + invert, WHITESPACE);
    if (!words)
        return -ENOMEM;
    STRV_FOREACH (w, words) {
        size_t i = 0;

        while (i < ELEMENTSOF(namespaces) && !streq(namespaces[i].name, *w))
            i++;
        if (i == ELEMENTSOF(namespaces))
            return assignment_fault(a,
                                    "write yes, no, or cgroup, ipc, net, mnt, pid, user, uts, time",
                                    "\"%s\" is no kind of namespace", *w);
        mask |= namespaces[i].flag;
    }
    if (invert)
        *set = *set & all_namespaces() & ~mask;
    else
        *set = *set == NAMESPACES_ALL ? mask : *set | mask;
    return 0;
}

static void format_namespace_set(const struct value_type *type, const void *v, struct strbuf *out)
{
    uint32_t set = *(const uint32_t *) v & all_namespaces();
    const char *separator = "";

    if (set == all_namespaces() || set == 0) {
        strbuf_add(out, set ? "no" : "yes");
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(namespaces); i++)
        if (set & namespaces[i].flag) {
            strbuf_addf(out, "%s%s", separator, namespaces[i].name);
            separator = " ";
        }
}

const struct value_type type_namespace_set = { .name = "namespace_set",
                                               .size = sizeof(uint32_t),
                                               .unset = (int64_t) NAMESPACES_ALL,
                                               .parse = parse_namespace_set,
                                               .format = format_namespace_set };

/* SystemCallErrorNumber=. */

static int parse_errno_or_kill(struct assignment *a, const struct value_type *type,
                               const char *text, void *v)
{
    int e = streq(text, "kill") ? SYSCALL_KILL : errno_from_name(text);

    if (e <= 0)
        return assignment_fault(a, "write a name as EPERM, a number, or kill", "\"%s\" is no error",
                                text);
    *(int *) v = e;
    return 0;
}

static void format_errno_or_kill(const struct value_type *type, const void *v, struct strbuf *out)
{
    strbuf_addf(out, "%d", *(const int *) v);
}

static void format_errno_or_kill_file(const struct value_type *type, const char *name,
                                      const void *v, struct strbuf *out)
{
    int e = *(const int *) v;

    if (e != SYSCALL_KILL)
        strbuf_addf(out, "%s=%s\n", name, strempty(errno_name(e)));
}

const struct value_type type_errno_or_kill = { .name = "errno_or_kill",
                                               .size = sizeof(int),
                                               .unset = SYSCALL_KILL,
                                               .parse = parse_errno_or_kill,
                                               .format = format_errno_or_kill,
                                               .format_file = format_errno_or_kill_file };
