/* base/escape.h -- arbitrary strings and paths in unit names (systemd.unit(5), STRING ESCAPING FOR
 * INCLUSION IN UNIT NAMES). All return new strings. */
#pragma once

/* "/" becomes "-"; all but [a-zA-Z0-9:_.] and a "." at the start becomes "\x2d". NULL where memory
 * is out. */
char *name_escape(const char *s);

/* The reverse; "\x00" ends the result, as it does for systemd. Returns 0, -EINVAL for a bad escape,
 * -ENOMEM. */
int name_unescape(const char *s, char **ret);

/* A path: simplified, slashes at its ends dropped, "/" becomes "-". -EINVAL for "..". */
int name_escape_path(const char *path, char **ret);

/* The reverse: an absolute path ("-" gives "/"). -EINVAL for a result that is not normalised. */
int name_unescape_path(const char *s, char **ret);
