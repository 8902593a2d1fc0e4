/* base/fd.h -- file descriptors with one owner each, and whole files. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/macro.h"

/* Closes what the variable holds, if it is not negative, at the end of its scope; keeps errno. */
#define auto_close _cleanup_(auto_close_p)
void auto_close_p(int *fd);
#define auto_fclose _cleanup_(auto_fclose_p)
void auto_fclose_p(FILE **f);
#define auto_closedir _cleanup_(auto_closedir_p)
void auto_closedir_p(DIR **d);

/* Closes fd unless negative; keeps errno; returns -1 to be assigned to the variable. */
int close_fd(int fd);

/* Hands the descriptor over: the variable is -1 afterwards. */
#define take_fd(p) \
    ({ \
        int *take_p = (p); \
        int take_v = *take_p; \
        *take_p = -1; \
        take_v; \
    })

/* Writes all n bytes to a blocking descriptor, going on after EINTR and short writes.
 * Returns 0 or a negative errno. */
int fd_write_all(int fd, const void *data, size_t n);

/* Sets or clears O_NONBLOCK (of the open file, so never on an inherited descriptor) and FD_CLOEXEC.
 */
int fd_nonblock(int fd, bool on);
int fd_cloexec(int fd, bool on);

/* Reads a whole regular, /proc or /sys file, at most `max` bytes (-EFBIG past it), following
 * symbolic links. *ret_data is NUL-terminated and the caller's; *ret_size may be NULL (then a NUL
 * byte in the file is kept and cannot be told). Does not block on a FIFO. */
int file_read(const char *path, size_t max, char **ret_data, size_t *ret_size);
int file_read_at(int dir_fd, const char *path, size_t max, char **ret_data, size_t *ret_size);
int fd_read_whole(int fd, size_t max, char **ret_data, size_t *ret_size);

/* The first line of a small file without its newline (for /proc and /sys). */
int file_read_line(const char *path, char **ret_line);

/* Writes a string to an existing file (for /proc, /sys and cgroup files): one write(). */
int file_write(const char *path, const char *text);
int file_write_at(int dir_fd, const char *path, const char *text);

/* Writes a new file beside `path` and renames it over it, so that readers see the old or the new
 * whole. `mode` as for open(2). */
int file_replace(const char *path, const void *data, size_t n, mode_t mode);

/* Makes a folder and those above it that are missing, with `mode` (umask applies). An existing
 * folder is fine. mkdir_parents() makes only what is above the last component. */
int mkdir_all(const char *path, mode_t mode);
int mkdir_parents(const char *path, mode_t mode);

/* Deletes a file or a folder with all below it, never following a symbolic link and never crossing
 * to another file system. A missing path is no error. Returns the first error met, having deleted
 * what it could. */
int remove_all(const char *path);

/* The target of a symbolic link; the caller frees it. */
int readlink_alloc(const char *path, char **ret);
