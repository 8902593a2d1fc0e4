#include "base/users.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"

#define GETENT_TIMEOUT (5 * USEC_PER_SEC)
#define GETENT_OUTPUT_MAX (1u << 20)
#define DATABASE_MAX (64u << 20)
#define GETENT_NOT_FOUND 2 /* getent(1), EXIT STATUS */
#define NOBODY_ID 65534

/* ---- entries of passwd(5) and group(5) ---- */

#define FIELDS_MAX 7

/* Cuts the line at its colons, in place. Returns the number of fields. */
static size_t line_fields(char *line, char *fields[static FIELDS_MAX])
{
    size_t n = 0;

    for (char *p = line; p && n < FIELDS_MAX; n++) {
        fields[n] = p;
        p = strchr(p, ':');
        if (p)
            *p++ = 0;
    }
    return n;
}

/* A line is looked at by one of these. Returns 1 with what is wanted taken, 0 to go on, or an
 * error. */
typedef int (*line_fn)(char *line, void *userdata);

static int each_line(char *text, line_fn fn, void *userdata)
{
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        /* "+" and "-" lines belong to the compat NSS module. */
        if (!*line || strchr("#+-", *line))
            continue;
        int r = fn(line, userdata);
        if (r != 0)
            return r;
    }
    return 0;
}

void user_done(struct user *u)
{
    free(u->name);
    free(u->home);
    free(u->shell);
    *u = (struct user){};
}

void group_done(struct group *g)
{
    free(g->name);
    strv_free(g->members);
    *g = (struct group){};
}

/* What is looked for: a name, or an id where name is NULL. */
struct wanted {
    const char *name;
    uint32_t id;
    void *found; /* struct user or struct group */
};

static bool is_wanted(const struct wanted *w, const char *name, const char *id_text, int *ret_r,
                      uint32_t *ret_id)
{
    uid_t id = 0;
    int r = parse_uid(id_text, &id);

    *ret_r = r;
    *ret_id = id;
    return w->name ? streq(w->name, name) : r >= 0 && id == w->id;
}

static int user_fill(struct user *u, const char *name, uint32_t uid, uint32_t gid, const char *home,
                     const char *shell)
{
    *u = (struct user){ .name = strdup(name), .uid = uid, .gid = gid };
    u->home = strdup(home);
    u->shell = strdup(shell);
    if (u->name && u->home && u->shell)
        return 0;
    user_done(u);
    return -ENOMEM;
}

static int passwd_line(char *line, void *userdata)
{
    struct wanted *w = userdata;
    char *f[FIELDS_MAX];
    uid_t uid, gid;
    int r;
    size_t n = line_fields(line, f);

    if (n < 3 || !is_wanted(w, f[0], f[2], &r, &uid))
        return 0;
    if (r < 0 || n < 6 || parse_uid(f[3], &gid) < 0)
        return -EBADMSG;
    r = user_fill(w->found, f[0], uid, gid, f[5], n > 6 ? f[6] : "");
    return r < 0 ? r : 1;
}

static int group_fill(struct group *g, const char *name, uint32_t gid, const char *members)
{
    *g = (struct group){ .name = strdup(name), .gid = gid, .members = strv_split(members, ",") };
    if (g->name && g->members)
        return 0;
    group_done(g);
    return -ENOMEM;
}

static int group_line(char *line, void *userdata)
{
    struct wanted *w = userdata;
    char *f[FIELDS_MAX];
    gid_t gid;
    int r;
    size_t n = line_fields(line, f);

    if (n < 3 || !is_wanted(w, f[0], f[2], &r, &gid))
        return 0;
    if (r < 0)
        return -EBADMSG;
    r = group_fill(w->found, f[0], gid, n > 3 ? f[3] : "");
    return r < 0 ? r : 1;
}

/* ---- the two sources ---- */

static int database_read(const struct users_lookup *l, const char *file, char **ret)
{
    auto_free char *path = path_join(isempty(l->root) ? "/" : l->root, file, NULL);

    if (!path)
        return -ENOMEM;
    int r = file_read(path, DATABASE_MAX, ret, NULL);
    if (r == -ENOENT || r == -ENOTDIR) {
        char *empty = strdup("");
        if (!empty)
            return -ENOMEM;
        *ret = empty;
        return 0;
    }
    return r;
}

/* Reads until the end of the stream or the deadline. */
static int read_until(int fd, usec_t deadline, char **ret)
{
    auto_strbuf struct strbuf b = {};

    for (;;) {
        char chunk[4096];
        usec_t now = now_usec(CLOCK_MONOTONIC);
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (now >= deadline)
            return -ETIMEDOUT;
        int ready = poll(&p, 1, (int) MIN((deadline - now) / USEC_PER_MSEC + 1, (usec_t) 60000));
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (n == 0)
            break;
        if (n > 0)
            strbuf_add_n(&b, chunk, (size_t) n);
        if (b.failed || b.length > GETENT_OUTPUT_MAX)
            return b.failed ? -ENOMEM : -EFBIG;
    }
    char *text = strbuf_take(&b);
    if (!text)
        return -ENOMEM;
    *ret = text;
    return 0;
}

