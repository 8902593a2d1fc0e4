/* launch/terminal.h -- a service on a terminal (systemd.exec(5), StandardInput=tty, TTYPath=). */
#pragma once

#include <stdbool.h>

enum terminal_mode {
    TERMINAL_WAIT,  /* until whoever has it lets go */
    TERMINAL_FAIL,  /* -EPERM if somebody has it */
    TERMINAL_FORCE, /* take it away */
};

/* Opens a terminal without making it the controlling one; tries for a second where a hang-up is
 * just under way (EIO). A descriptor, or a negative errno; -ENOTTY for what is no terminal. */
int terminal_open(const char *path, int flags);

/* Makes it the controlling terminal of this process, which has to lead its session. */
int terminal_acquire(const char *path, enum terminal_mode mode);

/* Rows and columns; UINT_MAX leaves one as it is. */
void terminal_resize(int fd, unsigned rows, unsigned columns);

/* TTYReset=, TTYVHangup=, TTYVTDisallocate=. Best effort. */
void terminal_reset(const char *path, bool reset, bool hangup, bool disallocate);

/* The service that it was given to has ended. Best effort. */
void terminal_give_back(const char *path);

/* What $TERM is for the terminal at this path: "linux" for virtual consoles, else "vt220". */
const char *terminal_type(const char *path);
