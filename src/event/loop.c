#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "event/internal.h"

#define EVENTS_PER_TURN 64

int event_loop_new(struct event_loop **ret)
{
    struct event_loop *l = new0(struct event_loop, 1);

    if (!l)
        return -ENOMEM;
    l->clock_watch = (struct event_source){ .loop = l, .kind = SOURCE_INTERNAL, .fd = -1 };
    l->signal_watch = l->clock_watch;
    l->posts_end = &l->posts;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int r = l->epoll_fd < 0 ? -errno : timers_init(l);
    if (r < 0) {
        event_loop_free(l);
        return r;
    }
    *ret = l;
    return 0;
}

void event_loop_free(struct event_loop *l)
{
    if (!l)
        return;
    assert(l->depth == 0);
    while (l->sources)
        event_source_free(l->sources);
    close_fd(l->clock_watch.fd);
    close_fd(l->signal_watch.fd);
    close_fd(l->epoll_fd);
    for (struct event_source *s; (s = l->reserve);) {
        l->reserve = s->next;
        free(s);
    }
    free(l->heap);
    free(l);
}

void event_loop_exit(struct event_loop *l, int code)
{
    l->exiting = true;
    l->exit_code = code;
}

bool event_loop_exiting(const struct event_loop *l)
{
    return l->exiting;
}

usec_t event_loop_now(const struct event_loop *l, clockid_t clock)
{
    if (l->depth > 0 && clock == CLOCK_MONOTONIC)
        return l->monotonic;
    if (l->depth > 0 && clock == CLOCK_REALTIME)
        return l->realtime;
    return now_usec(clock);
}

unsigned event_loop_calls(const struct event_loop *l)
{
    return l->n_called;
}

/* ---- sources ---- */

/* For when there is no memory: places in the heap, and sources. */
#define RESERVE 32U

static bool fill_reserve(struct event_loop *l)
{
    /* Every source may come to need a place in the heap, which then must not fail. */
    if (!timers_reserve(l, l->n_sources + 1 + RESERVE))
        return false;
    while (l->n_reserve < RESERVE) {
        struct event_source *s = new0(struct event_source, 1);
        if (!s)
            return false;
        s->next = l->reserve;
        l->reserve = s;
        l->n_reserve++;
    }
    return true;
}

static struct event_source *take_reserve(struct event_loop *l)
{
    struct event_source *s = l->reserve;

    if (!s || l->n_sources >= l->heap_allocated)
        return NULL;
    l->reserve = s->next;
    l->n_reserve--;
    s->next = NULL;
    return s;
}

int source_new(struct event_loop *l, enum source_kind kind, void *userdata,
               struct event_source **ret)
{
    struct event_source *s = fill_reserve(l) ? new0(struct event_source, 1) : NULL;

    if (!s)
        s = take_reserve(l);
    if (!s)
        return -ENOMEM;
    s->loop = l;
    s->kind = kind;
    s->userdata = userdata;
    s->fd = -1;
    s->timer.source = s;
    s->next = l->sources;
    if (s->next)
        s->next->previous = s;
    l->sources = s;
    l->n_sources++;
    *ret = s;
    return 0;
}

void source_hand_over(struct event_source *s, struct event_source **ret)
{
    if (ret)
        *ret = s;
}

static void source_release(struct event_source *s)
{
    if (s->kind == SOURCE_CHILD)
        close_fd(s->fd);
    free(s);
}

struct event_source *event_source_free(struct event_source *s)
{
    if (!s)
        return NULL;
    assert(!s->dead);
    struct event_loop *l = s->loop;

    event_source_disable(s);
    if (s->fd >= 0)
        watch_drop(s);
    if (s->kind == SOURCE_CHILD)
        child_forget(s);
    if (s->kind == SOURCE_SIGNAL)
        l->signals[s->signo] = NULL;
    if (s->previous)
        s->previous->next = s->next;
    else
        l->sources = s->next;
    if (s->next)
        s->next->previous = s->previous;
    l->n_sources--;
    timers_shrink(l);
    s->dead = true;
    /* What epoll_wait() returned may still point here. */
    if (l->depth > 0) {
        s->next = l->garbage;
        l->garbage = s;
    } else
        source_release(s);
    return NULL;
}

