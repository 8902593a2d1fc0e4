#include "base/access.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

/* As in the kernel (path_resolution(7)). */
#define LINKS_MAX 40

static const char *const verdict_names[] = {
    [ACCESS_OK] = "ok",
    [ACCESS_MISSING] = "missing",
    [ACCESS_DANGLING] = "dangling-link",
    [ACCESS_NOT_DIRECTORY] = "not-a-directory",
    [ACCESS_NO_SEARCH] = "not-searchable",
    [ACCESS_NO_PERMISSION] = "no-permission",
    [ACCESS_READ_ONLY] = "read-only",
    [ACCESS_NO_EXEC] = "noexec",
    [ACCESS_LOOP] = "link-loop",
    [ACCESS_ERROR] = "error",
};
static_assert(ELEMENTSOF(verdict_names) == ACCESS_VERDICT_MAX, "a name for each verdict");

const char *access_verdict_name(enum access_verdict v)
{
    return verdict_names[v];
}

const char *access_bits_text(int bits)
{
    static const char *const texts[] = { "", "x", "w", "wx", "r", "rx", "rw", "rwx" };

    return texts[bits & 7];
}

void access_result_done(struct access_result *r)
{
    free(r->object);
    *r = (struct access_result){};
}

static bool in_group(const struct identity *who, gid_t gid)
{
    if (who->gid == gid)
        return true;
    for (size_t i = 0; i < who->n_groups; i++)
        if (who->groups[i] == gid)
            return true;
    return false;
}

static bool has_capability(const struct identity *who, unsigned capability)
{
    return who->capabilities & UINT64_C(1) << capability;
}

int access_list_set(int fd, unsigned owner, unsigned group, uid_t uid, unsigned user)
{
    struct {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[5];
    } list = { { htole32(POSIX_ACL_XATTR_VERSION) },
               { { htole16(ACL_TAG_USER_OBJ), htole16((uint16_t) owner), UINT32_MAX },
                 { htole16(ACL_TAG_USER), htole16((uint16_t) user), htole32(uid) },
                 { htole16(ACL_TAG_GROUP_OBJ), htole16((uint16_t) group), UINT32_MAX },
                 { htole16(ACL_TAG_MASK), htole16((uint16_t) (group | user)), UINT32_MAX },
                 { htole16(ACL_TAG_OTHER), 0, UINT32_MAX } } };

    return fsetxattr(fd, "system.posix_acl_access", &list, sizeof list, 0) < 0 ? -errno : 0;
}

/* The mask limits everything but the owner's and the others' entries. */
static int granted_by_acl(const struct posix_acl_xattr_entry *e, size_t n, uid_t uid, gid_t gid,
                          const struct identity *who)
{
    int mask = 7, other = 0, groups = 0, owner = 0, named = -1;
    bool in_any_group = false;

    for (size_t i = 0; i < n; i++) {
        int perm = le16toh(e[i].e_perm) & 7;
        uint32_t id = le32toh(e[i].e_id);

        switch (le16toh(e[i].e_tag)) {
        case ACL_TAG_USER_OBJ:
            owner = perm;
            break;
        case ACL_TAG_USER:
            if (id == who->uid)
                named = perm;
            break;
        case ACL_TAG_GROUP_OBJ:
        case ACL_TAG_GROUP:
            if (in_group(who, le16toh(e[i].e_tag) == ACL_TAG_GROUP ? id : gid)) {
                in_any_group = true;
                groups |= perm;
            }
            break;
        case ACL_TAG_MASK:
            mask = perm;
            break;
        case ACL_TAG_OTHER:
            other = perm;
            break;
        }
    }
    if (who->uid == uid)
        return owner;
    if (named >= 0)
        return named & mask;
    return in_any_group ? groups & mask : other;
}

int access_granted(mode_t mode, uid_t uid, gid_t gid, const void *acl, size_t acl_size,
                   const struct identity *who)
{
    const struct posix_acl_xattr_header *header = acl;
    int bits;

    if (acl && acl_size > sizeof *header && le32toh(header->a_version) == POSIX_ACL_XATTR_VERSION)
        bits = granted_by_acl((const void *) (header + 1),
                              (acl_size - sizeof *header) / sizeof(struct posix_acl_xattr_entry),
                              uid, gid, who);
    else if (who->uid == uid)
        bits = mode >> 6 & 7;
    else
        bits = (in_group(who, gid) ? mode >> 3 : mode) & 7;

    if (has_capability(who, CAP_DAC_READ_SEARCH))
        bits |= ACCESS_READ | (S_ISDIR(mode) ? ACCESS_EXECUTE : 0);
    if (has_capability(who, CAP_DAC_OVERRIDE)) {
        bits |= ACCESS_READ | ACCESS_WRITE;
        if (S_ISDIR(mode) || (mode & 0111))
            bits |= ACCESS_EXECUTE;
    }
    return bits;
}

/* A resolution under way: what is resolved so far (below root), and what is left of the path. */
struct walk {
    const char *root;
    const struct identity *who;
    char *done, *rest;
    unsigned links;
    size_t tail; /* how much of `rest` stood behind the last link: less is left once its target is
                    passed */
};

static void walk_done(struct walk *w)
{
    free(w->done);
    free(w->rest);
}

static char *real_path(const struct walk *w, const char *path)
{
    return isempty(w->root) ? strdup(path) : path_join(w->root, path, NULL);
}

/* What the identity gets at real path `path`, whose stat is *st. */
static int granted_at(const char *path, const struct stat *st, const struct identity *who,
                      bool *ret_acl)
{
    char acl[4096];
    ssize_t n = getxattr(path, "system.posix_acl_access", acl, sizeof acl);

    *ret_acl = n > 0;
    return access_granted(st->st_mode, st->st_uid, st->st_gid, n > 0 ? acl : NULL,
                          n > 0 ? (size_t) n : 0, who);
}

