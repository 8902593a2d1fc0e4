/* launch/credentials.c -- credentials: read, and put where only the unit can read them. */
#include "launch/credentials.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/child.h"
#include "launch/mount_call.h"

/* systemd.exec(5): all of a unit's together. */
#define CREDENTIALS_MAX (1024 * 1024)
#define CREDENTIAL_NAME_MAX 255

/* enum fsconfig_command of linux/mount.h, which older C libraries do not have. */
enum { CONFIG_FLAG = 0, CONFIG_STRING = 1, CONFIG_CREATE = 6 };

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#define MOUNT_ATTRS 0x0000000e /* nosuid, nodev, noexec */

struct store {
    struct child *c;
    int dir; /* where they are written to */
    size_t left;
    char **searched; /* folders of system credentials */
};

static int fail(struct store *s, int error, const char *directive, const char *object)
{
    return child_fail(s->c, EXEC_STATUS_CREDENTIALS, error, directive, object);
}

static bool name_is_valid(const char *name)
{
    return *name && strlen(name) <= CREDENTIAL_NAME_MAX && !strchr(name, '/') &&
           !streq(name, ".") && !streq(name, "..");
}

static bool is_stored(const struct store *s, const char *id)
{
    return faccessat(s->dir, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Readable for root, whose it stays, and for the user, by an access list; where the file system has
 * none it is given to the user. `mode` has the bits of the owner. */
static int grant(const struct child *c, int fd, mode_t mode)
{
    unsigned bits = mode >> 6 & 7;

    if (fchmod(fd, mode) < 0)
        return -errno;
    if (!c->apply_identity || !c->has_user || c->uid == geteuid() ||
        access_list_set(fd, bits, 0, c->uid, bits) >= 0)
        return 0;
    return fchown(fd, c->uid, c->has_group ? c->gid : (gid_t) -1) < 0 ? -errno : 0;
}

static int store_one(struct store *s, const char *id, const void *data, size_t n)
{
    if (!name_is_valid(id))
        return -EINVAL;
    if (n > s->left)
        return -E2BIG;
    auto_close int fd = openat(s->dir, id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, data, n);
    if (r >= 0)
        r = grant(s->c, fd, 0400);
    if (r >= 0)
        s->left -= n;
    return r;
}

/* ---- sources ---- */

/* The name that a listening process sees: systemd.exec(5), LoadCredential=. */
static int read_socket(struct store *s, const char *path, const char *id, char **ret, size_t *ret_n)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX }, from = { .sun_family = AF_UNIX };
    uint64_t random = 0;

    if (strlen(path) >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    strcpy(to.sun_path, path);
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void) getrandom(&random, sizeof random, GRND_NONBLOCK);
    int n = snprintf(from.sun_path + 1, sizeof from.sun_path - 1, "%016jx/unit/%s/%s",
                     (uintmax_t) random, s->c->request->unit, id);
    if (n < 0 || (size_t) n >= sizeof from.sun_path - 1)
        return -ENAMETOOLONG;
    if (bind(fd, (struct sockaddr *) &from,
             (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) n)) < 0 ||
        connect(fd, (struct sockaddr *) &to, sizeof to) < 0)
        return -errno;
    (void) shutdown(fd, SHUT_WR);
    return fd_read_whole(fd, CREDENTIALS_MAX, ret, ret_n);
}

static int load_file(struct store *s, const char *path, const char *id, const struct stat *st)
{
    auto_free char *data = NULL;
    size_t n = 0;
    int r = S_ISSOCK(st->st_mode) ? read_socket(s, path, id, &data, &n)
                                  : file_read(path, CREDENTIALS_MAX, &data, &n);

    if (r == -EFBIG)
        r = -E2BIG;
    return r < 0 ? r : store_one(s, id, data, n);
}

