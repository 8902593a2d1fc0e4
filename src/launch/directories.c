/* launch/directories.c -- RuntimeDirectory= and its family (systemd.exec(5), "Sandboxing",
 * automatic directory creation): made, owned, given their mode, linked.
 *
 * With DynamicUser= the folder itself is below `private`, which nobody else may enter, and the
 * public name is a link: the ids are used again by others. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/child.h"

const char *const directory_variables[DIRECTORY_KIND_MAX] = {
    [DIRECTORY_RUNTIME] = "RUNTIME_DIRECTORY",
    [DIRECTORY_STATE] = "STATE_DIRECTORY",
    [DIRECTORY_CACHE] = "CACHE_DIRECTORY",
    [DIRECTORY_LOGS] = "LOGS_DIRECTORY",
    [DIRECTORY_CONFIGURATION] = "CONFIGURATION_DIRECTORY",
};

const char *const directory_directives[DIRECTORY_KIND_MAX] = {
    [DIRECTORY_RUNTIME] = "RuntimeDirectory",
    [DIRECTORY_STATE] = "StateDirectory",
    [DIRECTORY_CACHE] = "CacheDirectory",
    [DIRECTORY_LOGS] = "LogsDirectory",
    [DIRECTORY_CONFIGURATION] = "ConfigurationDirectory",
};

static const enum exec_status steps[DIRECTORY_KIND_MAX] = {
    [DIRECTORY_RUNTIME] = EXEC_STATUS_RUNTIME_DIRECTORY,
    [DIRECTORY_STATE] = EXEC_STATUS_STATE_DIRECTORY,
    [DIRECTORY_CACHE] = EXEC_STATUS_CACHE_DIRECTORY,
    [DIRECTORY_LOGS] = EXEC_STATUS_LOGS_DIRECTORY,
    [DIRECTORY_CONFIGURATION] = EXEC_STATUS_CONFIGURATION_DIRECTORY,
};

const struct exec_directory *directory_list(const struct exec_config *e, enum directory_kind k)
{
    switch (k) {
    case DIRECTORY_RUNTIME:
        return e->runtime_directory;
    case DIRECTORY_STATE:
        return e->state_directory;
    case DIRECTORY_CACHE:
        return e->cache_directory;
    case DIRECTORY_LOGS:
        return e->logs_directory;
    case DIRECTORY_CONFIGURATION:
        return e->configuration_directory;
    case DIRECTORY_KIND_MAX:
        break;
    }
    assert_unreachable();
}

static mode_t directory_mode(const struct exec_config *e, enum directory_kind k)
{
    switch (k) {
    case DIRECTORY_RUNTIME:
        return e->runtime_directory_mode;
    case DIRECTORY_STATE:
        return e->state_directory_mode;
    case DIRECTORY_CACHE:
        return e->cache_directory_mode;
    case DIRECTORY_LOGS:
        return e->logs_directory_mode;
    case DIRECTORY_CONFIGURATION:
        return e->configuration_directory_mode;
    case DIRECTORY_KIND_MAX:
        break;
    }
    assert_unreachable();
}

const char *directory_prefix(const struct spawn_manager *m, enum directory_kind k)
{
    switch (k) {
    case DIRECTORY_RUNTIME:
        return m->runtime_prefix;
    case DIRECTORY_STATE:
        return m->state_prefix;
    case DIRECTORY_CACHE:
        return m->cache_prefix;
    case DIRECTORY_LOGS:
        return m->logs_prefix;
    case DIRECTORY_CONFIGURATION:
        return m->configuration_prefix;
    case DIRECTORY_KIND_MAX:
        break;
    }
    assert_unreachable();
}

bool directory_is_private(const struct unit_config *config, enum directory_kind k)
{
    if (!config->sandbox->dynamic_user || k == DIRECTORY_CONFIGURATION)
        return false;
    return k != DIRECTORY_RUNTIME || config->exec->runtime_directory_preserve != PRESERVE_NO;
}

/* mkdir -p with 0755 for what is above the last component, whatever the umask. */
static int make_parents(const char *path)
{
    mode_t mask = umask(0022);
    int r = mkdir_parents(path, 0755);

    umask(mask);
    return r;
}

static int make_folder(const char *path, mode_t mode)
{
    mode_t mask = umask(0);
    int r = mkdir(path, mode & 07777) < 0 && errno != EEXIST ? -errno : 0;

    umask(mask);
    return r;
}

static int chown_tree(int fd, uid_t uid, gid_t gid, mode_t mask);

static int chown_entry(int parent, const char *name, uid_t uid, gid_t gid, mode_t mask)
{
    auto_close int path_fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (path_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(path_fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode)) {
        auto_close int dir = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return dir < 0 ? -errno : chown_tree(dir, uid, gid, mask);
    }
    if ((st.st_uid != uid || st.st_gid != gid) &&
        fchownat(path_fd, "", uid, gid, AT_EMPTY_PATH) < 0)
        return -errno;
    if (!S_ISLNK(st.st_mode) && (st.st_mode & 07777 & ~mask) != 0) {
        char proc[64];

        snprintf(proc, sizeof proc, "/proc/self/fd/%d", path_fd);
        if (chmod(proc, st.st_mode & mask) < 0)
            return -errno;
    }
    return 0;
}

