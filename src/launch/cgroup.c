/* launch/cgroup.c -- the cgroup v2 tree: finding our part of it, making, listing, killing. */
#include "launch/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/enums.h"

#define CGROUP_FILE_MAX (1024 * 1024)
#define KEYED_FILE_MAX 8192 /* the longest, memory.stat, has some 2 KiB */

/* Those that cgroup v2 has as controllers; the others of the enum are BPF, or of v1. */
static const struct {
    const char *name;
    unsigned bit;
} controllers[] = {
    { "cpuset", 1u << CGROUP_CONTROLLER_CPUSET }, { "cpu", 1u << CGROUP_CONTROLLER_CPU },
    { "io", 1u << CGROUP_CONTROLLER_IO },         { "memory", 1u << CGROUP_CONTROLLER_MEMORY },
    { "pids", 1u << CGROUP_CONTROLLER_PIDS },
};

/* Our own path in the v2 hierarchy: the line "0::/path" of /proc/PID/cgroup. */
static int path_of_pid(const char *proc_file, char **ret)
{
    auto_free char *text = NULL;
    char *save = NULL;
    int r = file_read(proc_file, CGROUP_FILE_MAX, &text, NULL);

    if (r < 0)
        return r;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *path = startswith(line, "0::");

        if (!path)
            continue;
        char *copy = strdup(path);
        if (!copy)
            return -ENOMEM;
        *ret = copy;
        return 0;
    }
    return -ENOMEDIUM;
}

static bool is_cgroup2(const char *path)
{
    struct statfs sb;

    return statfs(path, &sb) == 0 && (unsigned long) sb.f_type == CGROUP2_SUPER_MAGIC;
}

