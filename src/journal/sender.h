/* journal/sender.h -- what is known of the processes that log: the trusted fields of
 * systemd.journal-fields(7).
 *
 * /proc is read once a process, and again when what is known is older than a second (the program
 * may have called execve()). What is known outlives the process for a while, so that what it wrote
 * last is still told apart. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/map.h"
#include "base/time.h"
#include "journal/field.h"

/* Of an entry whose sender had ended before it was read: what is said of it is what was known of
 * that process, or is missing. */
#define SENDER_GONE "_REEVE_SENDER_GONE"

struct sender {
    pid_t pid;
    uid_t uid;
    uint64_t identity;        /* inode of its pidfd, which no other process has; 0: not known */
    usec_t read_at, used_at;  /* CLOCK_MONOTONIC */
    bool gone;                /* /proc had nothing of it the last time */
    bool marked;              /* as such, in `self` */
    struct field_group self;  /* _PID, _UID, _GID, _COMM, _EXE, _CMDLINE, _CAP_EFFECTIVE ... */
    struct field_group place; /* _SYSTEMD_CGROUP, _SYSTEMD_UNIT, _SYSTEMD_SLICE, ... */
    char *unit;               /* by its cgroup, or told by sender_place() */
};

struct senders {
    struct map by_pid;
    /* Called where a process's unit has to be found out: the cgroup path, or NULL. It fills
     * `place` and `unit`. */
    void (*place)(struct sender *s, const char *cgroup, void *userdata);
    /* A pidfd of the process that has sent what is being looked at (SCM_PIDFD, Linux 6.5), the
     * caller's; -1 where there is none. A process with its number may be another one by now. */
    int (*pidfd)(void *userdata);
    void *userdata;
};

void senders_done(struct senders *all);

/* What is known of the process with these credentials; NULL for pid 0 or where memory is out. Valid
 * until the next call. */
struct sender *sender_get(struct senders *all, const struct ucred *who, usec_t now);

/* Takes a cgroup path apart as systemd names them: the unit (the last component that is a unit and
 * no slice) and the slice above it; with user managers, the unit is user@UID.service and the
 * user's own unit is in ret_user_unit. What there is none of is NULL. Returns 0 or -ENOMEM. */
struct cgroup_place {
    char *unit, *slice, *user_unit, *user_slice, *session;
    uid_t owner; /* (uid_t) -1: none */
};
int cgroup_place_parse(const char *cgroup, struct cgroup_place *ret);
void cgroup_place_done(struct cgroup_place *p);
