/* diagnose/observe.h -- a program run for a moment, to see what it does: which ports it holds, what
 * it writes to, whether it stays, says that it is ready, or leaves a daemon behind. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/time.h"

struct observation {
    bool exited;      /* the first process ended by itself */
    int code, status; /* as waitid(2) has them, if it did */
    bool daemon;      /* it left processes behind */
    bool ready;       /* READY=1 came */
    bool other_users; /* some of its processes changed their user */
    unsigned *ports;  /* TCP, ends with 0 */
    char **writes;    /* files that were open for writing */
    char *pid_file;   /* below /run, with the pid of one of its processes; NULL */
};
void observation_done(struct observation *o);

/* Runs argv as that user (uid 0 with a root caller: as we are) in `directory` (NULL: here) for as
 * long as `duration`, or until it has ended, then ends all of its processes. Its output goes to our
 * standard error. Takes over the reaping of children in this process. Returns 0 or a negative
 * errno; -ENOEXEC, -ENOENT, -EACCES are those of execve(). */
int observe(char *const *argv, uid_t uid, gid_t gid, const char *directory, usec_t duration,
            struct observation *ret);
