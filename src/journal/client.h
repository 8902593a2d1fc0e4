/* journal/client.h -- the manager's side of the collector.
 *
 * The manager makes every output stream itself: a pair of stream sockets, one end for the service,
 * the other for the collector. It keeps a duplicate of the collector's end, and both ends of the
 * control channel, so that nothing is lost with the collector's process: what was written and not
 * yet kept waits in the sockets for the next collector, to which everything is handed again.
 *
 * Nothing here blocks. What cannot be sent at once is queued; the queue is bounded, and only the
 * manager's own messages can be dropped from it (they are counted, and the count is logged later).
 *
 *     collector_client_new()            once
 *     collector_client_child_fd()       before each fork of `reeve journald --control-fd=N`
 *     collector_client_started()        after each fork: everything is handed over
 *     collector_client_lost()           when that process is gone
 *
 * Callbacks are called from the event loop, never from inside the function that was called. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id128.h"
#include "base/time.h"

struct event_loop;
struct collector_client;
struct collector_stream;

/* What one invocation's output is kept with. Strings are copied; NULL means "not set". */
struct collector_stream_settings {
    const char *unit;             /* "x.service": _SYSTEMD_UNIT, or UNIT of a user's manager */
    struct id128 invocation;      /* _SYSTEMD_INVOCATION_ID */
    const char *slice;            /* _SYSTEMD_SLICE */
    const char *cgroup;           /* _SYSTEMD_CGROUP */
    const char *identifier;       /* SyslogIdentifier=, or the program's name */
    int facility;                 /* SyslogFacility=, the LOG_* constant (LOG_DAEMON = 3 << 3) */
    int priority;                 /* SyslogLevel=, 0..7 */
    bool level_prefix;            /* SyslogLevelPrefix= */
    int level_max;                /* LogLevelMax=, 0..7, or -1 for none */
    usec_t rate_interval;         /* LogRateLimitIntervalSec=; 0: the collector's own */
    unsigned rate_burst;          /* LogRateLimitBurst=; 0: the collector's own */
    int parse;                    /* LogParse=: enum log_parse of journal/parse.h */
    char *const *extra_fields;    /* LogExtraFields=, "FIELD=value", or NULL */
    char *const *filter_patterns; /* LogFilterPatterns=: lines that match one with "~" in front are
                                   * dropped, and those that match none of the others, if any */
    bool to_journal;              /* Standard*=journal|kmsg (false: tails and console only) */
    bool to_console;              /* Standard*=journal+console, kmsg+console: this unit as well */
    bool to_kmsg;                 /* Standard*=kmsg, kmsg+console */
};
/* to_journal, LOG_INFO, LOG_DAEMON, level_prefix, no limits of its own; the rest empty. */
extern const struct collector_stream_settings collector_stream_defaults;

/* `console` and the like are arguments of the process, not of the client. Returns 0, -ENOMEM or
 * what socketpair(2) and memfd_create(2) give. The loop has to outlive the client. */
int collector_client_new(struct event_loop *loop, struct collector_client **ret);
void collector_client_free(struct collector_client *c);

/* The descriptor (close-on-exec; the client's) that the collector's process needs a duplicate of,
 * for --control-fd=. */
int collector_client_child_fd(const struct collector_client *c);

/* A collector process was started, or is about to be: it is given every stream, every stored
 * descriptor and the settings. */
void collector_client_started(struct collector_client *c);
/* The collector's process ended. Queries are answered with -ECONNRESET; barriers are kept and asked
 * again of the next process. */
void collector_client_lost(struct collector_client *c);
/* Whether the running collector said that it has taken everything over. */
bool collector_client_ready(const struct collector_client *c);
/* Called each time that becomes true; the manager reports READY of the collector by it. */
void collector_client_on_ready(struct collector_client *c, void (*callback)(void *userdata),
                               void *userdata);

/* A new output stream. *ret_service_fd is the end for the service (a blocking stream socket that
 * takes writes only), the caller's: it is closed as soon as no more processes are to get it.
 * JOURNAL_STREAM= is its "st_dev:st_ino". *ret stays the client's; it ends by itself when every
 * holder has closed the service's end and all bytes were kept, or by collector_stream_close().
 * Works without a running collector. Returns 0, -ENOMEM, -EMFILE ... */
int collector_stream_new(struct collector_client *c,
                         const struct collector_stream_settings *settings, int *ret_service_fd,
                         struct collector_stream **ret);
/* The number that names the stream in saved state; never used twice. */
uint64_t collector_stream_id(const struct collector_stream *s);
/* New settings (daemon-reload, set-property); the unit and the invocation stay. */
int collector_stream_update(struct collector_stream *s,
                            const struct collector_stream_settings *settings);
