#include "base/process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

#define PROC_FILE_MAX (4u << 20)
#define PF_KTHREAD 0x00200000 /* proc(5), flags of /proc/PID/stat */

#define PROC_PATH_MAX 64

static const char *proc_path(char path[static PROC_PATH_MAX], pid_t pid, const char *file)
{
    snprintf(path, PROC_PATH_MAX, "/proc/%d/%s", (int) pid, file);
    return path;
}

static int proc_read(pid_t pid, const char *file, char **ret, size_t *ret_size)
{
    char path[PROC_PATH_MAX];
    int r = file_read(proc_path(path, pid, file), PROC_FILE_MAX, ret, ret_size);

    /* Without the process the folder is missing; one that goes while we read gives ESRCH. */
    return r == -ENOENT ? -ESRCH : r;
}

static int stat_parse(pid_t pid, struct process_stat *ret, unsigned *ret_flags)
{
    auto_free char *text = NULL;
    struct process_stat st = {};
    unsigned flags;
    int r = proc_read(pid, "stat", &text, NULL);

    if (r < 0)
        return r;
    /* The name may hold parentheses, spaces and newlines: it ends at the last ")". */
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open)
        return -EBADMSG;
    size_t n = MIN((size_t) (close - open - 1), sizeof st.comm - 1);
    memcpy(st.comm, open + 1, n);
    if (sscanf(close + 1,
               " %c %d %d %d %*d %*d %u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
               " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64 " %*u %" SCNu64,
               &st.state, &st.ppid, &st.pgrp, &st.session, &flags, &st.utime_ticks, &st.stime_ticks,
               &st.threads, &st.start_ticks, &st.rss_pages) != 10)
        return -EBADMSG;
    *ret = st;
    if (ret_flags)
        *ret_flags = flags;
    return 0;
}

int process_stat(pid_t pid, struct process_stat *ret)
{
    return stat_parse(pid, ret, NULL);
}

bool process_is_alive(pid_t pid)
{
    struct process_stat st;

    return stat_parse(pid, &st, NULL) >= 0 && st.state != 'Z' && st.state != 'X';
}

int process_is_kernel_thread(pid_t pid)
{
    struct process_stat st;
    unsigned flags;
    int r = stat_parse(pid, &st, &flags);

    return r < 0 ? r : (flags & PF_KTHREAD) != 0;
}

int process_comm(pid_t pid, char **ret)
{
    auto_free char *text = NULL;
    size_t n;
    int r = proc_read(pid, "comm", &text, &n);

    if (r < 0)
        return r;
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = 0;
    *ret = take_ptr(text);
    return 0;
}

int process_argv(pid_t pid, char ***ret)
{
    auto_free char *text = NULL;
    auto_strv char **argv = new0(char *, 2);
    size_t n;
    int r = proc_read(pid, "cmdline", &text, &n);

    if (r < 0)
        return r;
    if (!argv)
        return -ENOMEM;
    for (const char *p = text; p < text + n; p += strlen(p) + 1)
        if (strv_add(&argv, p) < 0)
            return -ENOMEM;
    *ret = take_ptr(argv);
    return 0;
}

int process_command_line(pid_t pid, char **ret)
{
    auto_strv char **argv = NULL;
    int r = process_argv(pid, &argv);

    if (r < 0)
        return r;
    /* A process that overwrote its arguments with a title leaves a tail of empty ones. */
    for (size_t n = strv_length(argv); n > 0 && !*argv[n - 1]; n--) {
        free(argv[n - 1]);
        argv[n - 1] = NULL;
    }
    if (*argv) {
        for (char **a = argv; *a; a++) {
            char *clean = utf8_sanitize(*a, strlen(*a), false);
            if (!clean)
                return -ENOMEM;
            free(*a);
            *a = clean;
        }
        char *text = quote_command_line(argv);
        if (!text)
            return -ENOMEM;
        *ret = text;
        return 0;
    }

    auto_free char *comm = NULL;
    r = process_comm(pid, &comm);
    if (r < 0)
        return r;
    char *text = format("[%s]", comm);
    if (!text)
        return -ENOMEM;
    *ret = text;
    return 0;
}

