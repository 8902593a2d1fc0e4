#include "unit/specifier.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/fd.h"
#include "base/id128.h"
#include "base/str.h"
#include "base/users.h"
#include "unit/env-file.h"
#include "unit/name.h"
#include "unit/virt.h"

/* Each function gives a new string or a negative errno. */
typedef int (*resolver)(const struct specifier_context *x, char letter, char **ret);

static int give(const char *text, char **ret)
{
    *ret = strdup(strempty(text));
    return *ret ? 0 : -ENOMEM;
}

/* The name and its parts. */

static int full_name(const struct specifier_context *x, char letter, char **ret)
{
    return letter == 'N' ? unit_name_prefix_and_instance(x->name, ret) : give(x->name, ret);
}

static int unescape(char *escaped, char **ret)
{
    auto_free char *text = escaped;

    return name_unescape(strempty(text), ret);
}

static int prefix(const struct specifier_context *x, char letter, char **ret)
{
    auto_free char *p = NULL;
    int r = unit_name_prefix(x->name, &p);

    if (r < 0)
        return r;
    /* %j and %J: what follows the last dash. */
    const char *dash = letter == 'j' || letter == 'J' ? strrchr(p, '-') : NULL;
    if (letter == 'P' || letter == 'J') {
        char *copy = strdup(dash ? dash + 1 : p);
        return copy ? unescape(copy, ret) : -ENOMEM;
    }
    return give(dash ? dash + 1 : p, ret);
}

static int instance(const struct specifier_context *x, char letter, char **ret)
{
    char *i = NULL;
    int r = unit_name_instance(x->name, &i);

    if (r < 0)
        return r;
    if (letter == 'I')
        return unescape(i, ret);
    r = give(i, ret);
    free(i);
    return r;
}

static int path_name(const struct specifier_context *x, char letter, char **ret)
{
    auto_free char *i = NULL;
    int r = unit_name_instance(x->name, &i);

    if (r < 0)
        return r;
    return i ? name_unescape_path(i, ret) : unit_name_to_path(x->name, ret);
}

static int fragment(const struct specifier_context *x, char letter, char **ret)
{
    const char *path = strempty(x->fragment_path);

    if (letter == 'y')
        return give(path, ret);
    const char *base = path_basename(path);
    size_t n = base > path + 1 ? (size_t) (base - path) - 1 : (size_t) (base - path);
    *ret = memdup0(path, n);
    return *ret ? 0 : -ENOMEM;
}

/* The manager's user. */

static int own_user(const struct specifier_context *x, struct user *ret)
{
    struct users_lookup lookup = { .root = x->root, .files_only = true };
    int r = user_find_uid(&lookup, getuid(), ret);

    if (r == -ENOMEM || r >= 0)
        return r;
    /* An id without an entry: its number is the name. */
    *ret = (struct user){ .name = format("%u", (unsigned) getuid()),
                          .home = strdup("/"),
                          .shell = strdup("/bin/sh"),
                          .uid = getuid(),
                          .gid = getgid() };
    if (ret->name && ret->home && ret->shell)
        return 0;
    user_done(ret);
    return -ENOMEM;
}

static int group_name(const struct specifier_context *x, char **ret)
{
    struct users_lookup lookup = { .root = x->root, .files_only = true };
    struct group g = {};

    if (getgid() == 0)
        return give("root", ret);
    if (group_find_gid(&lookup, getgid(), &g) < 0) {
        *ret = format("%u", (unsigned) getgid());
        return *ret ? 0 : -ENOMEM;
    }
    int r = give(g.name, ret);
    group_done(&g);
    return r;
}

