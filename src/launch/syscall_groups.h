/* launch/syscall_groups.h -- the @groups of SystemCallFilter=. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The members of "@group", names and other groups, each followed by a NUL and the last one by
 * another; NULL if there is no such group. Walk it with NULSTR_FOREACH. */
const char *syscall_group(const char *name);

/* Whether it is the name of a call, in a group or not, that systemd shows: libseccomp has no number
 * for some of those that few machines have. */
bool syscall_is_shown(const char *name);

/* The names of the groups, from 0 on; NULL at the end. */
const char *syscall_group_name(size_t i);
/* What the calls of such a group do, in a few words. */
const char *syscall_group_summary(size_t i);

#define NULSTR_FOREACH(s, list) for (const char *s = (list); s && *s; s += strlen(s) + 1)
