#include "manager/helper.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "base/fd.h"
#include "base/macro.h"

_noreturn_ static void child(char **argv, char **environment, int fd)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    /* Signals of the terminal's group are the manager's to act on. */
    setpgid(0, 0);
    /* What an earlier manager handed over, and nobody has looked at yet, would stay open there. */
    (void) close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (fd >= 0)
        (void) fd_cloexec(fd, false);
    execve("/proc/self/exe", argv, environment ? environment : environ);
    _exit(203);
}

pid_t manager_start_helper(char **argv, char **environment, int fd)
{
    pid_t pid = fork();

    if (pid == 0)
        child(argv, environment, fd);
    return pid < 0 ? -errno : pid;
}
