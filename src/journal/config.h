/* journal/config.h -- the collector's settings: journald.conf(5). */
#pragma once

#include <stdbool.h>

#include "journal/store.h"

struct journald_config {
    struct store_options store; /* without places and ids */
    struct retentions retentions;
    usec_t rate_interval;
    unsigned rate_burst;
    size_t line_max;
    bool read_kmsg, forward_syslog, forward_kmsg, forward_wall, forward_console;
    char *tty_path; /* TTYPath=; NULL: /dev/console */
    int max_level_store, max_level_syslog, max_level_kmsg, max_level_wall, max_level_console;
};

/* Reads systemd/journald.conf and systemd/journald.conf.d, files *.conf, of usr/lib, usr/local/lib,
 * run and etc below `root` (NULL: /), later ones over earlier ones as in systemd-system.conf(5).
 * Assignments that cannot be understood are told with file and line and left out. Returns 0 or
 * -ENOMEM. */
int journald_config_read(struct journald_config *c, const char *root);
void journald_config_done(struct journald_config *c);
