/* manager/notify.h -- what a service says in one notification datagram (sd_notify(3)).
 *
 * Pure: takes bytes that anybody may have sent, gives fields. Who sent them, and whether they may,
 * is judged elsewhere (service_notify.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/time.h"
#include "unit/types.h"

/* Longer datagrams are refused whole, as systemd does (PIPE_BUF). */
#define NOTIFY_DATAGRAM_MAX 4096
/* Descriptors that one datagram can carry: what the kernel allows (SCM_MAX_FD). */
#define NOTIFY_FDS_MAX 253

/* The fields, in the order of sd_notify(3). FIELD(IDENTIFIER, "name") */
#define NOTIFY_FIELDS(FIELD) \
    FIELD(READY, "READY") \
    FIELD(RELOADING, "RELOADING") \
    FIELD(MONOTONIC_USEC, "MONOTONIC_USEC") \
    FIELD(STOPPING, "STOPPING") \
    FIELD(STATUS, "STATUS") \
    FIELD(NOTIFYACCESS, "NOTIFYACCESS") \
    FIELD(ERRNO, "ERRNO") \
    FIELD(BUSERROR, "BUSERROR") \
    FIELD(VARLINKERROR, "VARLINKERROR") \
    FIELD(EXIT_STATUS, "EXIT_STATUS") \
    FIELD(MAINPID, "MAINPID") \
    FIELD(MAINPIDFDID, "MAINPIDFDID") \
    FIELD(WATCHDOG, "WATCHDOG") \
    FIELD(WATCHDOG_USEC, "WATCHDOG_USEC") \
    FIELD(EXTEND_TIMEOUT_USEC, "EXTEND_TIMEOUT_USEC") \
    FIELD(FDSTORE, "FDSTORE") \
    FIELD(FDSTOREREMOVE, "FDSTOREREMOVE") \
    FIELD(FDNAME, "FDNAME") \
    FIELD(FDPOLL, "FDPOLL") \
    FIELD(BARRIER, "BARRIER")

enum notify_field {
#define FIELD(id, name) NOTIFY_##id,
    NOTIFY_FIELDS(FIELD)
#undef FIELD
        NOTIFY_FIELD_MAX,
};

#define NOTIFY_BIT(id) (1u << NOTIFY_##id)

/* What the service is doing, as it said last. */
enum notify_state {
    NOTIFY_STATE_UNKNOWN,
    NOTIFY_STATE_READY,
    NOTIFY_STATE_RELOADING,
    NOTIFY_STATE_STOPPING,
    NOTIFY_STATE_MAX,
};

struct notify_message {
    unsigned fields;         /* NOTIFY_BIT()s: present, and usable */
    unsigned bad;            /* present with a value that cannot be used; the field has no effect */
    enum notify_state state; /* of the last READY=1, RELOADING=1 or STOPPING=1; UNKNOWN: none */
    usec_t monotonic;        /* MONOTONIC_USEC= */
    const char *status;      /* "" clears it */
    const char *bus_error, *varlink_error; /* "" clears it */
    int error;                             /* ERRNO=, 0..4095 */
    enum notify_access access;             /* NOTIFYACCESS= */
    int exit_status;
    pid_t main_pid;
    uint64_t main_pidfd_id;
    bool watchdog_trigger; /* WATCHDOG=trigger, not =1 */
    usec_t watchdog_usec, extend_timeout;
    const char *fd_name; /* valid, or NULL */
    bool fd_poll;        /* false: FDPOLL=0 */
};

/* Takes a datagram apart. `text` is NUL-terminated (what follows a NUL byte was cut off) and is
 * written to: the strings of the result point into it. Of a field given twice the first counts, of
 * READY, RELOADING and STOPPING the last. Unknown fields and lines without "=" are passed over. */
void notify_parse(char *text, struct notify_message *ret);

/* "READY" and so on. */
const char *notify_field_name(enum notify_field field);
/* The value that was given in the datagram of a field, in `text` as it was before notify_parse():
 * copied to `value` (cut to its size), for messages about bad values. Returns `value`. */
const char *notify_field_value(const char *text, enum notify_field field, char *value, size_t size);

/* Names of stored descriptors (sd_notify(3), FDNAME=): at most 255 printable ASCII characters, no
 * colon; not empty. */
bool notify_fd_name_is_valid(const char *name);
