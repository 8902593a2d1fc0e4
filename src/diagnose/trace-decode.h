/* diagnose/trace-decode.h -- a system call's numbers and memory as text. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diagnose/trace.h"

struct trace_call {
    const char *name, *arguments; /* see trace-calls.def */
    bool keep;
};

/* All calls; ends with a row whose name is NULL. */
extern const struct trace_call trace_calls[];

/* Reads at most size - 1 bytes of a string in the process; always ends it. Returns its length or a
 * negative errno. */
ssize_t trace_read_string(pid_t tid, uint64_t address, char *text, size_t size);
int trace_read_memory(pid_t tid, uint64_t address, void *to, size_t size);

/* Fills text, path, address and so on of the event from the arguments of the call. What cannot be
 * read is shown as its number. e->pid is set already. Returns 0 or -ENOMEM. */
int trace_decode(pid_t tid, const struct trace_call *call, const uint64_t args[6],
                 struct trace_event *e);
