#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"

static void own_process(void **state)
{
    struct process_stat st;
    struct process_ids ids;
    auto_free char *exe = NULL, *link = NULL, *line = NULL, *comm = NULL;
    auto_strv char **argv = NULL;
    pid_t me = getpid();

    assert_int_equal(prctl(PR_SET_NAME, "a) Z (b"), 0); /* names may hold anything */
    assert_int_equal(process_stat(me, &st), 0);
    assert_string_equal(st.comm, "a) Z (b");
    assert_int_equal(st.state, 'R');
    assert_int_equal(st.ppid, getppid());
    assert_int_equal(st.session, getsid(0));
    assert_int_equal(st.threads, 1);
    assert_true(st.start_ticks > 0);
    assert_int_equal(process_comm(me, &comm), 0);
    assert_string_equal(comm, "a) Z (b");
    assert_int_equal(process_ids(me, &ids), 0);
    assert_int_equal(ids.uid, getuid());
    assert_int_equal(ids.egid, getegid());
    assert_int_equal(process_argv(me, &argv), 0);
    assert_int_equal(process_exe(me, &exe), 0);
    assert_int_equal(readlink_alloc("/proc/self/exe", &link), 0);
    assert_string_equal(exe, link);
    assert_int_equal(process_command_line(me, &line), 0);
    assert_non_null(strstr(line, path_basename(argv[0])));
    assert_true(process_is_alive(me));
    assert_int_equal(process_is_kernel_thread(me), 0);
}

/* A child that waits on a pipe, started with one argument with a space and a variable. */
static pid_t start(int *ret_release)
{
    int fds[2], ready[2];
    char c;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[0], 0);
        execle("/bin/sh", "sh", "-c", "read x", "an argument", (char *) NULL,
               (char *[]){ (char *) "AA=wrong", (char *) "A=right", NULL });
        _exit(127);
    }
    close(fds[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 0); /* its end is closed by the exec */
    close(ready[0]);
    *ret_release = fds[1];
    return pid;
}

static void another_process(void **state)
{
    int release;
    pid_t pid = start(&release), found = 0;
    auto_free char *line = NULL, *value = NULL, *gone = NULL;

    assert_int_equal(process_command_line(pid, &line), 0);
    assert_string_equal(line, "sh -c \"read x\" \"an argument\"");
    assert_int_equal(process_getenv(pid, "A", &value), 0);
    assert_string_equal(value, "right");
    assert_int_equal(process_getenv(pid, "B", &gone), -ENOENT);

    auto_close int pidfd = pidfd_from_pid(pid);
    assert_true(pidfd >= 0);
    assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(pidfd_to_pid(pidfd, &found), 0);
    assert_int_equal(found, pid);
    assert_int_equal(pidfd_signal(pidfd, SIGKILL), 0);
    siginfo_t si;
    assert_int_equal(waitid(P_PID, (id_t) pid, &si, WEXITED | WNOWAIT), 0);
    assert_false(process_is_alive(pid)); /* a zombie */
    free(take_ptr(line));
    assert_int_equal(process_command_line(pid, &line), 0);
    assert_string_equal(line, "[sh]");

    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(process_command_line(pid, &gone), -ESRCH);
    assert_int_equal(process_exe(pid, &gone), -ESRCH);
    assert_int_equal(pidfd_to_pid(pidfd, &found), -ESRCH);
    assert_int_equal(pidfd_signal(pidfd, 0), -ESRCH);
    assert_int_equal(pidfd_from_pid(pid), -ESRCH);
    assert_null(gone);
    close(release);
}

/* What a process in a root folder of its own has open is named from there. */
static void links(void **state)
{
    char folder[] = "/tmp/reeve-process-XXXXXX", byte;
    auto_free char *cwd = NULL, *own = NULL, *root = NULL, *gone = NULL;
    int ready[2], hold[2];

    (void) state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(process_link(getpid(), "cwd", &own), 0);
    assert_string_equal(own, folder);
    assert_int_equal(mkdir("below", 0755), 0);
    assert_int_equal(pipe(ready) | pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(hold[1]);
        byte = geteuid() == 0 && chroot(folder) == 0 && chdir("/below") == 0;
        if (write(ready[1], &byte, 1) == 1)
            (void) !read(hold[0], &byte, 1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    if (byte) {
        assert_int_equal(process_link(pid, "cwd", &cwd), 0);
        assert_string_equal(cwd, "/below");
        assert_int_equal(process_link(pid, "root", &root), 0);
        assert_string_equal(root, folder);
    }
    close(hold[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(process_link(pid, "cwd", &gone), -ESRCH);
    assert_int_equal(rmdir("below") | chdir("/") | rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(own_process),
        cmocka_unit_test(another_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
