#include "event/event.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

struct fixture {
    struct event_loop *loop;
    int pipe[2][2];
    struct event_source *source[2];
    unsigned n_calls;
    uint32_t revents;
};

static int setup(void **state)
{
    struct fixture *f = new0(struct fixture, 1);

    assert_int_equal(event_loop_new(&f->loop), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pipe2(f->pipe[i], O_CLOEXEC | O_NONBLOCK), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    event_loop_free(f->loop);
    for (int i = 0; i < 2; i++) {
        close_fd(f->pipe[i][0]);
        close_fd(f->pipe[i][1]);
    }
    free(f);
    return 0;
}

static void count_io(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    f->revents = revents;
}

static void free_other(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct fixture *f = userdata;
    int other = s == f->source[0];

    f->n_calls++;
    f->source[other] = event_source_free(f->source[other]);
    /* A new source on the same descriptor must not inherit the event that is queued. */
    assert_int_equal(event_add_io(f->loop, f->pipe[other][0], EPOLLPRI, count_io, f, NULL), 0);
}

static void callback_frees_another_source_of_the_batch(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            event_add_io(f->loop, f->pipe[i][0], EPOLLIN, free_other, f, &f->source[i]), 0);
        assert_int_equal(write(f->pipe[i][1], "x", 1), 1);
    }
    assert_int_equal(event_loop_run_once(f->loop, 0), 1);
    assert_int_equal(f->n_calls, 1);
}

static void free_itself(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    f->source[0] = event_source_free(s);
}

static void callback_frees_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(event_add_io(f->loop, f->pipe[0][0], EPOLLIN, free_itself, f, &f->source[0]),
                     0);
    assert_int_equal(write(f->pipe[0][1], "x", 1), 1);
    assert_int_equal(event_loop_run_once(f->loop, 0), 1);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    assert_int_equal(f->n_calls, 1);
}

static void disabled_source_loses_nothing_and_does_not_spin(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(event_add_io(f->loop, f->pipe[0][0], EPOLLIN, count_io, f, &f->source[0]), 0);
    event_source_disable(f->source[0]);
    assert_int_equal(write(f->pipe[0][1], "x", 1), 1);
    f->pipe[0][1] = close_fd(f->pipe[0][1]); /* a hang-up, which epoll reports unasked */
    usec_t begin = now_usec(CLOCK_MONOTONIC);
    for (int i = 0; i < 3; i++)
        assert_int_equal(event_loop_run_once(f->loop, 20 * USEC_PER_MSEC), 0);
    assert_true(now_usec(CLOCK_MONOTONIC) - begin >= 40 * USEC_PER_MSEC);

    event_source_enable(f->source[0]);
    assert_int_equal(event_loop_run_once(f->loop, 0), 1);
    assert_int_equal(f->revents, EPOLLIN | EPOLLHUP);
}

static void regular_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct event_source *untouched = f->source[0];
    auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    assert_int_equal(event_add_io(f->loop, fd, EPOLLIN, count_io, f, &f->source[0]), -EPERM);
    assert_ptr_equal(f->source[0], untouched);
}

static void flood_is_muted(void **state)
{
    struct fixture *f = *state;
    usec_t interval = 30 * USEC_PER_MSEC, begin = now_usec(CLOCK_MONOTONIC), took;

    assert_int_equal(event_add_io(f->loop, f->pipe[0][0], EPOLLIN, count_io, f, &f->source[0]), 0);
    assert_int_equal(write(f->pipe[0][1], "x", 1), 1); /* never read: ready for ever */
    event_source_set_rate_limit(f->source[0], interval, 5);
    while (f->n_calls < 16)
        assert_true(event_loop_run_once(f->loop, USEC_INFINITY) >= 0);
    took = now_usec(CLOCK_MONOTONIC) - begin;
    if (took < 3 * interval)
        fail_msg("16 calls at 5 in 30 ms took only %ju us", (uintmax_t) took);

    event_source_set_rate_limit(f->source[0], 0, 0);
    f->n_calls = 0;
    for (int i = 0; i < 20; i++)
        event_loop_run_once(f->loop, 0);
    assert_int_equal(f->n_calls, 20);
}

static void exit_from_io(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    event_loop_exit(event_source_loop(s), 7);
}

static void exit_stops_after_the_callback(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(event_add_io(f->loop, f->pipe[i][0], EPOLLIN, exit_from_io, f, NULL), 0);
        assert_int_equal(write(f->pipe[i][1], "x", 1), 1);
    }
    assert_int_equal(event_loop_run(f->loop), 7);
    assert_int_equal(f->n_calls, 1);
    assert_int_equal(event_loop_run(f->loop), 7); /* the other event was not lost */
    assert_int_equal(f->n_calls, 2);
}

/* ---- deferred work ---- */

static void count_post(struct event_source *s, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    if (f->n_calls % 2)
        event_source_enable(s);
}

static void post_runs_once_before_waiting(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(event_add_post(f->loop, count_post, f, &f->source[0]), 0);
    event_source_enable(f->source[0]); /* twice is once */
    assert_int_equal(event_loop_run_once(f->loop, USEC_INFINITY), 1);
    assert_int_equal(f->n_calls, 1);
    assert_int_equal(event_loop_run_once(f->loop, USEC_INFINITY), 1); /* it asked again */
    assert_int_equal(f->n_calls, 2);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);

    event_source_enable(f->source[0]);
    event_source_disable(f->source[0]);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    assert_int_equal(f->n_calls, 2);
}

static void free_other_post(struct event_source *s, void *userdata)
{
    struct fixture *f = userdata;
    int other = s == f->source[0];

    f->n_calls++;
    f->source[other] = event_source_free(f->source[other]);
}

static void post_frees_another_post(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(event_add_post(f->loop, free_other_post, f, &f->source[0]), 0);
    assert_int_equal(event_add_post(f->loop, free_other_post, f, &f->source[1]), 0);
    assert_int_equal(event_add_post(f->loop, count_post, f, NULL), 0);
    event_loop_run_once(f->loop, 0);
    assert_int_equal(f->n_calls, 2);
    assert_null(f->source[1]);
}

static void turn_again(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    f->source[0] = event_source_free(s);
    assert_int_equal(event_loop_run_once(f->loop, 0), 1);
}

static void nested_turn(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(event_add_io(f->loop, f->pipe[0][0], EPOLLIN, turn_again, f, &f->source[0]),
                     0);
    assert_int_equal(event_add_io(f->loop, f->pipe[1][0], EPOLLIN, free_itself, f, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(f->pipe[i][1], "x", 1), 1);
    event_loop_run_once(f->loop, 0);
    assert_int_equal(f->n_calls, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(callback_frees_another_source_of_the_batch),
        TEST(callback_frees_itself),
        TEST(disabled_source_loses_nothing_and_does_not_spin),
        TEST(regular_file_is_refused),
        TEST(flood_is_muted),
        TEST(exit_stops_after_the_callback),
        TEST(post_runs_once_before_waiting),
        TEST(post_frees_another_post),
        TEST(nested_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