/* Where the line "NAME:" of /proc/PID/status goes on, or NULL. */
static const char *status_field(const char *status, const char *name)
{
    size_t n = strlen(name);

    for (const char *line = status; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1;
    }
    return NULL;
}

int process_ids(pid_t pid, struct process_ids *ret)
{
    auto_free char *text = NULL;
    struct process_ids ids;
    int r = proc_read(pid, "status", &text, NULL);

    if (r < 0)
        return r;
    const char *uids = status_field(text, "Uid"), *gids = status_field(text, "Gid");
    if (!uids || !gids || sscanf(uids, "%u %u", &ids.uid, &ids.euid) != 2 ||
        sscanf(gids, "%u %u", &ids.gid, &ids.egid) != 2)
        return -EBADMSG;
    *ret = ids;
    return 0;
}

int process_cgroup(pid_t pid, char **ret)
{
    auto_free char *text = NULL;
    int r = proc_read(pid, "cgroup", &text, NULL);

    if (r < 0)
        return r;
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        const char *path = startswith(line, "0::");
        if (!path)
            continue;
        const char *deleted = endswith(path, " (deleted)");
        char *copy = memdup0(path, deleted ? (size_t) (deleted - path) : strlen(path));
        if (!copy)
            return -ENOMEM;
        *ret = copy;
        return 0;
    }
    return -ENODATA;
}

int process_exe(pid_t pid, char **ret)
{
    char path[PROC_PATH_MAX];
    int r = readlink_alloc(proc_path(path, pid, "exe"), ret);

    if (r != -ENOENT)
        return r;
    /* Kernel threads have the link, and it leads nowhere. */
    return access(proc_path(path, pid, "stat"), F_OK) < 0 ? -ESRCH : -ENOENT;
}

int process_link(pid_t pid, const char *name, char **ret)
{
    char path[PROC_PATH_MAX];
    auto_free char *root = NULL, *target = NULL;
    int r = readlink_alloc(proc_path(path, pid, name), &target);

    if (r < 0)
        return r == -ENOENT ? -ESRCH : r;
    if (path_is_absolute(target) && !streq(name, "root") &&
        readlink_alloc(proc_path(path, pid, "root"), &root) >= 0 && !streq(root, "/")) {
        const char *below = path_startswith(target, root);
        if (below) {
            *ret = format("/%s", below);
            return *ret ? 0 : -ENOMEM;
        }
    }
    *ret = take_ptr(target);
    return 0;
}

int process_getenv(pid_t pid, const char *name, char **ret)
{
    auto_free char *text = NULL;
    size_t n, length = strlen(name);
    int r = proc_read(pid, "environ", &text, &n);

    if (r < 0)
        return r;
    for (const char *p = text; p < text + n; p += strlen(p) + 1) {
        if (strncmp(p, name, length) != 0 || p[length] != '=')
            continue;
        char *value = strdup(p + length + 1);
        if (!value)
            return -ENOMEM;
        *ret = value;
        return 0;
    }
    return -ENOENT;
}

int pidfd_from_pid(pid_t pid)
{
    int fd = (int) syscall(SYS_pidfd_open, pid, 0);

    return fd < 0 ? -errno : fd; /* the kernel sets CLOEXEC */
}

int pidfd_signal(int pidfd, int signo)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_to_pid(int pidfd, pid_t *ret)
{
    char path[PROC_PATH_MAX];
    auto_free char *text = NULL;
    int pid;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    int r = file_read(path, PROC_FILE_MAX, &text, NULL);
    if (r < 0)
        return r == -ENOENT ? -EBADF : r;
    const char *field = status_field(text, "Pid");
    if (!field || sscanf(field, "%d", &pid) != 1)
        return -EBADF;
    if (pid <= 0)
        return -ESRCH;
    *ret = pid;
    return 0;
}
