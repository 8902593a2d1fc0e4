/* event/event.h -- the event loop: descriptors, timers, signals, children, deferred work.
 *
 * Single-threaded. There are no priorities: who needs an order (notify datagrams before the exit of
 * their sender) drains the one before acting on the other. Within one turn of the loop descriptors
 * come first, then timers that are due, in order of their time.
 *
 * Sources: every event_add_x() makes one. With `ret` NULL the loop keeps it until the loop is
 * freed, else it is the caller's, to be freed with event_source_free(). A callback may free,
 * disable or change any source, its own included: of what one wait returned, the rest that belonged
 * to a freed or disabled source is not delivered (it is not lost for a disabled one: readiness is
 * level-triggered).
 *
 * Memory: only event_loop_new() and event_add_x() allocate. Enabling, disabling, re-arming and
 * dispatching cannot fail for want of memory, and so lose nothing. Some sources are kept in reserve
 * for when there is no memory, so that a process that was started is followed all the same. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <time.h>

#include "base/alloc.h"
#include "base/time.h"

struct event_loop;
struct event_source;

/* ---- the loop ---- */

/* Returns 0 or a negative errno. The loop belongs to the process that made it: a forked child
 * closes nothing and uses nothing of it (its descriptors are CLOEXEC). */
int event_loop_new(struct event_loop **ret);
/* Frees the loop and all of its sources, of which none may be used afterwards. Not from a callback.
 * NULL is allowed. */
void event_loop_free(struct event_loop *l);
DEFINE_AUTO(struct event_loop, event_loop_free, event_loop_free)
#define auto_event_loop _cleanup_(auto_event_loop_free_p)

/* Turns until event_loop_exit(). Returns its code, or a negative errno of epoll_wait(2) itself. */
int event_loop_run(struct event_loop *l);
/* One turn: deferred work, then at most `timeout` microseconds (USEC_INFINITY: for ever) of
 * waiting, then whatever is ready. Returns 1 if a callback was called, 0 if not, negative errno.
 * May be called from a callback (a nested turn). */
int event_loop_run_once(struct event_loop *l, usec_t timeout);
/* Makes event_loop_run() return `code` (>= 0) after the callback that is being run. */
void event_loop_exit(struct event_loop *l, int code);
bool event_loop_exiting(const struct event_loop *l);

/* The time on CLOCK_MONOTONIC or CLOCK_REALTIME when the loop last woke up; outside of callbacks,
 * and for other clocks, the time now. */
usec_t event_loop_now(const struct event_loop *l, clockid_t clock);
/* How many callbacks were called so far: how busy the loop is. Wraps around. */
unsigned event_loop_calls(const struct event_loop *l);

/* ---- sources: all return 0 or a negative errno, *ret untouched on failure ---- */

/* A descriptor: `events` of EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, EPOLLET; EPOLLERR and EPOLLHUP
 * are always delivered. The descriptor stays the caller's, who frees (or disables for good) the
 * source before closing it. -EPERM for a regular file or folder, which is always ready. */
typedef void (*event_io_fn)(struct event_source *s, int fd, uint32_t revents, void *userdata);
int event_add_io(struct event_loop *l, int fd, uint32_t events, event_io_fn fn, void *userdata,
                 struct event_source **ret);
/* Changes what is waited for. */
void event_source_set_io(struct event_source *s, uint32_t events);
int event_source_fd(const struct event_source *s);

/* A timer: fires once at the point `at` of CLOCK_MONOTONIC or CLOCK_REALTIME (at once if that has
 * passed; never for USEC_INFINITY), and is disabled then. `due` is the time that was asked for. A
 * wall-clock timer follows the clock when it is set. */
typedef void (*event_time_fn)(struct event_source *s, usec_t due, void *userdata);
int event_add_time(struct event_loop *l, clockid_t clock, usec_t at, event_time_fn fn,
                   void *userdata, struct event_source **ret);
/* Sets a new time and enables the timer. */
void event_source_set_time(struct event_source *s, usec_t at);
/* The same, counted from now on the timer's clock. */
void event_source_set_time_relative(struct event_source *s, usec_t span);
/* The time that is set. */
usec_t event_source_time(const struct event_source *s);

/* Is told when CLOCK_REALTIME was set, or the machine woke from sleep; wall-clock timers have been
 * sorted anew by then. */
typedef void (*event_clock_fn)(struct event_source *s, void *userdata);
int event_add_clock_change(struct event_loop *l, event_clock_fn fn, void *userdata,
                           struct event_source **ret);

/* A signal, which is blocked in the calling thread from now on (and stays blocked when the source
 * is freed: unblocking could kill the process). One source a signal: -EBUSY. */
typedef void (*event_signal_fn)(struct event_source *s, const struct signalfd_siginfo *si,
                                void *userdata);
int event_add_signal(struct event_loop *l, int signo, event_signal_fn fn, void *userdata,
                     struct event_source **ret);

/* The exit of a process, once. It is a zombie while the callback runs, so that /proc can still be
 * read, and is reaped when the callback returns. `si` is as waitid(2) fills it; for a process that
 * is not our child, or that somebody else has reaped, si_pid is its pid and si_code 0: the status
 * is not to be had. -ESRCH if there is no such process. Freeing the source before leaves the
 * process alone. The loop waits by pidfd; on kernels without, by SIGCHLD, which it blocks then. */
typedef void (*event_child_fn)(struct event_source *s, const siginfo_t *si, void *userdata);
int event_add_child(struct event_loop *l, pid_t pid, event_child_fn fn, void *userdata,
                    struct event_source **ret);
pid_t event_source_child_pid(const struct event_source *s);
/* The pidfd, for pidfd_signal(); it stays the loop's. -1 where the kernel has none. */
int event_source_child_pidfd(const struct event_source *s);

/* Deferred work: runs once before the loop waits next, and is disabled then; event_source_enable()
 * asks for it again. One that asks again from its own callback runs in the next turn, descriptors
 * having had theirs. */
typedef void (*event_post_fn)(struct event_source *s, void *userdata);
int event_add_post(struct event_loop *l, event_post_fn fn, void *userdata,
                   struct event_source **ret);

/* ---- all kinds ---- */

/* A disabled source is not called. Both may be called in any state. */
void event_source_enable(struct event_source *s);
void event_source_disable(struct event_source *s);
bool event_source_enabled(const struct event_source *s);

/* A descriptor source that fires more than `burst` times within `interval` is muted until the
 * interval is over, so that a flood on it cannot keep the loop busy. `burst` 0 lifts the limit. */
void event_source_set_rate_limit(struct event_source *s, usec_t interval, unsigned burst);

/* Frees the source and returns NULL, to be assigned to the variable. NULL is allowed. */
struct event_source *event_source_free(struct event_source *s);

struct event_loop *event_source_loop(const struct event_source *s);
void *event_source_userdata(const struct event_source *s);
void event_source_set_userdata(struct event_source *s, void *userdata);
