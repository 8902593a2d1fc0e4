/* base/glob.h -- paths that match a pattern.
 *
 * glob(3) would do, but the C library's resolves ~user and so links NSS into a static binary. */
#pragma once

/* All existing paths that match the pattern, sorted: "*", "?" and "[...]" within a component, as
 * glob(7) has them (a leading dot is matched only by a dot); "{a,b}" is expanded first. A pattern
 * without any of these is itself if it exists. *ret is an array of new strings, empty (not NULL) if
 * nothing matches. Returns their number, or -ENOMEM. Folders that cannot be read match nothing. */
int path_glob(const char *pattern, char ***ret);