static void collect_garbage(struct event_loop *l)
{
    while (l->garbage) {
        struct event_source *s = l->garbage;

        l->garbage = s->next;
        source_release(s);
    }
}

struct event_loop *event_source_loop(const struct event_source *s)
{
    return s->loop;
}

void *event_source_userdata(const struct event_source *s)
{
    return s->userdata;
}

void event_source_set_userdata(struct event_source *s, void *userdata)
{
    s->userdata = userdata;
}

bool event_source_enabled(const struct event_source *s)
{
    return s->enabled;
}

static void post_arm(struct event_source *s)
{
    struct event_loop *l = s->loop;

    if (s->this_post)
        return;
    s->this_post = l->posts_end;
    s->next_post = NULL;
    *l->posts_end = s;
    l->posts_end = &s->next_post;
}

static void post_disarm(struct event_source *s)
{
    struct event_loop *l = s->loop;

    if (!s->this_post)
        return;
    *s->this_post = s->next_post;
    if (s->next_post)
        s->next_post->this_post = s->this_post;
    else if (l->posts_end == &s->next_post)
        l->posts_end = s->this_post;
    s->this_post = NULL;
}

static void source_switch(struct event_source *s, bool on)
{
    if (s->dead)
        return;
    s->enabled = on;
    switch (s->kind) {
    case SOURCE_IO:
    case SOURCE_CHILD:
    case SOURCE_INTERNAL:
        watch_update(s);
        break;
    case SOURCE_TIME:
        time_source_arm(s);
        break;
    case SOURCE_SIGNAL:
        (void) signals_update(s->loop);
        break;
    case SOURCE_POST:
        if (on)
            post_arm(s);
        else
            post_disarm(s);
        break;
    case SOURCE_CLOCK:
        break;
    }
}

void event_source_enable(struct event_source *s)
{
    source_switch(s, true);
}

void event_source_disable(struct event_source *s)
{
    source_switch(s, false);
}

/* ---- descriptors ---- */

static uint32_t watch_events(const struct event_source *s)
{
    /* A source that is off stays registered, so that switching it on cannot fail. The kernel adds
     * EPOLLERR and EPOLLHUP to every set; edge-triggered they come at most once. */
    return s->enabled && !s->muted ? s->events : EPOLLET;
}

int watch_fd(struct event_loop *l, struct event_source *s, int fd, uint32_t events)
{
    s->fd = fd;
    s->events = events;
    s->enabled = true;
    struct epoll_event e = { .events = watch_events(s), .data.ptr = s };
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) {
        s->fd = -1;
        return -errno;
    }
    return 0;
}

void watch_update(struct event_source *s)
{
    struct epoll_event e = { .events = watch_events(s), .data.ptr = s };

    if (s->fd >= 0)
        (void) epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &e);
}

void watch_drop(struct event_source *s)
{
    (void) epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    if (s->muted)
        timer_disarm(s->loop, &s->timer);
}

int event_add_io(struct event_loop *l, int fd, uint32_t events, event_io_fn fn, void *userdata,
                 struct event_source **ret)
{
    struct event_source *s;
    int r = source_new(l, SOURCE_IO, userdata, &s);

    if (r < 0)
        return r;
    s->fn.io = fn;
    r = watch_fd(l, s, fd, events);
    if (r < 0) {
        event_source_free(s);
        return r;
    }
    source_hand_over(s, ret);
    return 0;
}

void event_source_set_io(struct event_source *s, uint32_t events)
{
    assert(s->kind == SOURCE_IO);
    if (s->events == events)
        return;
    s->events = events;
    if (s->enabled)
        watch_update(s);
}

int event_source_fd(const struct event_source *s)
{
    return s->fd;
}

void event_source_set_rate_limit(struct event_source *s, usec_t interval, unsigned burst)
{
    assert(s->kind == SOURCE_IO);
    s->limit = (struct rate_limit){ .interval = interval, .burst = burst };
    if (s->muted) {
        timer_disarm(s->loop, &s->timer);
        s->muted = false;
        watch_update(s);
    }
}

