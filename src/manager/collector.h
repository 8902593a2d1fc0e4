/* manager/collector.h -- the collector's process: started, and started again when it ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct manager;

/* Makes the client and starts the process. A failure is logged; units run without their output
 * being kept. */
void collector_start(struct manager *m);
/* Of a state that was handed over: starts it where it does not run, and nothing else will. */
void collector_resume(struct manager *m);
/* If that was the collector's process: sees to its restart and returns true. */
bool collector_exited(struct manager *m, pid_t pid, int code, int status);
/* Ends it: it takes in what is left, bounded by a second. */
void collector_stop(struct manager *m);