/* Undoes the octal escapes of /proc/self/mountinfo, in place. */
static void unescape_mount(char *s)
{
    char *out = s;

    for (; *s; s++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *out++ = (char) ((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 3;
        } else {
            *out++ = *s;
        }
    }
    *out = 0;
}

/* Where cgroup2 is mounted, and which cgroup the mount shows as its root. */
static int find_mount(char **ret_mount, char **ret_root)
{
    auto_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
    auto_free char *line = NULL;
    size_t allocated = 0;

    if (!f)
        return -errno;
    while (getline(&line, &allocated, f) > 0) {
        char root[4096], mount[4096];
        const char *type = strstr(line, " - ");

        if (!type || !startswith(type + 3, "cgroup2 "))
            continue;
        if (sscanf(line, "%*d %*d %*s %4095s %4095s", root, mount) != 2)
            continue;
        unescape_mount(root);
        unescape_mount(mount);
        if (!is_cgroup2(mount))
            continue;
        auto_free char *m = strdup(mount);
        char *o = strdup(root);
        if (!m || !o) {
            free(o);
            return -ENOMEM;
        }
        *ret_mount = take_ptr(m);
        *ret_root = o;
        return 0;
    }
    return -ENOMEDIUM;
}

static unsigned parse_controllers(const char *text)
{
    auto_strv char **names = strv_split(text, WHITESPACE);
    unsigned bits = 0;

    for (size_t i = 0; i < ELEMENTSOF(controllers); i++)
        if (strv_contains(names, controllers[i].name))
            bits |= controllers[i].bit;
    return bits;
}

static unsigned read_controllers(int fd, const char *file)
{
    auto_free char *text = NULL;

    return file_read_at(fd, file, CGROUP_FILE_MAX, &text, NULL) < 0 ? 0 : parse_controllers(text);
}

/* Whether a folder can be made here, and processes be moved into it: the file system may be
 * writable and yet belong to somebody else. */
static int try_to_write(int fd)
{
    char name[64];

    snprintf(name, sizeof name, "reeve-probe-%d", getpid());
    if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
        return -errno;
    auto_close int probe = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = probe < 0 ? -errno : 0;
    if (r == 0 && faccessat(probe, "cgroup.procs", W_OK, AT_EACCESS) < 0)
        r = -errno;
    if (unlinkat(fd, name, AT_REMOVEDIR) < 0 && r == 0)
        r = -errno;
    return r;
}

int cgroup_root_open(struct cgroup_root *ret)
{
    auto_free char *mount = NULL, *shown = NULL, *own = NULL, *folder = NULL;
    struct cgroup_root root = { .fd = -1 };
    int r = find_mount(&mount, &shown);

    if (r < 0)
        return r;
    r = path_of_pid("/proc/self/cgroup", &own);
    if (r < 0)
        return r;

    /* A bind mount of a part of the tree shows that part as its root. Ours being outside of it
     * ("/../x" in a cgroup namespace) means that it cannot be reached. */
    const char *below = streq(shown, "/") ? own : startswith(own, shown);
    if (!below || startswith(below, "/.."))
        return -ENOMEDIUM;
    if (streq(below, "/"))
        below = "";
    /* Started again in our own init.scope: the root is above. */
    auto_free char *prefix = strdup(below);
    if (!prefix)
        return -ENOMEM;
    const char *tail = endswith(prefix, "/" MANAGER_CGROUP);
    if (tail)
        prefix[tail - prefix] = 0;

    folder = path_join(mount, prefix, NULL);
    if (!folder)
        return -ENOMEM;
    auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = try_to_write(fd);
    if (r < 0)
        return r;

    root.fd = take_fd(&fd);
    root.mount = take_ptr(mount);
    root.prefix = take_ptr(prefix);
    root.controllers = read_controllers(root.fd, "cgroup.controllers");
    /* cgroup.kill does not exist in the true root; init.scope or any unit has it. */
    root.can_kill = true;
    *ret = root;
    return 0;
}

/* Controllers that the folders below `path` do not get. */
struct cgroup_disabled {
    struct cgroup_disabled *next;
    unsigned controllers;
    char path[];
};

static unsigned *disabled_at(const struct cgroup_root *r, const char *path)
{
    struct cgroup_disabled *d = r->disabled;

    while (d && !streq(d->path, path))
        d = d->next;
    return d ? &d->controllers : NULL;
}

void cgroup_root_done(struct cgroup_root *r)
{
    while (r->disabled) {
        struct cgroup_disabled *d = r->disabled;

        r->disabled = d->next;
        free(d);
    }
    r->fd = close_fd(r->fd);
    free(r->mount);
    free(r->prefix);
    free(r->parent);
    r->mount = r->prefix = r->parent = NULL;
}

static int enable_controllers(int fd, unsigned wanted)
{
    unsigned got = read_controllers(fd, "cgroup.subtree_control");
    int result = 0;

    /* One by one: a single one that the kernel refuses (cpu with realtime tasks) spoils a write. */
    for (size_t i = 0; i < ELEMENTSOF(controllers); i++) {
        char text[32];

        if (!(wanted & controllers[i].bit) || (got & controllers[i].bit))
            continue;
        snprintf(text, sizeof text, "+%s", controllers[i].name);
        int r = cgroup_write(fd, "cgroup.subtree_control", text);
        if (r < 0)
            result = r;
    }
    return result;
}

int cgroup_root_enter(struct cgroup_root *r, bool all)
{
    auto_close int scope = -1;
    int result = cgroup_create(r, "/" MANAGER_CGROUP, &scope);

    if (result < 0)
        return result;
    result = cgroup_attach(scope, 0);
    if (result < 0)
        return result;
    if (all) {
        auto_free char *text = NULL;
        char *save = NULL;

        if (file_read_at(r->fd, "cgroup.procs", CGROUP_FILE_MAX, &text, NULL) >= 0)
            for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
                if (atoi(p) > 0)
                    (void) cgroup_attach(scope, atoi(p)); /* kernel threads cannot be moved */
    }
    r->can_kill = faccessat(scope, "cgroup.kill", F_OK, 0) == 0;
    result = enable_controllers(r->fd, r->controllers);
    r->controllers &= read_controllers(r->fd, "cgroup.subtree_control");
    /* Processes of others in the root keep the controllers off; tracking does not need them. */
    return result == -EBUSY || result == -EOPNOTSUPP ? 0 : result;
}

/* From below, since the kernel keeps a controller where a folder below has it. */
static void take_controllers(int fd, unsigned taken)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    if (!dir) {
        close_fd(copy);
        return;
    }
    rewinddir(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        auto_close int below = -1;

        if (e->d_type != DT_DIR || streq(e->d_name, ".") || streq(e->d_name, ".."))
            continue;
        below = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            take_controllers(below, taken);
    }
    closedir(dir);
    taken &= read_controllers(fd, "cgroup.subtree_control");
    for (size_t i = 0; i < ELEMENTSOF(controllers); i++)
        if (taken & controllers[i].bit) {
            char text[32];

            snprintf(text, sizeof text, "-%s", controllers[i].name);
            (void) cgroup_write(fd, "cgroup.subtree_control", text);
        }
}

