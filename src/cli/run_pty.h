/* cli/run_pty.h -- a terminal of its own for a service, joined to ours. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct run_pty {
    int master;           /* -1: none */
    char path[64];        /* of the service's end */
    struct termios saved; /* ours */
    bool raw;             /* ours was changed */
    bool input_ended;
    unsigned escapes; /* how often ^] was typed */
    long long escape_begin;
};

/* Makes the terminal, of the size of ours. Returns the service's end, which the caller closes once
 * the service has it, or a negative errno. */
int run_pty_open(struct run_pty *p);
/* Makes ours pass on every key. */
void run_pty_begin(struct run_pty *p);
/* Copies until `fd` is readable (0), or ^] was typed three times within a second (-ECANCELED). */
int run_pty_copy_until(struct run_pty *p, int fd);
/* Copies what is left, and gives our terminal back. */
void run_pty_end(struct run_pty *p);
