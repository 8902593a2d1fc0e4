/* launch/fork.c -- clone3 with a pidfd and into a cgroup, where the kernel has it. */
#include "launch/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sched.h>

#include "base/fd.h"
#include "launch/cgroup.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* One process more below a folder that we write ourselves into: kernels before 5.7, and seccomp
 * filters of container runtimes that refuse clone3. */
static pid_t fork_and_move(int cgroup_fd, int *ret_pidfd)
{
    int gate[2] = { -1, -1 };

    if (cgroup_fd >= 0 && pipe2(gate, O_CLOEXEC) < 0)
        return -errno;
    auto_close int gate_read = gate[0], gate_write = gate[1];

    pid_t pid = (pid_t) syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        char ready;

        gate_write = close_fd(gate_write);
        /* Moved by the parent before anything runs, so that a failure is the parent's. */
        if (cgroup_fd >= 0 && read(gate_read, &ready, 1) != 1)
            _exit(1);
        return 0;
    }

    int r = cgroup_fd >= 0 ? cgroup_attach(cgroup_fd, pid) : 0;
    int pidfd = r < 0 ? -1 : (int) syscall(SYS_pidfd_open, pid, 0);
    if (r >= 0 && pidfd < 0)
        r = -errno;
    if (r >= 0 && cgroup_fd >= 0 && write(gate_write, "", 1) != 1)
        r = -errno;
    if (r < 0) {
        close_fd(pidfd);
        kill(pid, SIGKILL); /* reaped by the manager as any child that nobody knows */
        return r;
    }
    *ret_pidfd = pidfd;
    return pid;
}

pid_t fork_process(int cgroup_fd, int *ret_pidfd)
{
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t) (uintptr_t) &pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup_fd >= 0 ? (uint64_t) cgroup_fd : 0,
    };
    pid_t pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);

    if (pid < 0) {
        int error = errno;

        /* ENOSYS and EPERM: refused by a filter; E2BIG and EINVAL: too old for the cgroup. EACCES:
         * the process that made the folder may write it, the mount may not. */
        if (error == ENOSYS || error == EPERM || error == E2BIG || error == EINVAL ||
            (error == EACCES && cgroup_fd >= 0))
            return fork_and_move(cgroup_fd, ret_pidfd);
        return -error;
    }
    if (pid > 0)
        *ret_pidfd = pidfd;
    return pid;
}