int cgroup_disable(struct cgroup_root *r, const char *path, unsigned bits)
{
    const char *below = path + strspn(path, "/");
    unsigned *now = disabled_at(r, below);

    if (bits == (now ? *now : 0))
        return 0;
    if (now) {
        *now = bits;
    } else {
        struct cgroup_disabled *d = malloc(sizeof *d + strlen(below) + 1);

        if (!d)
            return -ENOMEM;
        *d = (struct cgroup_disabled){ .next = r->disabled, .controllers = bits };
        strcpy(d->path, below);
        r->disabled = d;
    }
    free(r->parent);
    r->parent = NULL;
    auto_close int fd = openat(r->fd, *below ? below : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        take_controllers(fd, bits);
    return fd < 0 && errno != ENOENT ? -errno : 0;
}

/* A file of the kernel in every cgroup could have this name. */
static bool needs_escape(const char *name)
{
    if (name[0] == '_' || name[0] == '.' || streq(name, "notify_on_release") ||
        streq(name, "release_agent") || streq(name, "tasks") || startswith(name, "cgroup."))
        return true;
    const char *dot = strchr(name, '.');
    if (!dot)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(controllers); i++)
        if (strlen(controllers[i].name) == (size_t) (dot - name) &&
            strncmp(name, controllers[i].name, (size_t) (dot - name)) == 0)
            return true;
    return false;
}

static void add_component(struct strbuf *b, const char *name)
{
    strbuf_add_char(b, '/');
    if (needs_escape(name))
        strbuf_add_char(b, '_');
    strbuf_add(b, name);
}

char *cgroup_path_of(const char *slice, const char *unit)
{
    auto_strbuf struct strbuf b = { 0 };

    if (slice && *slice && !streq(slice, "-.slice")) {
        for (const char *dash = strchr(slice, '-'); dash; dash = strchr(dash + 1, '-')) {
            auto_free char *above = format("%.*s.slice", (int) (dash - slice), slice);

            if (!above)
                return NULL;
            add_component(&b, above);
        }
        add_component(&b, slice);
    }
    if (unit)
        add_component(&b, unit);
    return strbuf_take(&b);
}

