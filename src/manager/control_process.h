/* manager/control_process.h -- the one command at a time that a unit other than a service runs.
 *
 * Services have two processes and a record of each (service.h); sockets have this. The unit's
 * child_exited() is told of the end, and control_process_exited() says what it means. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "manager/service_state.h"
#include "manager/unit.h"

struct exec_command;
struct spawn_runtime;

/* Zero-initialise. */
struct control_process {
    struct unit *unit;
    pid_t pid;                          /* 0: none */
    const struct exec_command *command; /* that it runs; NULL after a hand-over */
    const char *directive;              /* "ExecStartPre": a static string */
    struct event_source *report_source;
    struct spawn_report *report; /* until the command is executed, or failed to be */
    int report_fd;
    pid_t cleaner;                 /* removes what the commands leave behind; 0 */
    struct spawn_runtime *runtime; /* what the commands share, until control_process_clean() */
};

/* Runs the command of the list `directive`, with more variables (NULL: none), and with the
 * descriptors passed if there are any; one that ran before is forgotten. 0 or a negative errno
 * (logged). */
int control_process_start(struct control_process *c, struct unit *u,
                          const struct exec_command *command, const char *directive,
                          char *const *environment, const int *fds, char *const *fd_names,
                          size_t n_fds);
/* Its end is of no interest any more. */
void control_process_forget(struct control_process *c);
/* It has ended: says so. RESULT_SUCCESS, also for a command whose failure is to be ignored,
 * RESULT_EXIT_CODE, RESULT_SIGNAL, RESULT_CORE_DUMP. */
enum service_result control_process_exited(struct control_process *c, int code, int status);
/* The unit has come to rest: folders that its commands leave behind are removed by a child, whose
 * end control_process_cleaned() takes: whether that was it. */
void control_process_clean(struct control_process *c);
bool control_process_cleaned(struct control_process *c, pid_t pid);
