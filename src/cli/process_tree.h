/* cli/process_tree.h -- processes below their cgroups, as `status` draws them. */
#pragma once

#include <stddef.h>

#include <jansson.h>

/* Draws the tree: `processes` is an array of {cgroup, pid, command} objects (ListProcesses), whose
 * cgroups are paths below the root of the tree. Each line begins with `indent` blanks and is cut to
 * `width` cells. */
void process_tree_print(const json_t *processes, size_t indent, size_t width);