/* ---- deferred work ---- */

int event_add_post(struct event_loop *l, event_post_fn fn, void *userdata,
                   struct event_source **ret)
{
    struct event_source *s;
    int r = source_new(l, SOURCE_POST, userdata, &s);

    if (r < 0)
        return r;
    s->fn.post = fn;
    event_source_enable(s);
    source_hand_over(s, ret);
    return 0;
}

static void posts_dispatch(struct event_loop *l)
{
    /* Those that were pending when we began; what they ask for comes in the next turn. */
    size_t n = 0;
    for (struct event_source *s = l->posts; s; s = s->next_post)
        n++;
    while (n-- > 0 && l->posts && !l->exiting) {
        struct event_source *s = l->posts;

        event_source_disable(s);
        l->n_called++;
        s->fn.post(s, s->userdata);
    }
}

/* ---- turning ---- */

static int wait_for_events(struct event_loop *l, struct epoll_event *events, usec_t timeout)
{
#ifdef SYS_epoll_pwait2
    if (!l->no_pwait2) {
        struct {
            int64_t sec, nsec;
        } ts = { (int64_t) (timeout / USEC_PER_SEC),
                 (int64_t) (timeout % USEC_PER_SEC * NSEC_PER_USEC) };
        long n = syscall(SYS_epoll_pwait2, l->epoll_fd, events, EVENTS_PER_TURN,
                         timeout == USEC_INFINITY ? NULL : &ts, NULL, (size_t) 0);

        /* Old kernels lack it, and old container runtimes forbid what they do not know. */
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n < 0 ? -errno : (int) n;
        l->no_pwait2 = true;
    }
#endif
    int msec = -1;
    if (timeout != USEC_INFINITY)
        msec = (int) MIN((timeout + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t) 3600 * 1000);
    int n = epoll_wait(l->epoll_fd, events, EVENTS_PER_TURN, msec);
    return n < 0 ? -errno : n;
}

static void io_dispatch(struct event_source *s, uint32_t revents)
{
    struct event_loop *l = s->loop;

    if (!rate_limit_below(&s->limit, l->monotonic)) {
        s->muted = true;
        watch_update(s);
        timer_arm(l, &s->timer, usec_add(s->limit.begin, s->limit.interval) + 1);
        return;
    }
    l->n_called++;
    s->fn.io(s, s->fd, revents, s->userdata);
}

static void fds_dispatch(struct event_loop *l, const struct epoll_event *events, int n)
{
    for (int i = 0; i < n && !l->exiting; i++) {
        struct event_source *s = events[i].data.ptr;

        if (s->dead || !s->enabled || s->muted)
            continue;
        if (s->kind == SOURCE_IO)
            io_dispatch(s, events[i].events);
        else if (s->kind == SOURCE_CHILD)
            child_dispatch(s);
        else
            s->fn.internal(l);
    }
}

static void clocks_read(struct event_loop *l)
{
    l->monotonic = now_usec(CLOCK_MONOTONIC);
    l->realtime = now_usec(CLOCK_REALTIME);
}

int event_loop_run_once(struct event_loop *l, usec_t timeout)
{
    struct epoll_event events[EVENTS_PER_TURN];
    unsigned called_before = l->n_called;

    l->depth++;
    clocks_read(l);
    posts_dispatch(l);
    int n = 0;
    if (!l->exiting) {
        if (l->n_called != called_before || l->posts || l->ready)
            timeout = 0;
        n = wait_for_events(l, events, timers_wait(l, now_usec(CLOCK_MONOTONIC), timeout));
        clocks_read(l);
        if (n > 0)
            fds_dispatch(l, events, n);
        timers_dispatch(l);
    }
    if (--l->depth == 0)
        collect_garbage(l);
    if (n < 0 && n != -EINTR)
        return n;
    return l->n_called != called_before;
}

int event_loop_run(struct event_loop *l)
{
    while (!l->exiting) {
        int r = event_loop_run_once(l, USEC_INFINITY);

        if (r < 0)
            return r;
    }
    l->exiting = false;
    return l->exit_code;
}
