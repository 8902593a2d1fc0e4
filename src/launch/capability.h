/* launch/capability.h -- capability sets of the calling process (capabilities(7)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The effective set: whether it has `cap`. */
bool capability_effective(int cap);
uint64_t capability_effective_set(void);

/* Drops from the bounding and the inheritable set what is not in `keep`. What is permitted now
 * stays, until execve(). On failure *ret_refused is the one that could not be dropped. */
int capability_drop_bounding(uint64_t keep, int *ret_refused);

/* Makes the ambient set `set`; with `inherit` it is made inheritable before. */
int capability_set_ambient(uint64_t set, bool inherit, int *ret_refused);

/* Makes permitted and effective what of `keep` is permitted now. */
/* Adds to the inheritable set; what cannot be added is left out. */
void capability_add_inheritable(uint64_t set);
int capability_reduce(uint64_t keep);

/* "CAP_NET_ADMIN", in a buffer of its own until the next call. */
const char *capability_label(int cap);
