/* unit/env-file.h -- environment files (systemd.exec(5), EnvironmentFile=), and the like:
 * os-release, machine-info, locale.conf.
 *
 * Shell-like assignments without expansion: comments (#, ;), quotes, backslash escapes, backslash
 * at the end of a line. */
#pragma once

#include <stddef.h>

/* A line that gave no assignment. */
struct env_file_fault {
    unsigned line;
    const char *text; /* what is wrong, a static text */
};

/* Parses `size` bytes and appends "NAME=VALUE" to *env; later assignments of a name replace earlier
 * ones. Lines that are none are skipped; the first n_faults of them are told in `faults` (NULL, 0).
 * *ret_n_faults (may be NULL) counts all. CRLF is accepted. Returns 0, -EBADMSG for a file that
 * is not text (a NUL byte), -ENOMEM; then *env is unchanged. */
int env_file_parse(const char *data, size_t size, char ***env, struct env_file_fault *faults,
                   unsigned n_faults, unsigned *ret_n_faults);

/* The same for a file, at most 16 MiB, below `root` (NULL for /). Negative errno of open and read.
 */
int env_file_read(const char *root, const char *path, char ***env, struct env_file_fault *faults,
                  unsigned n_faults, unsigned *ret_n_faults);

/* The value of one name in the file, a new string; -ENXIO if it is not there. */
int env_file_get(const char *root, const char *path, const char *name, char **ret);

/* Whether the text is a name of an environment variable: letters, digits, "_", no digit first. */
int env_name_is_valid(const char *name);
/* Whether "NAME=VALUE" is an assignment with valid name and printable UTF-8 value (tabs and
 * newlines allowed). */
int env_assignment_is_valid(const char *assignment);
