/* manager/helper.h -- the manager's own helper processes: this program, under another verb. */
#pragma once

#include <sys/types.h>

/* Forks and executes it with these arguments (argv[0] included) and this environment (NULL: ours),
 * with default signals and in a process group of its own. `fd` (-1: none) stays open in it. Returns
 * the pid or a negative errno. */
pid_t manager_start_helper(char **argv, char **environment, int fd);
