/* event/internal.h -- what the files of the loop share. */
#pragma once

#include "base/rate_limit.h"
#include "event/event.h"

enum source_kind {
    SOURCE_IO,
    SOURCE_TIME,
    SOURCE_CLOCK,
    SOURCE_SIGNAL,
    SOURCE_CHILD,
    SOURCE_POST,
    SOURCE_INTERNAL, /* the loop's own descriptors, embedded in it */
};

/* A place in the timer heap, or in the list of those that are due. */
struct timer_node {
    struct event_source *source;
    usec_t due;     /* on CLOCK_MONOTONIC */
    uint64_t order; /* timers of the same time fire in the order in which they were set */
    size_t index;   /* in the heap, plus 1; 0: not in it */
    struct timer_node *next_ready, **this_ready; /* this_ready is NULL unless listed */
};

struct event_source {
    struct event_loop *loop;
    struct event_source *previous, *next; /* all sources of the loop; next also links the garbage */
    enum source_kind kind;
    bool enabled, dead;
    void *userdata;
    struct timer_node timer; /* of a timer; of a muted descriptor, the end of its silence */

    /* SOURCE_IO and SOURCE_CHILD (a pidfd), SOURCE_INTERNAL */
    int fd;
    uint32_t events;
    struct rate_limit limit;
    bool muted;

    union {
        event_io_fn io;
        event_time_fn time;
        event_clock_fn clock;
        event_signal_fn signal;
        event_child_fn child;
        event_post_fn post;
        void (*internal)(struct event_loop *l);
    } fn;

    clockid_t clock;
    usec_t at;                                   /* SOURCE_TIME: as it was set, on `clock` */
    int signo;                                   /* SOURCE_SIGNAL */
    pid_t pid;                                   /* SOURCE_CHILD */
    struct event_source *next_post, **this_post; /* SOURCE_POST: pending, as for timers */
};

struct event_loop {
    int epoll_fd;
    struct event_source *sources, *garbage;
    struct event_source *reserve; /* a list of n_reserve */
    size_t n_reserve;
    size_t n_sources;
    unsigned depth, n_called;
    bool no_pwait2;
    bool exiting;
    int exit_code;
    usec_t monotonic, realtime; /* at the last wake-up */

    struct timer_node **heap; /* room for one of each source */
    size_t n_heap, heap_allocated;
    uint64_t order;
    usec_t offset; /* realtime minus monotonic */
    struct timer_node *ready;
    struct event_source clock_watch; /* a timerfd that the kernel cancels when the clock is set */

    struct event_source *posts, **posts_end;

    struct event_source signal_watch; /* the signalfd */
    struct event_source *signals[_NSIG];
    unsigned n_without_pidfd;
};

/* loop.c */
int source_new(struct event_loop *l, enum source_kind kind, void *userdata,
               struct event_source **ret);
/* Gives the source to the caller, or to the loop if ret is NULL. */
void source_hand_over(struct event_source *s, struct event_source **ret);
int watch_fd(struct event_loop *l, struct event_source *s, int fd, uint32_t events);
/* Tells the kernel what the source waits for now. */
void watch_update(struct event_source *s);
void watch_drop(struct event_source *s);

/* timer.c */
int timers_init(struct event_loop *l);
bool timers_reserve(struct event_loop *l, size_t n);
/* Gives room back that only a mass of sources needed, which are gone. */
void timers_shrink(struct event_loop *l);
/* Puts the node into the heap, or takes it out of wherever it is. */
void timer_arm(struct event_loop *l, struct timer_node *t, usec_t due);
void timer_disarm(struct event_loop *l, struct timer_node *t);
void time_source_arm(struct event_source *s);
/* Microseconds until the first timer, at most `timeout`. */
usec_t timers_wait(const struct event_loop *l, usec_t now, usec_t timeout);
void timers_dispatch(struct event_loop *l);
void timers_follow_clock(struct event_loop *l);

/* signal.c */
int signals_update(struct event_loop *l);
void child_dispatch(struct event_source *s);
/* The source goes, or is switched on or off. */
void child_forget(struct event_source *s);