/* Goes down from the root, and hands the controllers on to each folder below. */
static int create_all(struct cgroup_root *r, const char *path, int *ret_fd)
{
    auto_strv char **parts = strv_split(path, "/");
    auto_close int fd = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
    bool made = false;
    auto_strbuf struct strbuf at = { 0 };
    unsigned handed_on = r->controllers, *disabled = disabled_at(r, "");

    if (!parts)
        return -ENOMEM;
    if (fd < 0)
        return -errno;
    handed_on &= ~(disabled ? *disabled : 0);
    STRV_FOREACH (part, parts) {
        int next = openat(fd, *part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        made = false;
        if (next < 0 && errno == ENOENT) {
            made = mkdirat(fd, *part, 0755) >= 0;
            if (!made && errno != EEXIST)
                return -errno;
            next = openat(fd, *part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        if (next < 0)
            return -errno;
        /* What is above a unit hands its controllers on; a unit's own folder does not, since it
         * holds processes. */
        strbuf_addf(&at, "%s%s", at.length > 0 ? "/" : "", *part);
        disabled = r->disabled ? disabled_at(r, strbuf_text(&at)) : NULL;
        handed_on &= ~(disabled ? *disabled : 0);
        if (part[1] && handed_on)
            (void) enable_controllers(next, handed_on);
        close(fd);
        fd = next;
    }
    *ret_fd = take_fd(&fd);
    return made;
}

int cgroup_create(struct cgroup_root *r, const char *path, int *ret_fd)
{
    size_t parent = (size_t) (path_basename(path) - path);
    const char *below = path + strspn(path, "/");

    /* Most have the same parent as the one before: it has been seen to. */
    if (r->parent && strlen(r->parent) == parent && strncmp(r->parent, path, parent) == 0) {
        bool made = mkdirat(r->fd, below, 0755) >= 0;

        if (made || errno == EEXIST) {
            *ret_fd = openat(r->fd, below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (*ret_fd >= 0)
                return made;
        }
    }
    free(r->parent);
    r->parent = NULL;
    int made = create_all(r, path, ret_fd);
    if (made >= 0)
        r->parent = strndup(path, parent); /* without memory it is done anew next time */
    return made;
}

static int remove_tree(int parent, const char *name)
{
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;

    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close_fd(fd);
        return -errno;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (e->d_type == DT_DIR && !streq(e->d_name, ".") && !streq(e->d_name, ".."))
            (void) remove_tree(dirfd(dir), e->d_name);
    closedir(dir);
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_remove(const struct cgroup_root *r, const char *path)
{
    while (*path == '/')
        path++;
    return *path ? remove_tree(r->fd, path) : -EINVAL;
}

static void each_service(int fd, const char *above,
                         void (*found)(const char *path, const char *unit, void *userdata),
                         void *userdata)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

    if (!dir) {
        close_fd(fd);
        return;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_type != DT_DIR)
            continue;
        auto_free char *path = format("%s/%s", above, e->d_name);
        if (path && endswith(e->d_name, ".service"))
            found(path, e->d_name, userdata);
        else if (path && endswith(e->d_name, ".slice"))
            each_service(openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path,
                         found, userdata);
    }
    closedir(dir);
}

void cgroup_each_service(const struct cgroup_root *r,
                         void (*found)(const char *path, const char *unit, void *userdata),
                         void *userdata)
{
    each_service(openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", found, userdata);
}

int cgroup_of_pid(const struct cgroup_root *r, pid_t pid, char **ret_path)
{
    char file[64];
    auto_free char *path = NULL;

    snprintf(file, sizeof file, "/proc/%d/cgroup", pid);
    int result = path_of_pid(file, &path);
    if (result < 0)
        return result == -ENOENT ? -ESRCH : result;
    char *deleted = (char *) endswith(path, " (deleted)");
    if (deleted)
        *deleted = 0;
    const char *below = startswith(path, r->prefix);
    if (!below || (*below && *below != '/'))
        return -ENXIO;
    char *copy = strdup(*below ? below : "/");
    if (!copy)
        return -ENOMEM;
    *ret_path = copy;
    return 0;
}

int cgroup_attach(int cgroup_fd, pid_t pid)
{
    char text[16];

    snprintf(text, sizeof text, "%d", pid);
    return cgroup_write(cgroup_fd, "cgroup.procs", text);
}

struct pid_list {
    pid_t *pids;
    size_t n, allocated;
};

static int add_pids(int fd, struct pid_list *list)
{
    auto_free char *text = NULL;
    char *save = NULL;
    int r = file_read_at(fd, "cgroup.procs", 64 * CGROUP_FILE_MAX, &text, NULL);

    if (r < 0) /* it is being removed, or has been */
        return r == -ENODEV || r == -ENOENT ? 0 : r;
    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        if (!grow(&list->pids, &list->allocated, list->n + 1))
            return -ENOMEM;
        if (atoi(p) > 0) /* 0: a process that this pid namespace cannot see */
            list->pids[list->n++] = atoi(p);
    }
    return 0;
}

static int add_tree(int fd, struct pid_list *list)
{
    int r = add_pids(fd, list);

    /* EOPNOTSUPP: a threaded cgroup; its processes show in the domain above. */
    if (r < 0 && r != -EOPNOTSUPP)
        return r;
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0)
        return errno == ENODEV || errno == ENOENT ? 0 : -errno;
    DIR *dir = fdopendir(copy);
    if (!dir) {
        close_fd(copy);
        return -errno;
    }
    r = 0;
    for (struct dirent *e = readdir(dir); e && r >= 0; e = readdir(dir)) {
        if (e->d_type != DT_DIR || streq(e->d_name, ".") || streq(e->d_name, ".."))
            continue;
        auto_close int child = openat(dirfd(dir), e->d_name,
                                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child >= 0)
            r = add_tree(child, list);
    }
    closedir(dir);
    return r;
}

int cgroup_pids(int cgroup_fd, pid_t **ret_pids, size_t *ret_n)
{
    struct pid_list list = { 0 };
    int r = add_tree(cgroup_fd, &list);

    if (r < 0) {
        free(list.pids);
        return r;
    }
    if (list.n == 0) {
        free(list.pids);
        list.pids = NULL;
    }
    *ret_pids = list.pids;
    *ret_n = list.n;
    return 0;
}

bool cgroup_exists(int cgroup_fd)
{
    return faccessat(cgroup_fd, "cgroup.procs", F_OK, 0) == 0;
}

int cgroup_populated(int cgroup_fd)
{
    uint64_t populated;
    int r = cgroup_read_keyed(cgroup_fd, "cgroup.events", "populated", &populated);

    /* ENOENT is also said of the topmost cgroup, which has no such file. */
    if (r == -ENODEV || (r == -ENOENT && !cgroup_exists(cgroup_fd)))
        return 0;
    return r < 0 ? r : populated > 0;
}

int cgroup_kill_all(int cgroup_fd)
{
    int r = cgroup_write(cgroup_fd, "cgroup.kill", "1");

    return r == -ENOENT || r == -EINVAL ? -EOPNOTSUPP : r;
}

int cgroup_freeze(int cgroup_fd, bool freeze)
{
    int r = cgroup_write(cgroup_fd, "cgroup.freeze", freeze ? "1" : "0");

    return r == -ENOENT ? -EOPNOTSUPP : r;
}

int cgroup_read_number(int cgroup_fd, const char *file, uint64_t *ret)
{
    auto_free char *text = NULL;
    int r = file_read_at(cgroup_fd, file, CGROUP_FILE_MAX, &text, NULL);

    if (r < 0)
        return r;
    if (startswith(text, "max")) {
        *ret = UINT64_MAX;
        return 0;
    }
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno > 0 || end == text)
        return -EBADMSG;
    *ret = value;
    return 0;
}

/* Allocates nothing: that a cgroup is empty has to be found out where memory is out as well. */
int cgroup_read_keyed(int cgroup_fd, const char *file, const char *key, uint64_t *ret)
{
    char text[KEYED_FILE_MAX], *save = NULL;
    auto_close int fd = openat(cgroup_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *value = startswith(line, key);

        if (value && *value == ' ') {
            *ret = strtoull(value + 1, NULL, 10);
            return 0;
        }
    }
    return -ENOENT;
}

int cgroup_read_io(int cgroup_fd, const char *key, uint64_t *ret)
{
    auto_free char *text = NULL;
    char *save = NULL;
    uint64_t sum = 0;
    int r = file_read_at(cgroup_fd, "io.stat", CGROUP_FILE_MAX, &text, NULL);

    if (r < 0)
        return r;
    for (char *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
        const char *value = startswith(word, key);

        if (value && *value == '=')
            sum += strtoull(value + 1, NULL, 10);
    }
    *ret = sum;
    return 0;
}

int cgroup_write(int cgroup_fd, const char *file, const char *text)
{
    return file_write_at(cgroup_fd, file, text);
}
