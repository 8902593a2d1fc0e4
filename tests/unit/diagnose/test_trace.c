#include "diagnose/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

/* Begins body(argument) in a traced child, which waits until it is seized. Returns the tracer, or
 * NULL where the machine does not let us trace. */
static struct tracer *begin(void (*body)(void *), void *argument, bool filter)
{
    struct tracer *t = NULL;
    int ready[2], go[2];
    char c = 0;

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    assert_int_equal(tracer_new(&t), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        char how = 1;

        if (filter && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
            how = 0;
        /* The tracer is there before the first filtered call: that order is the caller's part. */
        if (write(ready[1], &how, 1) != 1 || read(go[0], &how, 1) != 1)
            _exit(99);
        if (filter && trace_filter_install() < 0)
            _exit(98);
        body(argument);
        _exit(97);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    int r = tracer_seize(t, pid, filter);
    if (r == -EPERM) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        tracer_free(t);
        return NULL;
    }
    assert_int_equal(r, 0);
    assert_int_equal(write(go[1], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(go[0]);
    close(go[1]);
    return t;
}

/* The same, to its end. */
static struct tracer *trace(void (*body)(void *), void *argument, bool filter)
{
    struct tracer *t = begin(body, argument, filter);

    while (t && tracer_run(t, USEC_PER_SEC) > 0)
        ;
    return t;
}

static const struct trace_event *find(struct tracer *t, const char *call, int error)
{
    size_t n;
    const struct trace_event *e = tracer_events(t, &n, NULL);

    for (size_t i = 0; i < n; i++)
        if (streq(e[i].call, call) && e[i].error == error)
            return &e[i];
    return NULL;
}

static void print_all(struct tracer *t)
{
    size_t n;
    const struct trace_event *e = tracer_events(t, &n, NULL);

    for (size_t i = 0; i < n; i++)
        print_message("%d %s: %s = %d x%u %s\n", (int) e[i].pid, e[i].comm, e[i].text, e[i].error,
                      e[i].count, strempty(e[i].path));
}

#define both_ways(body, argument, t) \
    for (int way = 0; way < 2; way++) \
        for (struct tracer *t = trace((body), (void *) (argument), way); t; \
             tracer_free(t), t = NULL)

static void shell(void *script)
{
    execl("/bin/sh", "sh", "-c", (char *) script, (char *) NULL);
}

static void failing_open_of_a_grandchild(void **state)
{
    both_ways(shell, "cd /usr && (cat ./nowhere/file; cat ./nowhere/file; true); exit 3", t)
    {
        size_t n;
        const struct trace_event *e = tracer_events(t, &n, NULL), *found = NULL;

        for (size_t i = 0; i < n; i++)
            if (e[i].error == ENOENT && streq(e[i].comm, "cat") && e[i].path &&
                strstr(e[i].path, "nowhere"))
                found = &e[i];
        if (!found)
            print_all(t);
        assert_non_null(found);
        assert_string_equal(found->path, "/usr/./nowhere/file");
        assert_int_equal(found->object, TRACE_PATH);
        assert_int_equal(tracer_root(t)->end, TRACE_EXITED);
        assert_int_equal(tracer_root(t)->status, 3);
        assert_true(tracer_root(t)->executed);
    }
}

static void bind_twice(void *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void) bind(fd, address, sizeof(struct sockaddr_in));
    _exit(errno == EADDRINUSE ? 5 : 6);
}

static void port_in_use(void **state)
{
    auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof a;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *) &a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &a, &size), 0);
    both_ways(bind_twice, &a, t)
    {
        const struct trace_event *e = find(t, "bind", EADDRINUSE);

        assert_non_null(e);
        assert_int_equal(e->port, ntohs(a.sin_port));
        assert_int_equal(e->family, AF_INET);
        assert_non_null(startswith(e->address, "127.0.0.1:"));
        assert_int_equal(tracer_root(t)->status, 5);
    }
}

static void missing_interpreter(void *path)
{
    execl(path, path, (char *) NULL);
    _exit(errno == ENOENT ? 1 : 2);
}

static void execve_of_a_script_without_its_interpreter(void **state)
{
    char path[] = "/tmp/test_trace.XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);

    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(write(fd, "#!/no/such/interpreter\n", 23), 23);
    close(fd);
    both_ways(missing_interpreter, path, t)
    {
        const struct trace_event *e = find(t, "execve", ENOENT);

        assert_non_null(e);
        assert_string_equal(e->path, path);
        assert_false(tracer_root(t)->executed);
        assert_int_equal(tracer_root(t)->status, 1);
    }
    unlink(path);
}

static void dies_by_signal(void **state)
{
    both_ways(shell, "kill -SEGV $$", t)
    {
        assert_int_equal(tracer_root(t)->end, TRACE_SIGNALED);
        assert_int_equal(tracer_root(t)->status, SIGSEGV);
    }
}

static void a_stopped_child_stays_stopped_until_continued(void **state)
{
    both_ways(shell,
              "sleep 100 & kill -STOP $!; "
              "while ! grep -qi 'State:.t' /proc/$!/status; do :; done; "
              "kill -CONT $!; while grep -qi 'State:.t' /proc/$!/status; do :; done; "
              "kill -KILL $!; wait $! 2>/dev/null; exit 0",
              t)
    {
        assert_int_equal(tracer_root(t)->end, TRACE_EXITED);
        assert_int_equal(tracer_root(t)->status, 0);
    }
}

