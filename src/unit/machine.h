/* unit/machine.h -- how much of it there is: what percentages of memory and tasks refer to. */
#pragma once

#include <stdint.h>

/* Bytes of memory: what the machine has, or the limit of the cgroup at the top of the visible tree
 * where that is less. */
uint64_t machine_memory(void);

/* The most tasks that can exist: the least of kernel.pid_max, kernel.threads-max and the pids.max
 * of the cgroup at the top of the visible tree. */
uint64_t machine_tasks(void);

/* Processors that this process may run on. */
unsigned machine_cpus(void);
