/* base/names.h -- signals and errors by name. */
#pragma once

/* signal(7). From "TERM", "SIGTERM", "15", "RTMIN", "RTMIN+3", "RTMAX-1". Returns the number, or
 * -EINVAL, or -ERANGE where there is no such real-time signal. */
int signal_from_name(const char *name);

/* "TERM" for SIGTERM (no SIG before it), "RTMIN+3" for real-time signals, the number for any
 * other. The text stays valid for the life of the process. */
const char *signal_name(int signo);

/* errno(3). "ENOENT" for 2 (a negative errno is taken as well), or NULL. */
const char *errno_name(int error);

/* From "ENOENT", or a number up to 4095. Returns the positive number, or -EINVAL. Both names of
 * one number are known (EWOULDBLOCK, EDEADLOCK, ENOTSUP). */
int errno_from_name(const char *name);