static void what_repeats_is_counted(void **state)
{
    both_ways(shell, "for i in 1 2 3 4 5 6 7 8 9; do cd /nope 2>/dev/null; done; exit 0", t)
    {
        const struct trace_event *e = find(t, "chdir", ENOENT);

        if (!e)
            print_all(t);
        assert_non_null(e);
        assert_int_equal(e->count, 9);
    }
}

static int every_program(pid_t pid, void *userdata)
{
    (void) pid;
    (void) userdata;
    return 1;
}

/* A manager that starts one program, whose words go into the pipe. */
_noreturn_ static void be_manager(const char *script, int words, int go)
{
    char c;
    int status;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(go, &c, 1) != 1)
        _exit(99);
    pid_t pid = fork();
    if (pid == 0) {
        /* So that everybody may have a filter. */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || dup2(words, 1) < 0)
            _exit(98);
        shell((void *) script);
        _exit(97);
    }
    waitpid(pid, &status, 0);
    _exit(0);
}

static void a_program_of_a_manager_gets_the_filter(void **state)
{
    static const char script[] =
        "grep ^Seccomp: /proc/self/status; cat /nowhere/file 2>&1; trap 'echo signal' USR1; "
        "(kill -USR1 $$) & wait; echo end $?";

    (void) state;
    for (int filter = 0; filter < 2; filter++) {
        struct tracer *t = NULL;
        int words[2], go[2];
        char text[512] = "";
        size_t n = 0, executed;

        assert_int_equal(pipe2(words, O_CLOEXEC), 0);
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        assert_int_equal(tracer_new(&t), 0);
        pid_t manager = fork();
        assert_true(manager >= 0);
        if (manager == 0)
            be_manager(script, words[1], go[0]);
        int r = tracer_seize_manager(t, manager, filter, every_program, NULL);
        if (r == -EPERM) {
            kill(manager, SIGKILL);
            waitpid(manager, NULL, 0);
            tracer_free(t);
            skip();
        }
        assert_int_equal(write(go[1], "", 1), 1);
        while (tracer_run(t, USEC_PER_SEC) > 0)
            ;
        close(words[1]);
        for (ssize_t got; (got = read(words[0], text + n, sizeof text - 1 - n)) > 0;)
            n += (size_t) got;
        (void) tracer_watched(t, &executed);
        assert_true(executed >= 3);
        const struct trace_event *e = find(t, "openat", ENOENT);
        if (!e || !strstr(text, "signal") || !strstr(text, "No such file"))
            fail_msg("filter %d: %s", filter, text);
#ifdef __x86_64__
        /* A machine may have a filter of its own around all of it: then none is given. */
        if (strstr(text, "Seccomp:\t0"))
            assert_false(tracer_has_filtered(t));
        else if (filter)
            assert_non_null(strstr(text, "Seccomp:\t2"));
        if (!filter)
            assert_false(tracer_has_filtered(t));
#endif
        close(words[0]);
        close(go[0]);
        close(go[1]);
        tracer_free(t);
    }
}

static volatile sig_atomic_t n_terms;

static void count_term(int signal)
{
    n_terms += signal == SIGTERM;
}

/* Has had a SIGTERM when its child, which has not, is there. Exits with how many it had, and the
 * child's end. */
static void parent_of_one_left_over(void *ready)
{
    int status = 0;

    (void) signal(SIGTERM, count_term);
    (void) raise(SIGTERM);
    pid_t child = fork();
    if (child == 0) {
        (void) signal(SIGTERM, SIG_DFL);
        (void) alarm(60);
        if (write(*(int *) ready, "", 1) != 1)
            _exit(1);
        for (;;)
            (void) pause();
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    _exit((int) n_terms * 100 + (WIFSIGNALED(status) ? WTERMSIG(status) : 0));
}

static void who_had_no_signal_gets_it(void **state)
{
    for (int way = 0; way < 2; way++) {
        auto_close int out = -1;
        int ready[2];
        char c;

        assert_int_equal(pipe2(ready, O_CLOEXEC | O_NONBLOCK), 0);
        out = ready[0];
        struct tracer *t = begin(parent_of_one_left_over, &ready[1], way);
        if (!t) {
            close(ready[1]);
            skip();
        }
        while (read(out, &c, 1) != 1 && tracer_run(t, 10 * USEC_PER_MSEC) > 0)
            ;
        tracer_signal_rest(t, SIGTERM);
        while (tracer_run(t, USEC_PER_SEC) > 0)
            ;
        assert_int_equal(tracer_root(t)->status, 100 + SIGTERM);
        close(ready[1]);
        tracer_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_open_of_a_grandchild),
        cmocka_unit_test(port_in_use),
        cmocka_unit_test(execve_of_a_script_without_its_interpreter),
        cmocka_unit_test(dies_by_signal),
        cmocka_unit_test(a_stopped_child_stays_stopped_until_continued),
        cmocka_unit_test(what_repeats_is_counted),
        cmocka_unit_test(a_program_of_a_manager_gets_the_filter),
        cmocka_unit_test(who_had_no_signal_gets_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