/* `callback` is called when the stream is at its end and about to be freed. NULL: none. */
void collector_stream_on_end(struct collector_stream *s,
                             void (*callback)(struct collector_stream *s, void *userdata),
                             void *userdata);
/* The manager keeps no pointer to the stream from now on; what still holds the service's end can
 * go on writing, and the collector reads to the end. */
void collector_stream_close(struct collector_stream *s);
struct collector_stream *collector_stream_find(struct collector_client *c, uint64_t id);

/* Asks the collector to keep what the unit's streams and the datagram sockets hold at this moment,
 * before it goes on with anything else. `callback` is called once, with 0 when it has, unless the
 * barrier is cancelled first (a deadline is the caller's: 100 ms). *ret is the
 * client's and gone after the callback. -ENOTCONN where no collector runs. */
struct collector_barrier;
typedef void (*collector_barrier_callback)(int r, void *userdata);
int collector_barrier_new(struct collector_client *c, const char *unit,
                          collector_barrier_callback callback, void *userdata,
                          struct collector_barrier **ret);
void collector_barrier_cancel(struct collector_barrier *b);

/* One entry of the manager's own: `fields` are "NAME=value" (MESSAGE=, PRIORITY=, MESSAGE_ID=,
 * UNIT=, JOB_RESULT= ...; values may contain newlines). The collector adds the manager's pid and
 * the like, and SYSLOG_IDENTIFIER=systemd where there is none. Returns 0 also where it was queued,
 * -ENOBUFS where the queue is full and it was dropped (and counted), -E2BIG past 128 KiB. */
int collector_send_message(struct collector_client *c, char *const *fields);

/* What became of an invocation, so that the evidence of failures is kept longest. A series begins
 * with its first invocation and ends with collector_series_end() (the unit was started by hand, or
 * succeeded): its first failing invocation stays apart until the next series fails. */
void collector_invocation_ended(struct collector_client *c, const char *unit,
                                struct id128 invocation, bool failed);
void collector_series_end(struct collector_client *c, const char *unit);

enum collector_tail_part {
    COLLECTOR_TAIL_LAST, /* the end of the newest invocation's output, or of the one named */
    COLLECTOR_TAIL_HEAD, /* its beginning */
    COLLECTOR_TAIL_FIRST_FAILING, /* the end of the output of the series' first failing invocation
                                   */
    COLLECTOR_TAIL_PART_MAX,
};

struct collector_line {
    usec_t realtime, monotonic;
    int priority;           /* 0..7 */
    pid_t pid;              /* who wrote it, 0 where that is unknown */
    const char *identifier; /* never NULL */
    struct id128 invocation;
    const char *text; /* one line without its newline; NUL-terminated, may contain NUL before that
                         and bytes that are not UTF-8 */
    size_t length;
};

/* The lines are given oldest first, one call each, then once with line NULL and r = 0, or -ENOENT
 * (nothing is kept of it), -ECONNRESET (the collector went away). `invocation` may be null: the
 * newest. `max_lines` 0: all that is kept (64 KiB each of head and tail). A query can be cancelled
 * by its token before its end was called. */
typedef void (*collector_tail_callback)(const struct collector_line *line, int r, void *userdata);
int collector_query_tail(struct collector_client *c, const char *unit, struct id128 invocation,
                         enum collector_tail_part part, unsigned max_lines,
                         collector_tail_callback callback, void *userdata, uint64_t *ret_token);
void collector_query_cancel(struct collector_client *c, uint64_t token);

/* How much was lost on the way to the console and to the journal since the collector started (as it
 * last reported), and how many of the manager's messages were dropped here. */
struct collector_counters {
    uint64_t console_dropped_lines, rate_limited_lines, messages_dropped, lines;
};
struct collector_counters collector_client_counters(const struct collector_client *c);

/* State for daemon-reexec and crash hand-over: text in which descriptors are numbers. `keep` is
 * called for each descriptor that has to survive execve() (it clears FD_CLOEXEC, or duplicates);
 * what it returns (>= 0) is what is written. Streams keep their ids. Returns text or NULL. */
char *collector_client_save(struct collector_client *c, int (*keep)(int fd, void *userdata),
                            void *userdata);
/* The client as saved, with the running collector assumed alive: it is not asked again, unless
 * collector_client_started() is called. -EINVAL (nothing is taken) for text that is not ours. */
int collector_client_restore(struct event_loop *loop, const char *text,
                             struct collector_client **ret);