static int user_fact(const struct specifier_context *x, char letter, char **ret)
{
    struct user u = {};
    const char *home = getenv("HOME"), *shell = getenv("SHELL");

    if (letter == 'U' || letter == 'G') {
        *ret = format("%u", letter == 'U' ? (unsigned) getuid() : (unsigned) getgid());
        return *ret ? 0 : -ENOMEM;
    }
    if (letter == 'g')
        return group_name(x, ret);
    if (letter == 'u' && getuid() == 0)
        return give("root", ret);
    if (letter == 'h' && getuid() == 0 && !x->user)
        return give("/root", ret);
    if (letter == 'h' && path_is_absolute(home) && x->user)
        return give(home, ret);
    if (letter == 's' && x->user && path_is_absolute(shell))
        return give(shell, ret);
    int r = own_user(x, &u);
    if (r < 0)
        return r;
    r = give(letter == 'u'      ? u.name
             : letter == 'h'    ? u.home
             : isempty(u.shell) ? "/bin/sh"
                                : u.shell,
             ret);
    user_done(&u);
    return r;
}

/* Folders (file-hierarchy(7)). */

static int xdg(const char *variable, const char *below, const char *rest,
               const struct specifier_context *x, char **ret)
{
    auto_free char *home = NULL;
    const char *env = getenv(variable);

    if (path_is_absolute(env)) {
        *ret = path_join(env, rest, NULL);
    } else {
        int r = user_fact(x, 'h', &home);

        if (r < 0)
            return r;
        *ret = path_join(home, below, rest, NULL);
    }
    return *ret ? 0 : -ENOMEM;
}

static int runtime(const struct specifier_context *x, char **ret)
{
    const char *env = getenv("XDG_RUNTIME_DIR");

    if (x->runtime_dir)
        return give(x->runtime_dir, ret);
    if (!x->user)
        return give("/run", ret);
    if (path_is_absolute(env))
        return give(env, ret);
    *ret = format("/run/user/%u", (unsigned) getuid());
    return *ret ? 0 : -ENOMEM;
}

static int folder(const struct specifier_context *x, char letter, char **ret)
{
    static const char *const temporary[] = { "TMPDIR", "TEMP", "TMP" };

    switch (letter) {
    case 't':
        return runtime(x, ret);
    case 'C':
        return x->user ? xdg("XDG_CACHE_HOME", ".cache", NULL, x, ret) : give("/var/cache", ret);
    case 'S':
        return x->user ? xdg("XDG_STATE_HOME", ".local/state", NULL, x, ret)
                       : give("/var/lib", ret);
    case 'L':
        return x->user ? xdg("XDG_STATE_HOME", ".local/state", "log", x, ret)
                       : give("/var/log", ret);
    case 'E':
        return x->user ? xdg("XDG_CONFIG_HOME", ".config", NULL, x, ret) : give("/etc", ret);
    case 'D':
        return x->user ? xdg("XDG_DATA_HOME", ".local/share", NULL, x, ret)
                       : give("/usr/share", ret);
    default:
        for (size_t i = 0; i < ELEMENTSOF(temporary); i++)
            if (path_is_absolute(getenv(temporary[i])))
                return give(getenv(temporary[i]), ret);
        return give(letter == 'T' ? "/tmp" : "/var/tmp", ret);
    }
}

static int credentials(const struct specifier_context *x, char letter, char **ret)
{
    auto_free char *base = NULL;
    int r = runtime(x, &base);

    if (r < 0)
        return r;
    *ret = path_join(base, "credentials", x->name, NULL);
    return *ret ? 0 : -ENOMEM;
}

/* The machine and the system. */

static int uname_fact(const struct specifier_context *x, char letter, char **ret)
{
    struct utsname u;

    if (uname(&u) < 0)
        return -errno;
    if (letter == 'v')
        return give(u.release, ret);
    const char *host = *u.nodename && !streq(u.nodename, "(none)") ? u.nodename : "localhost";
    *ret = strndup(host, letter == 'l' ? strcspn(host, ".") : strlen(host));
    return *ret ? 0 : -ENOMEM;
}

static int pretty_hostname(const struct specifier_context *x, char letter, char **ret)
{
    int r = env_file_get(x->root, "/etc/machine-info", "PRETTY_HOSTNAME", ret);

    if (r >= 0 && **ret)
        return 0;
    if (r >= 0)
        free(*ret);
    return r == -ENOMEM ? r : uname_fact(x, 'H', ret);
}

