/* launch/dynamic_user.c -- DynamicUser=: choosing an id that nobody has, and giving it back. */
#include "launch/dynamic_user.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/users.h"
#include "launch/child.h"
#include "launch/pair.h"
#include "launch/runtime.h"

#define DYNAMIC_MIN 61184u
#define DYNAMIC_MAX 65519u
#define TRIES 100
#define LOCK_FOLDER "/run/systemd/dynamic-uid"

static bool is_dynamic(uid_t uid)
{
    return uid >= DYNAMIC_MIN && uid <= DYNAMIC_MAX;
}

static uid_t into_range(uint64_t hash)
{
    return DYNAMIC_MIN + (uid_t) (hash % (DYNAMIC_MAX - DYNAMIC_MIN + 1));
}

/* An id of an account that is there already does not do, whatever the range. */
static bool is_taken(const struct spawn_manager *m, uid_t uid)
{
    struct users_lookup l = { .root = m->root, .files_only = true };
    struct user u = { 0 };
    struct group g = { 0 };

    if (user_find_uid(&l, uid, &u) >= 0) {
        user_done(&u);
        return true;
    }
    if (group_find_gid(&l, uid, &g) >= 0) {
        group_done(&g);
        return true;
    }
    return false;
}

static void write_links(uid_t uid, const char *name)
{
    char number[16], path[512];

    snprintf(number, sizeof number, "%u", uid);
    snprintf(path, sizeof path, LOCK_FOLDER "/direct:%u", uid);
    (void) unlink(path);
    (void) symlink(name, path);
    snprintf(path, sizeof path, LOCK_FOLDER "/direct:%s", name);
    (void) unlink(path);
    (void) symlink(number, path);
}

/* The lock is the claim: held as long as any descriptor of it is open. A descriptor, or -EBUSY. */
static int claim(const struct spawn_manager *m, uid_t uid, const char *name)
{
    struct stat ours, there;
    char path[64];

    snprintf(path, sizeof path, LOCK_FOLDER "/%u", uid);
    for (int i = 0; i < 10; i++) {
        auto_close int fd = open(path, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
        /* Unlinked by its last owner between the open and the lock: once more. */
        if (fstat(fd, &ours) < 0 || stat(path, &there) < 0 || ours.st_ino != there.st_ino)
            continue;
        if (is_taken(m, uid)) {
            (void) unlink(path);
            return -EBUSY;
        }
        auto_free char *line = format("%s\n", name);
        if (!line || ftruncate(fd, 0) < 0 || fd_write_all(fd, line, strlen(line)) < 0) {
            (void) unlink(path);
            return -EIO;
        }
        write_links(uid, name);
        return take_fd(&fd);
    }
    return -EBUSY;
}

/* Who owns the folders that the service left: the same id again saves changing their owner. */
static uid_t earlier_owner(const struct child *c, unsigned n)
{
    for (int k = 0; k < DIRECTORY_KIND_MAX; k++) {
        const char *prefix = directory_prefix(c->manager, (enum directory_kind) k);

        for (const struct exec_directory *d = directory_list(c->exec, (enum directory_kind) k);
             d && prefix; d = d->next) {
            auto_free char *path = format("%s%s/private/%s", strempty(c->manager->root), prefix,
                                          d->path);
            struct stat st;

            if (path && stat(path, &st) == 0 && is_dynamic(st.st_uid) && n-- == 0)
                return st.st_uid;
        }
    }
    return (uid_t) -1;
}

static int choose(struct child *c, const char *name, uid_t *ret)
{
    static const uint8_t key[16] = "reeve-user-hash";
    int r = mkdir_all(LOCK_FOLDER, 0755);

    if (r < 0)
        return child_fail(c, EXEC_STATUS_USER, r, "DynamicUser", LOCK_FOLDER);
    for (unsigned i = 0, owners = 0; i < TRIES; i++) {
        uid_t uid = earlier_owner(c, owners++);

        if (uid == (uid_t) -1) {
            uint64_t random = siphash24(name, strlen(name), key);

            if (i > 8)
                (void) getrandom(&random, sizeof random, GRND_NONBLOCK);
            uid = into_range(random + i);
        }
        r = claim(c->manager, uid, name);
        if (r >= 0) {
            *ret = uid;
            return r;
        }
        if (r != -EBUSY)
            return child_fail(c, EXEC_STATUS_USER, r, "DynamicUser", LOCK_FOLDER);
    }
    return child_fail_detail(c, EXEC_STATUS_USER, -EBUSY, "DynamicUser", name,
                             "no free user id between %u and %u was found", DYNAMIC_MIN,
                             DYNAMIC_MAX);
}

static int find_gid(struct child *c, const char *name)
{
    struct users_lookup l = { .root = c->manager->root };
    struct group g = { 0 };

    c->gid = c->uid;
    if (!c->exec->group || streq(c->exec->group, name))
        return 0;
    int r = group_find(&l, c->exec->group, &g);
    if (r == -ESRCH && parse_uid(c->exec->group, &c->gid) >= 0)
        return 0;
    if (r < 0)
        return child_fail(c, EXEC_STATUS_GROUP, r, "Group", c->exec->group);
    c->gid = g.gid;
    return 0;
}

int dynamic_user_acquire(struct child *c)
{
    char *name = c->exec->user ? strdup(c->exec->user) : effective_user_name(c->request->unit);
    struct users_lookup l = { .root = c->manager->root };
    int *pair = c->request->runtime->user;
    struct user u = { 0 };
    uid_t uid = 0;
    size_t n = sizeof uid;

    if (!name)
        return child_fail(c, EXEC_STATUS_USER, -ENOMEM, "DynamicUser", NULL);
    c->user = name;
    c->home = NULL;
    c->has_user = c->has_group = true;
    /* An account of that name that is there already is used as it is. */
    if (user_find(&l, name, &u) >= 0 && !is_dynamic(u.uid)) {
        c->uid = u.uid;
        c->gid = u.gid;
        return c->exec->group ? find_gid(c, name) : 0;
    }

    int r = pair_lock(pair);
    if (r < 0)
        return child_fail(c, EXEC_STATUS_USER, r, "DynamicUser", name);
    auto_close int lock = pair_take_data(pair, &uid, &n);
    if (lock == -EAGAIN)
        lock = choose(c, name, &uid);
    if (lock >= 0) {
        (void) pair_put_data(pair, lock, &uid, sizeof uid);
        c->uid = uid;
        c->dynamic_user = true;
        report_dynamic_user(c->report_fd, uid);
    }
    pair_unlock(pair);
    if (lock < 0)
        return child_fail(c, EXEC_STATUS_USER, lock, "DynamicUser", name);
    return find_gid(c, name);
}

void dynamic_user_release(struct spawn_runtime *r)
{
    uid_t uid = 0;
    size_t n = sizeof uid;
    char path[512], name[256];

    if (r->user[0] < 0)
        return;
    auto_close int lock = pair_take_data(r->user, &uid, &n);
    if (lock < 0)
        return;
    snprintf(path, sizeof path, LOCK_FOLDER "/%u", uid);
    ssize_t k = pread(lock, name, sizeof name - 1, 0);
    (void) unlink(path);
    snprintf(path, sizeof path, LOCK_FOLDER "/direct:%u", uid);
    (void) unlink(path);
    if (k > 1) {
        name[k - 1] = 0;
        snprintf(path, sizeof path, LOCK_FOLDER "/direct:%s", name);
        (void) unlink(path);
    }
}