/* Starts getent with its output on a pipe. */
static int getent_spawn(char *const *argv, pid_t *ret_pid, int *ret_fd)
{
    static char *const environment[] = { (char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                         (char *) "LC_ALL=C", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int pipe_fds[2];

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    auto_close int read_end = pipe_fds[0], write_end = pipe_fds[1];
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    sigemptyset(&none);
    sigfillset(&all);
    int r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, write_end, 1);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (r == 0) {
        (void) posix_spawnattr_setsigmask(&attributes, &none);
        (void) posix_spawnattr_setsigdefault(&attributes, &all);
        (void) posix_spawnattr_setflags(&attributes,
                                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        r = ENOENT;
        static const char *const places[] = { "/usr/bin/getent", "/bin/getent" };
        for (size_t i = 0; i < ELEMENTSOF(places) && r == ENOENT; i++)
            r = posix_spawn(ret_pid, places[i], &actions, &attributes, argv, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return -r;
    *ret_fd = take_fd(&read_end);
    return 0;
}

/* Runs getent DATABASE KEY. -ESRCH where it knows no such key, or is not there itself. */
static int getent_ask(const struct users_lookup *l, const char *database, const char *key,
                      char **ret)
{
    char *const argv[] = { (char *) "getent", (char *) database, (char *) key, NULL };
    usec_t deadline = now_usec(CLOCK_MONOTONIC) + (l->timeout ?: GETENT_TIMEOUT);
    auto_close int fd = -1;
    auto_free char *text = NULL;
    int status = 0;
    pid_t pid;

    int r = getent_spawn(argv, &pid, &fd);
    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    r = read_until(fd, deadline, &text);
    if (r < 0)
        (void) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            status = -1; /* SIGCHLD is ignored: what it printed has to do */
            break;
        }
    if (r < 0)
        return r;
    if (status > 0 && WIFEXITED(status))
        return WEXITSTATUS(status) == GETENT_NOT_FOUND ? -ESRCH : -EIO;
    if (status > 0)
        return -EIO;
    *ret = take_ptr(text);
    return 0;
}

static int look_up_files(struct users_lookup *l, const char *file, line_fn fn, struct wanted *w)
{
    auto_free char *text = NULL;
    int r = database_read(l, file, &text);

    l->source = USERS_FILES;
    if (r >= 0)
        r = each_line(text, fn, w);
    return r < 0 ? r : r == 0 ? -ESRCH : 0;
}

static int look_up_getent(struct users_lookup *l, const char *database, line_fn fn,
                          struct wanted *w)
{
    auto_free char *answer = NULL;
    char id[16];

    /* No option of getent's, and no answer for the machine where another root is asked about. */
    if (l->files_only || !isempty(l->root) || (w->name && (!*w->name || *w->name == '-')))
        return -ESRCH;
    l->source = USERS_GETENT;
    snprintf(id, sizeof id, "%u", w->id);
    int r = getent_ask(l, database, w->name ?: id, &answer);
    if (r >= 0)
        r = each_line(answer, fn, w);
    return r < 0 ? r : r == 0 ? -ESRCH : 0;
}

/* ---- users ---- */

/* root and nobody are known everywhere, as they are to systemd (systemd.exec(5), User=): a file or
 * a directory service may say more, and is asked only if it cannot block. */
static int user_builtin(struct users_lookup *l, const struct wanted *w)
{
    bool root = w->name ? streq(w->name, "root") : w->id == 0;
    bool nobody = w->name ? streq(w->name, "nobody") : w->id == NOBODY_ID;

    if (!root && !nobody)
        return -ESRCH;
    l->source = USERS_BUILTIN;
    if (root)
        return user_fill(w->found, "root", 0, 0, "/root", "/bin/sh");
    return user_fill(w->found, "nobody", NOBODY_ID, NOBODY_ID, "/", "/usr/sbin/nologin");
}

static int user_look_up(struct users_lookup *l, struct wanted *w)
{
    int r = look_up_files(l, "etc/passwd", passwd_line, w);

    if (r == -ESRCH)
        r = user_builtin(l, w);
    return r == -ESRCH ? look_up_getent(l, "passwd", passwd_line, w) : r;
}

int user_find(struct users_lookup *l, const char *name_or_id, struct user *ret)
{
    struct wanted w = { .name = name_or_id, .found = ret };
    uid_t id;

    if (parse_uid(name_or_id, &id) >= 0)
        return user_find_uid(l, id, ret);
    return user_look_up(l, &w);
}

int user_find_uid(struct users_lookup *l, uid_t uid, struct user *ret)
{
    struct wanted w = { .id = uid, .found = ret };

    return user_look_up(l, &w);
}

/* ---- groups ---- */

static int group_look_up(struct users_lookup *l, struct wanted *w)
{
    int r = look_up_files(l, "etc/group", group_line, w);

    if (r == -ESRCH && (w->name ? streq(w->name, "root") : w->id == 0)) {
        l->source = USERS_BUILTIN;
        return group_fill(w->found, "root", 0, "");
    }
    return r == -ESRCH ? look_up_getent(l, "group", group_line, w) : r;
}

int group_find(struct users_lookup *l, const char *name_or_id, struct group *ret)
{
    struct wanted w = { .name = name_or_id, .found = ret };
    gid_t id;

    if (parse_uid(name_or_id, &id) >= 0)
        return group_find_gid(l, id, ret);
    return group_look_up(l, &w);
}

int group_find_gid(struct users_lookup *l, gid_t gid, struct group *ret)
{
    struct wanted w = { .id = gid, .found = ret };

    return group_look_up(l, &w);
}

struct gid_list {
    const char *user;
    gid_t *gids;
    size_t n, allocated;
};

static int gid_add(struct gid_list *list, gid_t gid)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->gids[i] == gid)
            return 0;
    if (!grow(&list->gids, &list->allocated, list->n + 1))
        return -ENOMEM;
    list->gids[list->n++] = gid;
    return 0;
}

static int membership_line(char *line, void *userdata)
{
    struct gid_list *list = userdata;
    char *f[FIELDS_MAX];
    gid_t gid;

    if (line_fields(line, f) < 4 || parse_uid(f[2], &gid) < 0)
        return 0;
    for (char *member = f[3], *next; member; member = next) {
        next = strchr(member, ',');
        if (next)
            *next++ = 0;
        if (streq(member, list->user))
            return gid_add(list, gid);
    }
    return 0;
}

/* A line of getent initgroups: the name, then the ids. */
static int initgroups_add(struct gid_list *list, const char *answer)
{
    auto_strv char **words = strv_split(answer, WHITESPACE);
    gid_t gid;

    if (!words)
        return -ENOMEM;
    for (size_t i = 1; words[0] && words[i]; i++)
        if (parse_uid(words[i], &gid) >= 0 && gid_add(list, gid) < 0)
            return -ENOMEM;
    return 0;
}

/* The systemd module of NSS knows groups of users from records and from services of others. */
static bool has_user_records(void)
{
    static const char *const folders[] = { "/etc/userdb", "/run/userdb", "/run/host/userdb",
                                           "/usr/lib/userdb", NULL };
    static const char *const own[] = { ".",
                                       "..",
                                       "io.systemd.DropIn",
                                       "io.systemd.DynamicUser",
                                       "io.systemd.Multiplexer",
                                       "io.systemd.NameServiceSwitch",
                                       NULL };
    bool found = false;

    for (size_t i = 0; folders[i]; i++)
        if (access(folders[i], F_OK) == 0)
            return true;
    DIR *dir = opendir("/run/systemd/userdb");
    if (!dir)
        return errno != ENOENT;
    for (struct dirent *e = readdir(dir); e && !found; e = readdir(dir))
        found = !strv_contains((char *const *) (uintptr_t) own, e->d_name);
    closedir(dir);
    return found;
}

/* Whether the file says all there is about the groups of users: nsswitch.conf(5) names no other
 * source. To run getent takes longer than all else of a launch. */
static bool groups_are_in_file(void)
{
    auto_free char *text = NULL;
    char *save = NULL, *sources = NULL;
    int r = file_read("/etc/nsswitch.conf", DATABASE_MAX, &text, NULL);

    if (r < 0)
        return r == -ENOENT;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, WHITESPACE);
        line[strcspn(line, "#")] = 0;
        const char *own = startswith(line, "initgroups:");
        const char *group = own ? own : startswith(line, "group:");
        if (group && (own || !sources))
            sources = line + (group - line);
    }
    for (char *word = sources ? strtok_r(sources, WHITESPACE "[", &save) : NULL; word;
         word = strtok_r(NULL, WHITESPACE "[", &save))
        if (!strchr(word, '=') && !streq(word, "files") &&
            (!streq(word, "systemd") || has_user_records()))
            return false;
    return true;
}

int user_groups(struct users_lookup *l, const char *name, gid_t primary, gid_t **ret)
{
    auto_free char *text = NULL, *answer = NULL;
    struct gid_list list = { .user = name };

    l->source = USERS_FILES;
    int r = database_read(l, "etc/group", &text);
    if (r >= 0)
        r = gid_add(&list, primary);
    if (r >= 0)
        r = each_line(text, membership_line, &list);
    if (r >= 0 && !l->files_only && isempty(l->root) && *name != '-' && !groups_are_in_file()) {
        r = getent_ask(l, "initgroups", name, &answer);
        if (r >= 0) {
            l->source = USERS_GETENT;
            r = initgroups_add(&list, answer);
        } else if (r == -ESRCH || r == -EIO)
            r = 0; /* no getent, or one that knows no initgroups: the file has to do */
    }
    if (r < 0) {
        free(list.gids);
        return r;
    }
    *ret = list.gids;
    return (int) list.n;
}
