/* base/access.h -- may that user do this to that file, and which component of the path forbids it.
 *
 * Evaluates path_resolution(7), the mode bits, POSIX access lists (acl(5)) and the capabilities
 * that override them (capabilities(7)) for an identity, without becoming it. What cannot be seen
 * from outside (security modules, network file systems' own rules) is not judged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACCESS_READ = 4, ACCESS_WRITE = 2, ACCESS_EXECUTE = 1 };

struct identity {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary */
    size_t n_groups;
    uint64_t capabilities; /* effective set, bit CAP_x */
};

enum access_verdict {
    ACCESS_OK,
    ACCESS_MISSING,       /* a component does not exist */
    ACCESS_DANGLING,      /* a symbolic link on the way points at nothing */
    ACCESS_NOT_DIRECTORY, /* a component above the last is no folder */
    ACCESS_NO_SEARCH,     /* a folder on the way has no x for the identity */
    ACCESS_NO_PERMISSION, /* the last component lacks a wanted bit */
    ACCESS_READ_ONLY,     /* writing is wanted, the file system is mounted read-only */
    ACCESS_NO_EXEC,       /* executing is wanted, the file system is mounted noexec */
    ACCESS_LOOP,          /* too many symbolic links */
    ACCESS_ERROR,         /* the look itself failed: `error` */
    ACCESS_VERDICT_MAX,
};

struct access_result {
    enum access_verdict verdict;
    int error;    /* the errno the program would get: ENOENT, EACCES, EROFS, ...; 0 if ok */
    char *object; /* the component that decided: for ACCESS_OK the whole resolved path */
    mode_t mode;  /* its mode, owner and group; all 0 for what is missing */
    uid_t uid;
    gid_t gid;
    bool acl;                  /* it has an access list with named entries */
    int missing_bits;          /* ACCESS_* bits that were wanted there and are not granted */
    unsigned long mount_flags; /* ST_RDONLY, ST_NOEXEC ... (statvfs(3)) of the resolved path */
};

void access_result_done(struct access_result *r);

/* Whether `who` may use `path` (absolute, or relative to the current folder) in the ways `want`
 * (ACCESS_* bits, 0 for mere existence), symbolic links followed. `root` stands for / (NULL: /).
 * Needs to be run as somebody who can see the path. Returns 0 with the verdict in *ret, which the
 * caller clears by access_result_done(), or -ENOMEM. */
int access_evaluate(const char *root, const char *path, const struct identity *who, int want,
                    struct access_result *ret);

/* The tags of entries in the attribute system.posix_acl_access (the kernel's posix_acl.h, which it
 * does not export). */
enum acl_tag {
    ACL_TAG_USER_OBJ = 1,
    ACL_TAG_USER = 2,
    ACL_TAG_GROUP_OBJ = 4,
    ACL_TAG_GROUP = 8,
    ACL_TAG_MASK = 16,
    ACL_TAG_OTHER = 32
};

/* Makes it the file's access list that its owner, its group and one more user have these bits
 * (0 to 7), and others none. Returns 0, or a negative errno (-EOPNOTSUPP: the file system has no
 * access lists). */
int access_list_set(int fd, unsigned owner, unsigned group, uid_t uid, unsigned user);

/* What a file of this mode and ownership, with the access list `acl` of `acl_size` bytes as the
 * kernel's system.posix_acl_access attribute holds it (NULL: none), grants: ACCESS_* bits.
 * The algorithm is acl(5), ACCESS CHECK ALGORITHM, then CAP_DAC_OVERRIDE and
 * CAP_DAC_READ_SEARCH. */
int access_granted(mode_t mode, uid_t uid, gid_t gid, const void *acl, size_t acl_size,
                   const struct identity *who);

/* "rwx" for the bits. */
const char *access_bits_text(int bits);
/* A word for the verdict ("not-searchable"). */
const char *access_verdict_name(enum access_verdict v);
