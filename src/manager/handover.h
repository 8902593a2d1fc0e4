/* manager/handover.h -- state from one manager process to the next (docs/architecture.md, "State
 * survives").
 *
 * The next process finds the number of a memfd in its environment, and all descriptors open. */
#pragma once

#include "manager/manager.h"

struct state_writer;

/* Takes up what an earlier process left: 1 if there was something, 0 if not, negative errno. Waits
 * some seconds for memory where that is out. */
int manager_take_over(struct manager *m);

/* The whole state in a new memfd, the caller's. 0 or a negative errno. */
int manager_save(struct manager *m, int *ret_fd);
/* Parts of it, for the checkpoint (checkpoint.h): a block of one unit, and that of the manager. */
void manager_save_unit(struct unit *u, struct state_writer *w);
void manager_save_head(struct manager *m, struct state_writer *w);

/* Whether there is anything to save of it. */
bool manager_unit_is_worth_saving(const struct unit *u);

/* Whether this program can read that state: 0 or a negative errno. In a trial run. */
int manager_check_state(int fd);

/* The file that a manager beside another init keeps its state in, open and locked, so that there is
 * one such manager. -ENOENT where there is none and `create` is not set; -EBUSY where another
 * manager has it; other negative errno. */
int manager_open_state_file(struct manager *m, bool create);

/* The path that this program was started from. */
const char *manager_program(void);

/* Replaces this process by a new one with the same arguments. Returns only where that failed, a
 * negative errno. */
int manager_exec_again(struct manager *m);
