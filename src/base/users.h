/* base/users.h -- users and groups without NSS.
 *
 * The program is linked statically and never calls getpw*() or getgr*(): those would load the NSS
 * modules of whatever C library the machine has. /etc/passwd and /etc/group are read here; what is
 * not in them is asked of getent(1), which may block on the network: it runs as a child process
 * under a deadline. Never call these from the manager's own process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/time.h"

enum users_source {
    USERS_NONE,    /* nobody knew */
    USERS_FILES,   /* /etc/passwd, /etc/group */
    USERS_GETENT,  /* getent(1), that is, the machine's NSS */
    USERS_BUILTIN, /* root and nobody, which need no file */
};

/* Where to look. Zero-initialised: /, files, then getent with 5 s. */
struct users_lookup {
    const char *root; /* folder that stands for /; NULL or "" for /. With one, getent is not
                         asked: it would answer for the machine, not for that folder */
    bool files_only;
    usec_t timeout;           /* of getent; 0 for 5 s */
    enum users_source source; /* written: who answered; on failure, who was asked last */
};

struct user {
    char *name, *home, *shell;
    uid_t uid;
    gid_t gid;
};
struct group {
    char *name;
    char **members;
    gid_t gid;
};
void user_done(struct user *u);
void group_done(struct group *g);

/* By name, or by number where it is one (then -ESRCH for an id without an entry, which callers may
 * accept as a bare id). Return 0; -ESRCH no such user or group; -ETIMEDOUT getent gave no answer in
 * time; -EBADMSG an entry with that name that cannot be read; -ENOMEM. */
int user_find(struct users_lookup *l, const char *name_or_id, struct user *ret);
int user_find_uid(struct users_lookup *l, uid_t uid, struct user *ret);
int group_find(struct users_lookup *l, const char *name_or_id, struct group *ret);
int group_find_gid(struct users_lookup *l, gid_t gid, struct group *ret);

/* The supplementary groups that a login of the user has: `primary` first, then every group that
 * lists the name, without duplicates; from the file and, unless files_only or root, or where
 * nsswitch.conf(5) names no other source, getent initgroups. *ret is the caller's. Returns their
 * number or a negative errno. */
int user_groups(struct users_lookup *l, const char *name, gid_t primary, gid_t **ret);
