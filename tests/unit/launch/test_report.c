/* The launch report: what the child writes is what the manager reads, in any pieces, and nonsense
 * in the pipe is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/report.h"

static void open_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void executed(void **state)
{
    struct spawn_report r = { 0 };
    int fds[2];

    (void) state;
    open_pipe(fds);
    assert_int_equal(spawn_report_read(&r, fds[0]), 0);
    report_step(fds[1], EXEC_STATUS_NAMESPACE);
    report_degraded(fds[1], "ProtectSystem", -EPERM, "/usr");
    report_degraded(fds[1], "ProtectSystem", -EPERM, "/usr");
    report_degraded(fds[1], "PrivateIPC", -EPERM, NULL);
    report_identity(fds[1], 33, 34);
    report_dynamic_user(fds[1], 61184);
    assert_int_equal(spawn_report_read(&r, fds[0]), 0);
    assert_int_equal(r.state, SPAWN_SETTING_UP);
    assert_int_equal(r.step, EXEC_STATUS_NAMESPACE);
    report_execve(fds[1]);
    close(fds[1]);
    assert_int_equal(spawn_report_read(&r, fds[0]), 1);
    assert_int_equal(r.state, SPAWN_EXECUTED);
    assert_int_equal(r.n_degraded, 2);
    assert_string_equal(r.degraded[0].directive, "ProtectSystem");
    assert_string_equal(r.degraded[0].object, "/usr");
    assert_null(r.degraded[1].object);
    assert_int_equal(r.uid, 33);
    assert_int_equal(r.gid, 34);
    assert_int_equal(r.dynamic_uid, 61184);
    assert_true(r.at > 0);
    spawn_report_done(&r);
    close(fds[0]);
}

static void gone_without_a_word(void **state)
{
    struct spawn_report r = { 0 };
    int fds[2];

    (void) state;
    open_pipe(fds);
    report_step(fds[1], EXEC_STATUS_USER);
    close(fds[1]);
    assert_int_equal(spawn_report_read(&r, fds[0]), 1);
    assert_int_equal(r.state, SPAWN_GONE);
    assert_int_equal(r.step, EXEC_STATUS_USER);
    assert_int_equal(r.uid, (uid_t) -1);
    spawn_report_done(&r);
    close(fds[0]);
}

/* execve() can fail after the marker: the failure is in force. Texts of any length fit. */
static void failed(void **state)
{
    struct failure f = { .step = EXEC_STATUS_EXEC,
                         .error = -ENOENT,
                         .exec = SPAWN_EXEC_EXECUTE,
                         .directive = "ExecStart" };
    struct spawn_report r = { 0 };
    int fds[2];

    (void) state;
    memset(f.object, 'x', sizeof f.object - 1);
    memset(f.detail, 'y', sizeof f.detail - 1);
    open_pipe(fds);
    report_execve(fds[1]);
    report_failed(fds[1], &f);
    close(fds[1]);
    assert_int_equal(spawn_report_read(&r, fds[0]), 1);
    assert_int_equal(r.state, SPAWN_FAILED);
    assert_int_equal(r.error, -ENOENT);
    assert_int_equal(r.exec, SPAWN_EXEC_EXECUTE);
    assert_true(strlen(r.object) > 2000);
    assert_true(strlen(r.detail) > 400);
    assert_string_equal(r.directive, "ExecStart");
    spawn_report_done(&r);
    close(fds[0]);
}

static void nonsense(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32 },
        { "\xff\xff\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
          "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
          32 },
        { "\x20\0\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
          "\x01"
          "\x01\x01\x01\x01\x01\x01\x01\x01\x01",
          32 },
        { "\x28\0\x04\0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 40 },
    };

    (void) state;
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct spawn_report r = { 0 };
        int fds[2];

        open_pipe(fds);
        assert_int_equal(fd_write_all(fds[1], cases[i].bytes, cases[i].n), 0);
        close(fds[1]);
        if (spawn_report_read(&r, fds[0]) != -EBADMSG)
            fail_msg("case %zu is taken", i);
        spawn_report_done(&r);
        close(fds[0]);
    }
}

static void message_names_all(void **state)
{
    struct spawn_report r = { .state = SPAWN_FAILED,
                              .step = EXEC_STATUS_CHDIR,
                              .error = -ENOENT,
                              .object = (char *) "/srv/x",
                              .directive = (char *) "WorkingDirectory" };
    auto_free char *text = spawn_report_message(&r);

    (void) state;
    assert_string_equal(text, "Changing to the requested working directory failed: /srv/x: No such "
                              "file or directory (WorkingDirectory=)");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(executed), cmocka_unit_test(gone_without_a_word), cmocka_unit_test(failed),
    cmocka_unit_test(nonsense), cmocka_unit_test(message_names_all),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