static int architecture(const struct specifier_context *x, char letter, char **ret)
{
    return give(architecture_name(), ret);
}

static int id(const struct specifier_context *x, char letter, char **ret)
{
    char text[ID128_TEXT_MAX];
    struct id128 value;
    int r = letter == 'b' ? id128_boot(&value) : id128_machine(x->root, &value);

    return r < 0 ? r : give(id128_format(value, text), ret);
}

static int os_release(const struct specifier_context *x, char letter, char **ret)
{
    static const char *const fields[] = {
        ['o'] = "ID",       ['w'] = "VERSION_ID", ['W'] = "VARIANT_ID",
        ['B'] = "BUILD_ID", ['M'] = "IMAGE_ID",   ['A'] = "IMAGE_VERSION",
    };
    int r = env_file_get(x->root, "/etc/os-release", fields[(unsigned char) letter], ret);

    if (r == -ENOENT)
        r = env_file_get(x->root, "/usr/lib/os-release", fields[(unsigned char) letter], ret);
    return r == -ENXIO ? give("", ret) : r;
}

/* The control group, as far as it is known while files are read: that of a unit without slice. */
static int cgroup(const struct specifier_context *x, char letter, char **ret)
{
    *ret = format("/%s", x->name);
    return *ret ? 0 : -ENOMEM;
}

static int percent(const struct specifier_context *x, char letter, char **ret)
{
    return give("%", ret);
}

static const resolver resolvers[128] = {
    ['%'] = percent,         ['a'] = architecture, ['A'] = os_release, ['b'] = id,
    ['B'] = os_release,      ['c'] = cgroup,       ['C'] = folder,     ['d'] = credentials,
    ['D'] = folder,          ['E'] = folder,       ['f'] = path_name,  ['g'] = user_fact,
    ['G'] = user_fact,       ['h'] = user_fact,    ['H'] = uname_fact, ['i'] = instance,
    ['I'] = instance,        ['j'] = prefix,       ['J'] = prefix,     ['l'] = uname_fact,
    ['L'] = folder,          ['m'] = id,           ['M'] = os_release, ['n'] = full_name,
    ['N'] = full_name,       ['o'] = os_release,   ['p'] = prefix,     ['P'] = prefix,
    ['q'] = pretty_hostname, ['s'] = user_fact,    ['S'] = folder,     ['t'] = folder,
    ['T'] = folder,          ['u'] = user_fact,    ['U'] = user_fact,  ['v'] = uname_fact,
    ['V'] = folder,          ['w'] = os_release,   ['W'] = os_release, ['y'] = fragment,
    ['Y'] = fragment,
};

bool specifier_is_known(char letter)
{
    return (unsigned char) letter < ELEMENTSOF(resolvers) && resolvers[(unsigned char) letter];
}

int specifier_expand(const struct specifier_context *ctx, const char *text, unsigned max,
                     char **ret, char *ret_letter)
{
    auto_strbuf struct strbuf b = {};

    while (*text) {
        size_t plain = strcspn(text, "%");
        auto_free char *value = NULL;

        strbuf_add_n(&b, text, plain);
        text += plain;
        if (!*text)
            break;
        char letter = text[1];
        if (!specifier_is_known(letter)) {
            /* "%" at the end, or before what is no letter or digit, stays. Since systemd 257 other
             * letters are refused; 252 let them pass. */
            if (isascii((unsigned char) letter) && isalnum((unsigned char) letter)) {
                if (ret_letter)
                    *ret_letter = letter;
                return -EBADSLT;
            }
            strbuf_add_char(&b, '%');
            text++;
            continue;
        }
        int r = resolvers[(unsigned char) letter](ctx, letter, &value);
        if (r < 0) {
            if (ret_letter)
                *ret_letter = letter;
            return r;
        }
        strbuf_add(&b, value);
        text += 2;
        if (max > 0 && b.length > max)
            return -ENAMETOOLONG;
    }
    *ret = strbuf_take(&b);
    return *ret ? 0 : -ENOMEM;
}
