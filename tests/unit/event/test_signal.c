#include "event/event.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/process.h"

struct fixture {
    struct event_loop *loop;
    unsigned n_calls;
    int signo;
    siginfo_t si;
    char state; /* of the process while the callback ran */
    bool free_it;
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

static void seen_signal(struct event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
    struct fixture *f = userdata;

    f->n_calls++;
    f->signo = (int) si->ssi_signo;
}

static void signals_are_delivered_and_stay_pending_while_disabled(void **state)
{
    struct fixture *f = *state;
    struct event_source *s, *other = NULL;

    assert_int_equal(event_add_signal(f->loop, SIGUSR1, seen_signal, f, &s), 0);
    assert_int_equal(event_add_signal(f->loop, SIGUSR1, seen_signal, f, &other), -EBUSY);
    assert_null(other);
    assert_int_equal(event_add_signal(f->loop, SIGRTMIN + 3, seen_signal, f, NULL), 0);

    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(event_loop_run_once(f->loop, USEC_PER_SEC), 1);
    assert_int_equal(f->signo, SIGUSR1);

    event_source_disable(s);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(raise(SIGRTMIN + 3), 0);
    assert_int_equal(event_loop_run_once(f->loop, USEC_PER_SEC), 1);
    assert_int_equal(f->signo, SIGRTMIN + 3);
    assert_int_equal(f->n_calls, 2);

    event_source_enable(s);
    assert_int_equal(event_loop_run_once(f->loop, USEC_PER_SEC), 1);
    assert_int_equal(f->signo, SIGUSR1);
    s = event_source_free(s);
    assert_int_equal(event_add_signal(f->loop, SIGUSR1, seen_signal, f, &s), 0);
}

static void seen_exit(struct event_source *s, const siginfo_t *si, void *userdata)
{
    struct fixture *f = userdata;
    struct process_stat st = { .state = '-' };

    (void) process_stat(event_source_child_pid(s), &st);
    f->state = st.state;
    f->si = *si;
    f->n_calls++;
    if (f->free_it)
        event_source_free(s);
}

static pid_t child_exits(int status)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(status);
    return pid;
}

static void wait_for_exit(struct fixture *f)
{
    usec_t deadline = now_usec(CLOCK_MONOTONIC) + 10 * USEC_PER_SEC;

    f->n_calls = 0;
    while (f->n_calls == 0) {
        assert_true(event_loop_run_once(f->loop, USEC_PER_SEC) >= 0);
        assert_true(now_usec(CLOCK_MONOTONIC) < deadline);
    }
}

static void child_is_a_zombie_in_the_callback_and_reaped_after(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        f->free_it = i;
        pid_t pid = child_exits(3);
        assert_int_equal(event_add_child(f->loop, pid, seen_exit, f, NULL), 0);
        wait_for_exit(f);
        assert_int_equal(f->si.si_pid, pid);
        assert_int_equal(f->si.si_code, CLD_EXITED);
        assert_int_equal(f->si.si_status, 3);
        assert_int_equal(f->state, 'Z');
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    }
}

static void child_killed_by_signal(void **state)
{
    struct fixture *f = *state;
    struct event_source *s;
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    assert_int_equal(event_add_child(f->loop, pid, seen_exit, f, &s), 0);
    assert_int_equal(event_loop_run_once(f->loop, 0), 0);
    assert_int_equal(pidfd_signal(event_source_child_pidfd(s), SIGKILL), 0);
    wait_for_exit(f);
    assert_int_equal(f->si.si_code, CLD_KILLED);
    assert_int_equal(f->si.si_status, SIGKILL);
    event_source_free(s);
}

static void process_of_others_ends_without_status(void **state)
{
    struct fixture *f = *state;
    int fds[2], hold[2];
    pid_t grandchild;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            close(hold[1]);
            _exit((int) read(hold[0], &pid, sizeof pid)); /* until the test lets go */
        }
        _exit(write(fds[1], &pid, sizeof pid) != sizeof pid);
    }
    assert_int_equal(read(fds[0], &grandchild, sizeof grandchild), sizeof grandchild);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(event_add_child(f->loop, grandchild, seen_exit, f, NULL), 0);
    close(hold[1]);
    wait_for_exit(f);
    assert_int_equal(f->si.si_pid, grandchild);
    assert_int_equal(f->si.si_code, 0);
    close(hold[0]);
    close(fds[0]);
    close(fds[1]);
}

static void no_such_process(void **state)
{
    struct fixture *f = *state;
    pid_t pid = child_exits(0);

    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(event_add_child(f->loop, pid, seen_exit, f, NULL), -ESRCH);
}

/* With no descriptor left there is no pidfd: SIGCHLD tells, as on kernels without pidfds. */
static void child_without_pidfd(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, none;

    assert_int_equal(event_add_signal(f->loop, SIGUSR2, seen_signal, f, NULL), 0);
    auto_close int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){ .rlim_cur = (rlim_t) next, .rlim_max = old.rlim_max };

    for (int i = 0; i < 2; i++) {
        struct event_source *s;
        pid_t pid = child_exits(4);

        if (i == 1) /* gone before we begin: its SIGCHLD was never blocked */
            assert_int_equal(waitid(P_PID, (id_t) pid, &f->si, WEXITED | WNOWAIT), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        int r = event_add_child(f->loop, pid, seen_exit, f, &s);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_int_equal(r, 0);
        assert_int_equal(event_source_child_pidfd(s), -1);
        wait_for_exit(f);
        assert_int_equal(f->si.si_pid, pid);
        assert_int_equal(f->si.si_status, 4);
        assert_int_equal(f->state, 'Z');
        assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
        event_source_free(s);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signals_are_delivered_and_stay_pending_while_disabled),
        TEST(child_is_a_zombie_in_the_callback_and_reaped_after),
        TEST(child_killed_by_signal),
        TEST(process_of_others_ends_without_status),
        TEST(no_such_process),
        TEST(child_without_pidfd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
