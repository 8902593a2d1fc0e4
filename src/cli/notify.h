/* cli/notify.h -- what the verbs share that talk to the service manager's notification socket. */
#pragma once

/* A datagram socket connected to $NOTIFY_SOCKET's address (a path, or "@" and an abstract name);
 * CLOEXEC, the caller's. Returns 0, -EPROTO for other kinds of addresses, a negative errno.
 */
int notify_connect(const char *address, int *ret);
