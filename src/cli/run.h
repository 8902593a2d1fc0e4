/* cli/run.h -- reeve run (systemd-run): what was asked for. */
#pragma once

#include <stdbool.h>

#include "cli/systemctl.h"

enum run_stdio { RUN_STDIO_NONE, RUN_STDIO_PIPE, RUN_STDIO_PTY };

struct run_options {
    struct systemctl c;
    const char *label;        /* "systemd-run" or "reeve run", in descriptions and messages */
    char **properties;        /* --property=, as given */
    char **trigger;           /* the settings of the unit that is to start the service later */
    char **environment;       /* NAME=VALUE */
    char **command;           /* of the command line; NULL: a shell */
    char **owned;             /* its copy, with the path of the program */
    const char *trigger_type; /* "timer", "path"; NULL: none */
    const char *unit, *description, *slice, *service_type, *uid, *gid, *like;
    char *nice, *directory;
    enum run_stdio stdio;
    bool shell, remain, collect, send_sighup, slice_inherit, ignore_failure, no_expand;
    bool timer_set; /* there is a reason for the timer to elapse */
    bool tell_end;  /* what became of it */
};

/* Parses the command line. Returns the exit status to end with, or -1 to go on. */
int run_parse_options(struct run_options *o, int argc, char **argv);
/* From the folder that we are in; a new string, or NULL with errno set. */
char *run_absolute_path(const char *path);