static int conclude(struct access_result *ret, enum access_verdict verdict, int error,
                    const char *object, const struct stat *st)
{
    if (!(ret->object = strdup(object)))
        return -ENOMEM;
    ret->verdict = verdict;
    ret->error = error;
    if (st) {
        ret->mode = st->st_mode;
        ret->uid = st->st_uid;
        ret->gid = st->st_gid;
    }
    return 1;
}

static int conclude_errno(struct access_result *ret, int error, const char *object)
{
    enum access_verdict verdict = error == ENOENT    ? ACCESS_MISSING
                                  : error == ENOTDIR ? ACCESS_NOT_DIRECTORY
                                                     : ACCESS_ERROR;

    return conclude(ret, verdict, error, object, NULL);
}

/* Puts the target of the link at `path` before what is left to resolve. */
static int follow(struct walk *w, const char *path, struct access_result *ret)
{
    auto_free char *target = NULL;

    if (++w->links > LINKS_MAX)
        return conclude(ret, ACCESS_LOOP, ELOOP, path, NULL);
    int r = readlink_alloc(path, &target);
    if (r < 0)
        return r == -ENOMEM ? r : conclude_errno(ret, -r, path);

    char *rest = *w->rest ? path_join(target, w->rest, NULL) : strdup(target);
    if (!rest)
        return -ENOMEM;
    w->tail = strlen(w->rest);
    free(w->rest);
    w->rest = rest;
    return path_is_absolute(target) ? str_replace(&w->done, "/") : 0;
}

/* Resolves the next component. Returns 1 when a verdict was reached, 0 to go on, or -ENOMEM. */
static int step(struct walk *w, struct access_result *ret)
{
    auto_free char *folder = real_path(w, w->done);
    struct stat st;

    if (!folder)
        return -ENOMEM;
    if (stat(folder, &st) < 0)
        return conclude_errno(ret, errno, w->done);
    if (!S_ISDIR(st.st_mode))
        return conclude(ret, ACCESS_NOT_DIRECTORY, ENOTDIR, w->done, &st);
    if (!(granted_at(folder, &st, w->who, &ret->acl) & ACCESS_EXECUTE)) {
        ret->missing_bits = ACCESS_EXECUTE;
        return conclude(ret, ACCESS_NO_SEARCH, EACCES, w->done, &st);
    }

    char *begin = w->rest + strspn(w->rest, "/");
    size_t n = strcspn(begin, "/");
    auto_free char *name = memdup0(begin, n);
    char *rest = strdup(begin + n + strspn(begin + n, "/"));
    if (!name || !rest) {
        free(rest);
        return -ENOMEM;
    }
    free(w->rest);
    w->rest = rest;

    if (streq(name, "."))
        return 0;
    if (streq(name, "..")) {
        char *slash = strrchr(w->done, '/');

        slash[slash == w->done] = 0;
        return 0;
    }
    auto_free char *next = path_join(w->done, name, NULL);
    auto_free char *path = next ? real_path(w, next) : NULL;
    if (!path)
        return -ENOMEM;
    if (lstat(path, &st) < 0)
        return w->links > 0 && errno == ENOENT && strlen(w->rest) >= w->tail
                   ? conclude(ret, ACCESS_DANGLING, ENOENT, next, NULL)
                   : conclude_errno(ret, errno, next);
    if (S_ISLNK(st.st_mode))
        return follow(w, path, ret);
    return str_replace(&w->done, next);
}

static int judge_last(struct walk *w, int want, struct access_result *ret)
{
    auto_free char *path = real_path(w, w->done);
    struct stat st;
    struct statvfs fs;

    if (!path)
        return -ENOMEM;
    if (stat(path, &st) < 0)
        return conclude_errno(ret, errno, w->done);
    ret->missing_bits = want & ~granted_at(path, &st, w->who, &ret->acl);
    if (statvfs(path, &fs) == 0)
        ret->mount_flags = fs.f_flag;
    if (ret->missing_bits)
        return conclude(ret, ACCESS_NO_PERMISSION, EACCES, w->done, &st);
    bool device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) || S_ISFIFO(st.st_mode) ||
                  S_ISSOCK(st.st_mode);
    if ((want & ACCESS_WRITE) && (ret->mount_flags & ST_RDONLY) && !device)
        return conclude(ret, ACCESS_READ_ONLY, EROFS, w->done, &st);
    if ((want & ACCESS_EXECUTE) && S_ISREG(st.st_mode) && (ret->mount_flags & ST_NOEXEC))
        return conclude(ret, ACCESS_NO_EXEC, EACCES, w->done, &st);
    return conclude(ret, ACCESS_OK, 0, w->done, &st);
}

int access_evaluate(const char *root, const char *path, const struct identity *who, int want,
                    struct access_result *ret)
{
    _cleanup_(walk_done) struct walk w = { .root = root, .who = who };
    struct access_result result = {};
    char here[PATH_MAX];
    int r = 0;

    w.done = strdup(path_is_absolute(path) || !getcwd(here, sizeof here) ? "/" : here);
    w.rest = strdup(path);
    if (!w.done || !w.rest)
        return -ENOMEM;
    while (r == 0 && w.rest[strspn(w.rest, "/")])
        r = step(&w, &result);
    if (r == 0)
        r = judge_last(&w, want, &result);
    if (r < 0) {
        access_result_done(&result);
        return r;
    }
    *ret = result;
    return 0;
}
