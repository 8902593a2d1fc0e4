/* launch/holder.h -- the holder: parent and subreaper of one command and of all it leaves behind.
 *
 * The process that the manager forks for a command becomes the holder: it makes itself a subreaper,
 * forks the command (which so has the manager's memory with the plan in it), and then replaces
 * itself by this program in its smallest form: `reeve` under the name HOLDER_NAME. It lives until
 * the last descendant is gone. It survives the manager: then it waits at its socket in the
 * manager's runtime folder for the next one. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define HOLDER_NAME "reeve-holder"

/* The socket that the holder (the calling process) is found by again: made before the manager hears
 * of it, so that there is no moment at which it cannot be found. A listening descriptor, or -1
 * where that is not to be had: then a holder that loses its manager is on its own. */
int holder_listen(const char *dir);

/* What main() calls before anything else if argv[0] is HOLDER_NAME: does not return while a
 * descendant lives. Returns the exit status. */
int holder_main(int argc, char *argv[]);

/* Messages, one a datagram of the SOCK_SEQPACKET socket. */
enum holder_verb {
    /* holder to manager */
    HOLDER_STARTED, /* pid: the command; its pidfd is attached */
    HOLDER_EXITED,  /* pid, code, status: a watched child is a zombie now */
    HOLDER_EMPTY,   /* no descendant is left; the holder ends when its socket is closed */
    HOLDER_UNIT,    /* sent to a manager that connects: followed by the unit's name */
    /* manager to holder */
    HOLDER_WATCH, /* pid: report its end as well */
    HOLDER_REAP,  /* pid: the zombie may go */
    HOLDER_VERB_MAX,
};

struct holder_message {
    int verb; /* enum holder_verb */
    pid_t pid;
    int code, status;
};

/* The descendants of a process, from /proc/PID/task/TID/children where the kernel has it, else by
 * the parents in all of /proc. The array is the caller's, and does not hold `of` itself. */
int holder_descendants(pid_t of, pid_t **ret_pids, size_t *ret_n);
/* Whether pid descends from `of`: 1, 0, or a negative errno (-ESRCH: no such process). */
int holder_is_descendant(pid_t of, pid_t pid);
