/* journal/stream.h -- the inside of streams, shared by what reads them and where they come from. */
#pragma once

#include "journal/collect.h"
#include "journal/filter.h"
#include "journal/parse.h"
#include "journal/rate.h"

#define MESSAGE_SPACE 8 /* "MESSAGE=" */
#define HEADER_MAX (16u * 1024)

struct stream {
    struct collector *collector;
    struct event_source *io;
    uint64_t id;
    int fd;
    bool connection, header_done;
    bool begun;        /* it was read from */
    struct ucred peer; /* who connected */
    uint64_t inode;    /* of the service's end, 0: not known */
    char *stream_id;   /* _STREAM_ID */

    char *unit, *slice, *cgroup, *identifier;
    struct id128 invocation;
    int facility, priority, level_max;
    bool level_prefix, to_journal, to_console, to_kmsg;
    struct rate_settings rate;
    struct line_filter filter;
    struct field_group fields;
    struct field_group extra; /* LogExtraFields= */
    bool limiting;            /* what the unit says of its messages is more than nothing */

    char *partial; /* the unfinished line, behind MESSAGE_SPACE bytes */
    size_t partial_n, partial_allocated;
    pid_t partial_pid;
    /* LogParse=: the first `held` bytes of `partial` are whole lines of a runtime's trace, which
     * waits for its next line; the unfinished line, if any, is behind them and a newline. */
    enum log_parse parse;
    struct parsed parsed;
    struct trace_state trace;
    size_t held;
    struct event_source *trace_timer;
    /* Of the spill file, -1: nothing is there. While a batch is being kept, old_slot is what holds
     * if it is not taken. */
    int slot, old_slot;
};

/* stream.c */
void stream_free(struct stream *s);
/* Keeps what is unfinished, tells the manager, and frees it. */
void stream_end(struct stream *s);
void stream_readable(struct event_source *io, int fd, uint32_t revents, void *userdata);
/* Takes n bytes, which were looked at, out of the socket. */
void stream_commit(struct stream *s, size_t n);

/* stream-open.c */
/* Whether the unit wants such a message kept: LogLevelMax=, LogFilterPatterns=. */
bool stream_admits(const struct stream *s, const struct entry *e);
/* The lines that a connection begins with; returns how long they are, 0: they are not all there. */
size_t stream_header(struct stream *s, const char *text, size_t n);
