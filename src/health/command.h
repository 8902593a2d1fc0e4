/* health/command.h -- runs a program and keeps what it says. Blocks: for children of checks only.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Runs argv (found in $PATH) in a process of its own, which dies with the caller, and waits for it.
 * At most `max` bytes of its standard output and standard error are added to the buffers, which
 * may be the same; NULL: to /dev/null. Returns its wait status, or a negative errno where
 * it could not be executed (-ENOENT, -EACCES ...). */
int command_run(char *const *argv, struct strbuf *out, struct strbuf *errors, size_t max);

/* The service manager's client, reeve's own where its manager runs, else systemctl: `words` behind
 * its name, NULL-terminated. The first line of what it prints is in *ret, the caller's. Returns its
 * exit status, or a negative errno where no manager can be asked. */
int command_ask_manager(const char *const *words, char **ret);
