/* diagnose/trace-filter.h -- the seccomp filter that stops a program at the calls of
 * trace-calls.def, and at no other. trace_filter_install() is in trace.h. */
#pragma once

#include <sys/types.h>

/* What a filtered call hands to the tracer, to be told from a filter of the program's own. */
#define TRACE_COOKIE 0x7265

/* Whether the process could install it, and nothing that it may do would be hidden by a filter of
 * its own, which outranks ours. */
int trace_filter_fits(pid_t pid);

/* Lets a thread that is stopped at the end of its execve(2) install the filter, before its program
 * begins; it is stopped as before then. Signals that come meanwhile are sent again.
 *
 * Returns 0; -EOPNOTSUPP on other machines than x86-64 and for 32-bit programs; what seccomp(2)
 * says; or -EINTR where another event came in between, whose wait status is in *ret_status then and
 * is still to be handled. */
int trace_filter_inject(pid_t pid, pid_t tid, int *ret_status);