static int chown_tree(int fd, uid_t uid, gid_t gid, mode_t mask)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
    struct stat st;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    if (!dir)
        return -errno;
    for (struct dirent *e = readdir(dir); e && r >= 0; e = readdir(dir))
        if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
            r = chown_entry(fd, e->d_name, uid, gid, mask);
    closedir(dir);
    if (r < 0)
        return r;
    /* Last, so that an interruption is noticed and repeated by the next start. */
    if (fchown(fd, uid, gid) < 0 || fstat(fd, &st) < 0)
        return -errno;
    return (st.st_mode & 07777 & ~mask) != 0 && fchmod(fd, st.st_mode & mask) < 0 ? -errno : 0;
}

/* Mode and owner. The tree below is gone through only where the folder itself is not as it should
 * be: what the service did since is its own business. */
static int take_ownership(struct child *c, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    struct stat st;
    auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if ((st.st_mode & 07777) != (mode & 07777) && fchmod(fd, mode & 07777) < 0)
        return -errno;
    if (c->manager->user)
        return 0;
    mode_t mask = c->sandbox->dynamic_user ? 01777 : 07777;
    if (st.st_uid == uid && st.st_gid == gid && (mode & 07777 & ~mask) == 0)
        return 0;
    int r = chown_tree(fd, uid, gid, mask);
    if (r >= 0 && (mode & mask & 06000) && fchmod(fd, mode & mask) < 0)
        r = -errno; /* chown(2) took the set-id bits off */
    return r;
}

/* Makes `link` point at `target`, relative to the link's folder; an equal one is left alone. */
static int make_link(const char *target, const char *link)
{
    auto_strbuf struct strbuf b = { 0 };
    auto_free char *now = NULL;
    size_t common = 0;

    for (size_t i = 0; target[i] && target[i] == link[i]; i++)
        if (target[i] == '/')
            common = i + 1;
    for (const char *p = strchr(link + common, '/'); p; p = strchr(p + 1, '/'))
        strbuf_add(&b, "../");
    strbuf_add(&b, target + common);
    if (b.failed)
        return -ENOMEM;
    if (symlink(strbuf_text(&b), link) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (readlink_alloc(link, &now) < 0)
        return -EEXIST;
    return streq(now, strbuf_text(&b)) || streq(now, target) ? 0 : -EEXIST;
}

static bool is_link(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool exists(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* DynamicUser= was on once and is no longer: the folder goes back to its public name. */
static int move_back(const char *public, const char *private)
{
    auto_free char *a = NULL, *b = NULL;

    if (!is_link(public) || !exists(private))
        return 0;
    a = realpath(public, NULL);
    b = realpath(private, NULL);
    if (!streq_ptr(a, b) || !a)
        return 0;
    if (unlink(public) < 0 || rename(private, public) < 0)
        return -errno;
    return 0;
}

static int make_private(const char *prefix, const char *public, const char *private)
{
    auto_free char *top = path_join(prefix, "private", NULL);
    int r = top ? make_parents(top) : -ENOMEM;

    if (r >= 0)
        r = make_folder(top, 0700);
    if (r >= 0 && chmod(top, 0700) < 0)
        r = -errno;
    if (r >= 0)
        r = make_parents(private);
    if (r < 0)
        return r;
    /* And the other way round: it was an ordinary one. */
    if (exists(public) && !is_link(public) && !exists(private) && rename(public, private) < 0)
        return -errno;
    return 0;
}

static int make_one(struct child *c, enum directory_kind k, const struct exec_directory *d)
{
    const char *prefix = directory_prefix(c->manager, k);
    mode_t mode = directory_mode(c->exec, k);
    bool private = directory_is_private(c->config, k);
    uid_t uid = c->has_user ? c->uid : 0;
    gid_t gid = c->has_group ? c->gid : 0;
    char *seen = path_join(prefix, d->path, NULL);
    auto_free char *top = format("%s%s", strempty(c->manager->root), prefix);
    auto_free char *public = top ? path_join(top, d->path, NULL) : NULL;
    auto_free char *hidden = top ? path_join(top, "private", d->path, NULL) : NULL;

    if (!seen || !public || !hidden || strv_push(&c->directory_paths[k], seen) < 0)
        return child_fail(c, steps[k], -ENOMEM, directory_directives[k], d->path);

    int r = make_parents(public);
    if (r >= 0 && private)
        r = make_private(top, public, hidden);
    else if (r >= 0 && k != DIRECTORY_CONFIGURATION)
        r = move_back(public, hidden);

    const char *path = private ? hidden : public;
    bool existed = exists(path);
    if (r >= 0)
        r = make_folder(path, mode);
    /* A configuration folder that is there already belongs to the administrator. */
    if (r >= 0 && !(k == DIRECTORY_CONFIGURATION && existed))
        r = take_ownership(c, path, mode, uid, gid);
    if (r >= 0 && private)
        r = make_link(hidden, public);
    if (r < 0)
        return child_fail(c, steps[k], r, directory_directives[k], public);

    STRV_FOREACH (name, d->symlinks) {
        auto_free char *link = path_join(top, *name, NULL);

        r = link ? make_parents(link) : -ENOMEM;
        if (r >= 0)
            r = make_link(public, link);
        if (r < 0)
            return child_fail(c, steps[k], r, directory_directives[k], link);
    }
    return 0;
}

int child_make_directories(struct child *c)
{
    for (int k = 0; k < DIRECTORY_KIND_MAX; k++) {
        const struct exec_directory *list = directory_list(c->exec, (enum directory_kind) k);

        if (!list || !directory_prefix(c->manager, (enum directory_kind) k))
            continue;
        child_step(c, steps[k]);
        for (const struct exec_directory *d = list; d; d = d->next) {
            int r = make_one(c, (enum directory_kind) k, d);
            if (r < 0)
                return r;
        }
    }
    return 0;
}
