/* manager/transaction.h -- a set of jobs that is checked as a whole before any of it is queued.
 *
 * It is made from one request, the anchor, by following the dependencies. Then it is reduced: jobs
 * that change nothing go, jobs that contradict each other or close a cycle of the order are dropped
 * if the anchor can do without them, and all that is left is put in place at once, or nothing is.
 */
#pragma once

#include "manager/job.h"

struct op_error;
struct unit;

/* Everything from the request to installed jobs. Returns 0 and the job for the unit in *ret (NULL
 * if none was needed), or a negative errno with *e filled: -EDEADLK (contradicting jobs, or it
 * would replace a job that it may not), -ELOOP (cycle), -EBADR (type not applicable), -ENOENT,
 * -ERFKILL (masked), -ENOEXEC, -EIO (load states), -ENOMEM. */
int transaction_run(enum job_type type, struct unit *u, enum job_mode mode, struct job **ret,
                    struct op_error *e);
