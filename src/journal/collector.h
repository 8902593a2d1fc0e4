/* journal/collector.h -- the process that collects: streams, native and syslog datagrams, the
 * manager's messages; and keeps: console copy, heads and tails, journal files. */
#pragma once

#include <stdbool.h>

enum console_mode {
    CONSOLE_NONE,
    CONSOLE_PLAIN, /* "unit: line" */
    CONSOLE_JSON,  /* one object a line, fields named as in the journal */
    CONSOLE_MODE_MAX,
};

struct collector_options {
    int control_fd; /* the channel of client.h, taken over; -1: alone, without a manager */
    enum console_mode console;
    bool console_color;     /* units told apart by colour (`reeve up`) */
    const char *socket_dir; /* where socket, stdout and dev-log are bound; NULL: nowhere */
    const char *volatile_dir, *persistent_dir; /* of journal files; NULL: none is written there */
    const char *machine_journal; /* socket of the journald that keeps the journal; NULL: we do */
    const char *kernel_log;      /* /dev/kmsg; NULL: the kernel's messages are not ours */
    bool user;                   /* of a user's manager: its units are _SYSTEMD_USER_UNIT */
    const char *config_root; /* where etc/systemd/journald.conf and etc/machine-id are; NULL: "/" */
};

/* Runs until SIGTERM, or until the channel is closed and all streams have ended. Returns 0, or a
 * negative errno where it could not begin (logged). */
int collector_run(const struct collector_options *options);

/* `reeve journald [--control-fd=N] [--console=plain|json|none] [--console-color]
 * [--socket-dir=DIR|none] [--volatile-dir=DIR|none] [--persistent-dir=DIR|none] [--root=DIR]
 * [--machine-journal=SOCKET] [--kernel-log=FILE] [--user]`: the exit status. */
int journal_collector_main(int argc, char **argv);
