#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "event/internal.h"

/* ---- the heap: a binary one, the earliest first ---- */

static bool earlier(const struct timer_node *a, const struct timer_node *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void heap_place(struct event_loop *l, struct timer_node *t, size_t i)
{
    l->heap[i] = t;
    t->index = i + 1;
}

static void heap_up(struct event_loop *l, size_t i)
{
    struct timer_node *t = l->heap[i];

    for (; i > 0 && earlier(t, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap_place(l, l->heap[(i - 1) / 2], i);
    heap_place(l, t, i);
}

static void heap_down(struct event_loop *l, size_t i)
{
    struct timer_node *t = l->heap[i];

    for (size_t child; (child = 2 * i + 1) < l->n_heap; i = child) {
        if (child + 1 < l->n_heap && earlier(l->heap[child + 1], l->heap[child]))
            child++;
        if (!earlier(l->heap[child], t))
            break;
        heap_place(l, l->heap[child], i);
    }
    heap_place(l, t, i);
}

static void heap_remove(struct event_loop *l, struct timer_node *t)
{
    size_t i = t->index - 1;
    struct timer_node *last = l->heap[--l->n_heap];

    t->index = 0;
    if (last == t)
        return;
    heap_place(l, last, i);
    heap_up(l, i);
    heap_down(l, last->index - 1);
}

bool timers_reserve(struct event_loop *l, size_t n)
{
    return grow(&l->heap, &l->heap_allocated, n);
}

void timers_shrink(struct event_loop *l)
{
    size_t n = l->n_sources * 2;

    if (l->heap_allocated < 1024 || n * 2 > l->heap_allocated)
        return;
    struct timer_node **smaller = realloc(l->heap, MAX(n, (size_t) 64) * sizeof *smaller);
    if (!smaller)
        return;
    l->heap = smaller;
    l->heap_allocated = MAX(n, (size_t) 64);
}

void timer_disarm(struct event_loop *l, struct timer_node *t)
{
    if (t->index > 0)
        heap_remove(l, t);
    if (t->this_ready) {
        *t->this_ready = t->next_ready;
        if (t->next_ready)
            t->next_ready->this_ready = t->this_ready;
        t->this_ready = NULL;
    }
}

void timer_arm(struct event_loop *l, struct timer_node *t, usec_t due)
{
    timer_disarm(l, t);
    if (due == USEC_INFINITY)
        return;
    t->due = due;
    t->order = l->order++;
    assert(l->n_heap < l->heap_allocated);
    heap_place(l, t, l->n_heap++);
    heap_up(l, l->n_heap - 1);
}

/* ---- clocks ---- */

static usec_t source_due(const struct event_source *s)
{
    if (s->clock == CLOCK_MONOTONIC || s->at == USEC_INFINITY)
        return s->at;
    return usec_sub(s->at, s->loop->offset);
}

static void offset_read(struct event_loop *l)
{
    l->offset = usec_sub(now_usec(CLOCK_REALTIME), now_usec(CLOCK_MONOTONIC));
}

static int clock_watch_arm(struct event_loop *l)
{
    /* Never meant to expire: what matters is that the kernel cancels it when the clock is set. */
    static const struct itimerspec far = { .it_value.tv_sec = INT64_C(1) << 40 };

    if (timerfd_settime(l->clock_watch.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far,
                        NULL) < 0)
        return -errno;
    return 0;
}

/* Wall-clock timers get their new places. */
void timers_follow_clock(struct event_loop *l)
{
    l->realtime = now_usec(CLOCK_REALTIME);
    offset_read(l);
    for (size_t i = 0; i < l->n_heap; i++) {
        struct event_source *s = l->heap[i]->source;

        if (s->kind == SOURCE_TIME && s->clock == CLOCK_REALTIME)
            l->heap[i]->due = source_due(s);
    }
    for (size_t i = l->n_heap / 2; i-- > 0;)
        heap_down(l, i);
}

/* The wall clock was set, or the machine slept. */
static void clock_changed(struct event_loop *l)
{
    uint64_t expirations;

    if (read(l->clock_watch.fd, &expirations, sizeof expirations) >= 0 || errno != ECANCELED)
        return;
    (void) clock_watch_arm(l);
    timers_follow_clock(l);

    /* A listener may free sources, so that the walk starts anew after each call; each is called
     * once, marked by the round's number in its `at`. */
    usec_t round = ++l->order;
    for (struct event_source *s = l->sources; s;) {
        if (s->kind != SOURCE_CLOCK || !s->enabled || s->at == round) {
            s = s->next;
            continue;
        }
        s->at = round;
        l->n_called++;
        s->fn.clock(s, s->userdata);
        s = l->sources;
    }
}

int timers_init(struct event_loop *l)
{
    offset_read(l);
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    l->clock_watch.fn.internal = clock_changed;
    int r = watch_fd(l, &l->clock_watch, fd, EPOLLIN);
    if (r < 0) {
        close(fd);
        return r;
    }
    /* A kernel that cannot tell (gVisor's) leaves wall-clock timers late after a forward jump. */
    (void) clock_watch_arm(l);
    return 0;
}

int event_add_clock_change(struct event_loop *l, event_clock_fn fn, void *userdata,
                           struct event_source **ret)
{
    struct event_source *s;
    int r = source_new(l, SOURCE_CLOCK, userdata, &s);

    if (r < 0)
        return r;
    s->fn.clock = fn;
    s->enabled = true;
    source_hand_over(s, ret);
    return 0;
}

/* ---- time sources ---- */

void time_source_arm(struct event_source *s)
{
    if (s->enabled)
        timer_arm(s->loop, &s->timer, source_due(s));
    else
        timer_disarm(s->loop, &s->timer);
}

int event_add_time(struct event_loop *l, clockid_t clock, usec_t at, event_time_fn fn,
                   void *userdata, struct event_source **ret)
{
    struct event_source *s;

    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return -EOPNOTSUPP;
    int r = source_new(l, SOURCE_TIME, userdata, &s);
    if (r < 0)
        return r;
    s->fn.time = fn;
    s->clock = clock;
    event_source_set_time(s, at);
    source_hand_over(s, ret);
    return 0;
}

void event_source_set_time(struct event_source *s, usec_t at)
{
    assert(s->kind == SOURCE_TIME);
    s->at = at;
    event_source_enable(s);
}

void event_source_set_time_relative(struct event_source *s, usec_t span)
{
    event_source_set_time(s, usec_add(now_usec(s->clock), span));
}

usec_t event_source_time(const struct event_source *s)
{
    return s->at;
}

usec_t timers_wait(const struct event_loop *l, usec_t now, usec_t timeout)
{
    if (l->n_heap == 0)
        return timeout;
    return MIN(timeout, usec_sub(l->heap[0]->due, now));
}

/* Moves those that are due to the ready list: what callbacks arm meanwhile waits for the next turn,
 * and a timer that always asks for "now" starves nobody. */
static void collect_ready(struct event_loop *l)
{
    struct timer_node **end = &l->ready;

    while (*end)
        end = &(*end)->next_ready;
    while (l->n_heap > 0 && l->heap[0]->due <= l->monotonic) {
        struct timer_node *t = l->heap[0];

        heap_remove(l, t);
        t->next_ready = NULL;
        t->this_ready = end;
        *end = t;
        end = &t->next_ready;
    }
}

static void timer_dispatch(struct event_loop *l, struct event_source *s)
{
    if (s->kind != SOURCE_TIME) {
        s->muted = false;
        watch_update(s);
        return;
    }
    /* Rounding, or a clock set back since: never early. */
    if (s->clock == CLOCK_REALTIME && l->realtime < s->at) {
        offset_read(l);
        timer_arm(l, &s->timer, MAX(source_due(s), l->monotonic + 1));
        return;
    }
    s->enabled = false;
    l->n_called++;
    s->fn.time(s, s->at, s->userdata);
}

void timers_dispatch(struct event_loop *l)
{
    collect_ready(l);
    while (l->ready && !l->exiting) {
        struct timer_node *t = l->ready;

        timer_disarm(l, t);
        timer_dispatch(l, t->source);
    }
}
