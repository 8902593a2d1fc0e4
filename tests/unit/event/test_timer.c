#include "event/event.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "event/internal.h"

#define N_TIMERS 500

struct fixture {
    struct event_loop *loop;
    struct event_source *source[N_TIMERS];
    usec_t last;
    unsigned n_calls;
};

static int setup(void **state)
{
    struct fixture *f = new0(struct fixture, 1);

    assert_int_equal(event_loop_new(&f->loop), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    event_loop_free(f->loop);
    free(f);
    return 0;
}

static void in_order(struct event_source *s, usec_t due, void *userdata)
{
    struct fixture *f = userdata;

    if (due < f->last)
        fail_msg("%ju after %ju", (uintmax_t) due, (uintmax_t) f->last);
    assert_false(event_source_enabled(s));
    f->last = due;
    f->n_calls++;
}

static void timers_fire_in_order_of_time(void **state)
{
    struct fixture *f = *state;
    usec_t base = now_usec(CLOCK_MONOTONIC) - USEC_PER_SEC;
    uint32_t random = 1;
    unsigned n = 0;

    for (int i = 0; i < N_TIMERS; i++) {
        random = random * 1664525 + 1013904223;
        assert_int_equal(event_add_time(f->loop, CLOCK_MONOTONIC, base + random % 9973, in_order, f,
                                        &f->source[i]),
                         0);
    }
    for (int i = 0; i < N_TIMERS; i++) {
        random = random * 1664525 + 1013904223;
        switch (random >> 16 & 3) {
        case 0:
            event_source_set_time(f->source[i], base + random % 9973);
            n++;
            break;
        case 1:
            event_source_disable(f->source[i]);
            break;
        case 2:
            f->source[i] = event_source_free(f->source[i]);
            break;
        default:
            n++;
            break;
        }
    }
    while (event_loop_run_once(f->loop, 0) > 0)
        ;
    assert_int_equal(f->n_calls, n);
}

static void remember(struct event_source *s, usec_t due, void *userdata)
{
    char *text = userdata;

    strcat(text, due == 1 ? "a" : due == 2 ? "b" : "c");
    if (due == 2)
        event_source_set_time(s, 0); /* in the past: next turn */
    else if (due == 0)
        event_source_set_time(s, USEC_INFINITY);
}

static void timer_that_asks_for_now_starves_nobody(void **state)
{
    struct fixture *f = *state;
    char text[16] = "";

    for (usec_t due = 1; due <= 3; due++)
        assert_int_equal(event_add_time(f->loop, CLOCK_MONOTONIC, due, remember, text, NULL), 0);
    event_loop_run_once(f->loop, 0);
    assert_string_equal(text, "abc");
    event_loop_run_once(f->loop, 0);
    assert_string_equal(text, "abcc");
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
}

static void free_all(struct event_source *s, usec_t due, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    for (int i = 0; i < 3; i++)
        f->source[i] = event_source_free(f->source[i]);
}

static void timer_frees_others_that_are_due(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        assert_int_equal(event_add_time(f->loop, CLOCK_MONOTONIC, 1, free_all, f, &f->source[i]),
                         0);
    assert_int_equal(event_loop_run_once(f->loop, 0), 1);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    assert_int_equal(f->n_calls, 1);
}

static void never_early_on_either_clock(void **state)
{
    static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
    struct fixture *f = *state;

    for (size_t i = 0; i < ELEMENTSOF(clocks); i++) {
        usec_t at = now_usec(clocks[i]) + 5300;

        f->last = 0;
        assert_int_equal(event_add_time(f->loop, clocks[i], at, in_order, f, NULL), 0);
        while (f->last == 0)
            assert_true(event_loop_run_once(f->loop, USEC_PER_SEC) >= 0);
        assert_int_equal(f->last, at);
        assert_true(now_usec(clocks[i]) >= at);
    }
    assert_int_equal(event_add_time(f->loop, CLOCK_THREAD_CPUTIME_ID, 0, in_order, f, NULL),
                     -EOPNOTSUPP);
}

/* Setting the machine's clock is not for tests: the loop is made to believe that it was an hour
 * off, which is how it stands right after a jump. */
static void wall_clock_timers_follow_a_jump(void **state)
{
    struct fixture *f = *state;
    usec_t now = now_usec(CLOCK_REALTIME);

    f->loop->offset -= USEC_PER_HOUR; /* due an hour from now, as far as the heap knows */
    for (int i = 0; i < 20; i++)
        assert_int_equal(event_add_time(f->loop, CLOCK_REALTIME, now - 20 + (usec_t) (7 * i) % 20,
                                        in_order, f, NULL),
                         0);
    assert_int_equal(event_add_time(f->loop, CLOCK_MONOTONIC, USEC_INFINITY - 1, in_order, f, NULL),
                     0);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    timers_follow_clock(f->loop);
    assert_int_equal(event_loop_run_once(f->loop, 0), 1);
    assert_int_equal(f->n_calls, 20);

    f->loop->offset += USEC_PER_HOUR; /* the other way: due already, as far as the heap knows */
    f->n_calls = 0;
    assert_int_equal(
        event_add_time(f->loop, CLOCK_REALTIME, now + USEC_PER_MINUTE, in_order, f, NULL), 0);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    assert_int_equal(event_loop_run_once(f->loop, 1000), 0);
    assert_int_equal(f->n_calls, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_in_order_of_time),    TEST(timer_that_asks_for_now_starves_nobody),
        TEST(timer_frees_others_that_are_due), TEST(never_early_on_either_clock),
        TEST(wall_clock_timers_follow_a_jump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