/* A folder: each file in it, the path below it joined by "_" to the id. */
static int load_path(struct store *s, const char *path, const char *id)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISDIR(st.st_mode))
        return is_stored(s, id) ? 0 : load_file(s, path, id, &st);

    DIR *dir = opendir(path);
    int r = dir ? 0 : -errno;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e && r >= 0; e = readdir(dir)) {
        if (streq(e->d_name, ".") || streq(e->d_name, ".."))
            continue;
        auto_free char *below = path_join(path, e->d_name, NULL);
        auto_free char *name = format("%s_%s", id, e->d_name);

        r = below && name ? load_path(s, below, name) : -ENOMEM;
    }
    if (dir)
        closedir(dir);
    return r;
}

static bool is_set(const struct store *s, const char *id)
{
    for (const struct credential *x = s->c->sandbox->set_credential; x; x = x->next)
        if (streq(x->id, id))
            return true;
    return false;
}

static int load_all(struct store *s)
{
    for (const struct credential *x = s->c->sandbox->load_credential; x; x = x->next) {
        bool bare = !path_is_absolute(x->path);
        int r = -ENOENT;

        if (is_stored(s, x->id))
            continue;
        if (!bare) {
            r = load_path(s, x->path, x->id);
        } else {
            STRV_FOREACH (folder, s->searched) {
                auto_free char *path = path_join(*folder, x->path, NULL);

                r = path ? load_path(s, path, x->id) : -ENOMEM;
                if (r != -ENOENT)
                    break;
            }
        }
        /* Inherited ones may be missing, and those that SetCredential= has a fallback for. */
        if (r == -ENOENT && (bare || is_set(s, x->id)))
            continue;
        if (r < 0)
            return fail(s, r, "LoadCredential", x->path);
    }
    return 0;
}

static int import_from(struct store *s, const struct credential *x, const char *folder)
{
    DIR *dir = opendir(folder);
    int r = 0;

    for (struct dirent *e = dir ? readdir(dir) : NULL; e && r >= 0; e = readdir(dir)) {
        struct stat st;

        if (e->d_name[0] == '.' || fnmatch(x->id, e->d_name, FNM_NOESCAPE) != 0)
            continue;
        auto_free char *path = path_join(folder, e->d_name, NULL);
        auto_free char *name = NULL;
        size_t fixed = strcspn(x->id, "*?[");
        /* Renamed: what the pattern matched behind its fixed part is kept. */
        name = x->path ? format("%s%s", x->path,
                                strlen(e->d_name) >= fixed && x->id[fixed] ? e->d_name + fixed : "")
                       : strdup(e->d_name);
        if (!path || !name)
            r = -ENOMEM;
        else if (!is_stored(s, name) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
            r = load_file(s, path, name, &st);
    }
    if (dir)
        closedir(dir);
    return r;
}

static int import_all(struct store *s)
{
    for (const struct credential *x = s->c->sandbox->import_credential; x; x = x->next)
        STRV_FOREACH (folder, s->searched) {
            int r = import_from(s, x, *folder);
            if (r < 0)
                return fail(s, r, "ImportCredential", x->id);
        }
    return 0;
}

static int set_all(struct store *s)
{
    for (const struct credential *x = s->c->sandbox->set_credential; x; x = x->next) {
        if (is_stored(s, x->id))
            continue;
        int r = store_one(s, x->id, x->data ? x->data->bytes : "", x->data ? x->data->length : 0);
        if (r < 0)
            return fail(s, r, "SetCredential", x->id);
    }
    return 0;
}

static int fill(struct store *s)
{
    const char *own = getenv("CREDENTIALS_DIRECTORY");

    if ((own && strv_add(&s->searched, own) < 0) ||
        strv_add(&s->searched, "/run/credentials/@system") < 0 ||
        strv_add(&s->searched, "/etc/credstore") < 0 ||
        strv_add(&s->searched, "/run/credstore") < 0 ||
        strv_add(&s->searched, "/usr/local/lib/credstore") < 0 ||
        strv_add(&s->searched, "/usr/lib/credstore") < 0)
        return fail(s, -ENOMEM, NULL, NULL);
    int r = load_all(s);
    if (r >= 0)
        r = import_all(s);
    if (r >= 0)
        r = set_all(s);
    if (r < 0)
        return r;
    r = grant(s->c, s->dir, 0500);
    return r < 0 ? fail(s, r, "LoadCredential", NULL) : 0;
}

/* ---- where they go ---- */

/* Memory that is never swapped out: tmpfs without swap, or ramfs. A detached mount. */
static int open_memory(const char *type, bool no_swap)
{
    auto_close int fs = (int) syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */);

    if (fs < 0)
        return -errno;
    if (syscall(SYS_fsconfig, fs, CONFIG_STRING, "mode", "0700", 0) < 0)
        return -errno;
    if (no_swap && (syscall(SYS_fsconfig, fs, CONFIG_STRING, "size", "1048576", 0) < 0 ||
                    syscall(SYS_fsconfig, fs, CONFIG_STRING, "nr_inodes", "1024", 0) < 0 ||
                    syscall(SYS_fsconfig, fs, CONFIG_FLAG, "noswap", NULL, 0) < 0))
        return -errno;
    if (syscall(SYS_fsconfig, fs, CONFIG_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = (int) syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */,
                           MOUNT_ATTRS | MOUNT_ATTR_NOSYMFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int in_memory(struct store *s, const char *path)
{
    int r = open_memory("tmpfs", true);

    if (r < 0)
        r = open_memory("ramfs", false);
    if (r < 0)
        return r;
    auto_close int mount_fd = r;
    s->dir = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0)
        return fail(s, -errno, "LoadCredential", path);
    r = fill(s);
    s->dir = close_fd(s->dir);
    if (r < 0)
        return r;
    char proc[64];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", mount_fd);
    r = mount_add_flags(proc, MS_RDONLY, 0);
    if (r >= 0)
        r = mount_attach(mount_fd, path);
    return r < 0 ? fail(s, r, "LoadCredential", path) : 0;
}

static int in_folder(struct store *s, const char *path)
{
    s->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->dir < 0)
        return fail(s, -errno, "LoadCredential", path);
    int r = fill(s);
    s->dir = close_fd(s->dir);
    if (r < 0)
        (void) remove_all(path);
    return r;
}

static char *credentials_path(const struct spawn_manager *m, const char *unit)
{
    return path_join(m->runtime_prefix, "credentials", unit, NULL);
}

static bool has_credentials(const struct sandbox_config *s)
{
    return s->set_credential || s->load_credential || s->import_credential;
}

int child_make_credentials(struct child *c)
{
    struct store s = { .c = c, .dir = -1, .left = CREDENTIALS_MAX };
    struct stat st;

    if (!has_credentials(c->sandbox))
        return 0;
    child_step(c, EXEC_STATUS_CREDENTIALS);
    char *path = credentials_path(c->manager, c->request->unit);
    if (!path)
        return child_fail(c, EXEC_STATUS_CREDENTIALS, -ENOMEM, NULL, NULL);
    c->credentials_path = path;
    /* An earlier command of this invocation has made them. */
    if (stat(path, &st) == 0 && (st.st_mode & 07707) == 0500)
        return 0;
    mode_t mask = umask(0022);
    int r = mkdir_parents(path, 0755);
    if (r >= 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
        r = -errno;
    umask(mask);
    if (r < 0)
        return child_fail(c, EXEC_STATUS_CREDENTIALS, r, "LoadCredential", path);

    r = in_memory(&s, path);
    if (r < 0 && c->failure.error == 0)
        r = in_folder(&s, path);
    strv_free(s.searched);
    return r;
}

bool credentials_exist(const struct spawn_manager *m, const char *unit)
{
    auto_free char *path = credentials_path(m, unit);

    return path && access(path, F_OK) == 0;
}

void credentials_remove(const struct spawn_manager *m, const char *unit)
{
    auto_free char *path = credentials_path(m, unit);

    if (!path)
        return;
    while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) >= 0)
        ;
    (void) remove_all(path);
}
