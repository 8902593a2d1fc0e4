/* Which process is the main one: PIDFile=, MAINPID=, GuessMainPID=. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/str.h"
#include "event/event.h"
#include "manager/service.h"

#define PID_FILE_MAX 4096

bool service_is_our_child(const struct service *s, pid_t pid)
{
    struct process_stat stat;

    if (process_stat(pid, &stat) >= 0 && stat.ppid == getpid())
        return true;
    return s->unit.tracker && tracker_waits_for(s->unit.tracker, pid);
}

void service_judge_alien(struct service *s)
{
    if (s->main.alien && service_is_our_child(s, s->main.pid))
        s->main.alien = false;
}

int service_set_main_pid(struct service *s, pid_t pid)
{
    if (pid == s->main.pid) {
        s->main_known = true;
        return 0;
    }
    int r = unit_watch_pid(UNIT(s), pid);
    if (r < 0)
        return r;
    if (s->unit.tracker)
        (void) tracker_watch(s->unit.tracker, pid);
    if (s->main.pid > 0 && s->main.pid != s->control.pid)
        service_forget_child(s, &s->main);
    s->main = (struct service_child){ .pid = pid,
                                      .report_fd = -1,
                                      .alien = !service_is_our_child(s, pid) };
    service_note_main(s);
    s->main_exec = (struct service_exec){ .pid = pid, .start = dual_now() };
    s->main_known = true;
    if (s->main.alien)
        unit_log_text(UNIT(s), LOG_WARNING,
                      "Supervising process %d which is not our child. We'll most likely not notice "
                      "when it exits.",
                      (int) pid);
    unit_changed(UNIT(s));
    return 0;
}

int service_judge_main_pid(struct service *s, pid_t pid, int priority)
{
    if (pid == getpid() || pid == 1) {
        unit_log_text(UNIT(s), priority, "New main PID %d is the manager, refusing.", (int) pid);
        return -EPERM;
    }
    if (pid == s->control.pid) {
        unit_log_text(UNIT(s), priority, "New main PID %d is the control process, refusing.",
                      (int) pid);
        return -EPERM;
    }
    if (!process_is_alive(pid)) {
        unit_log_text(UNIT(s), priority, "New main PID %d does not exist or is a zombie.",
                      (int) pid);
        return -ESRCH;
    }
    return s->unit.tracker && tracker_contains(s->unit.tracker, pid) > 0;
}

/* systemd.service(5), PIDFile=: nobody but root may point us at processes of others. The owner of
 * every symbolic link on the way has to be root, or the owner of the file. */
static int open_pid_file(const char *path, bool *ret_trusted)
{
    struct stat link, file;

    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &file) < 0 || lstat(path, &link) < 0)
        return -errno;
    if (!S_ISREG(file.st_mode))
        return -EINVAL;
    if (S_ISLNK(link.st_mode) && link.st_uid != 0 && link.st_uid != file.st_uid)
        return -ENOLINK;
    *ret_trusted = file.st_uid == 0 && link.st_uid == 0;
    return take_fd(&fd);
}

static int read_pid_file(struct service *s, bool warn, pid_t *ret, bool *ret_trusted)
{
    const char *path = service_config(s)->pid_file;
    const char *state = service_states[s->state].name;
    int priority = warn ? LOG_INFO : LOG_DEBUG;
    auto_free char *text = NULL;

    auto_close int fd = open_pid_file(path, ret_trusted);
    if (fd == -ENOLINK) {
        unit_log_text(UNIT(s), LOG_DEBUG,
                      "Potentially unsafe symlink chain, will now retry with relaxed checks: %s",
                      path);
        return -EPERM;
    }
    if (fd < 0) {
        unit_log_text(UNIT(s), priority, "Can't open PID file %s (yet?) after %s: %s", path, state,
                      strerror(-fd));
        return fd;
    }
    int r = fd_read_whole(fd, PID_FILE_MAX, &text, NULL);
    if (r < 0) {
        unit_log_text(UNIT(s), LOG_ERR, "Failed to read PID file %s: %s", path, strerror(-r));
        return r;
    }
    char *line = strstrip(text);
    line[strcspn(line, "\n")] = 0;
    r = parse_pid(strstrip(line), ret);
    if (r < 0)
        unit_log_text(UNIT(s), priority, "Failed to parse PID from file %s: %s", path,
                      strerror(-r));
    return r;
}

int service_load_pid_file(struct service *s, bool warn)
{
    bool trusted = false;
    pid_t pid;

    if (!service_config(s)->pid_file)
        return -ENOENT;
    int r = read_pid_file(s, warn, &pid, &trusted);
    if (r < 0)
        return r;
    if (s->main_known && pid == s->main.pid && process_is_alive(pid))
        return 0;
    r = service_judge_main_pid(s, pid, warn ? LOG_INFO : LOG_DEBUG);
    if (r < 0)
        return r;
    if (r == 0 && !trusted) {
        unit_log_text(UNIT(s), LOG_ERR,
                      "New main PID %d does not belong to service, and PID file is not owned by "
                      "root. Refusing.",
                      (int) pid);
        return -EPERM;
    }
    if (r == 0)
        unit_log_text(UNIT(s), LOG_DEBUG,
                      "New main PID %d does not belong to service, but we'll accept it since PID "
                      "file is owned by root.",
                      (int) pid);
    r = service_set_main_pid(s, pid);
    return r < 0 ? r : 1;
}

/* ---- waiting for the file ---- */

/* Watches the deepest folder of the path that exists, and what the file itself goes through. */
static int watch_path(int inotify_fd, const char *path)
{
    /* IN_MODIFY: some daemons keep their PID file open as long as they run. */
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
    auto_free char *folder = strdup(path);

    if (!folder)
        return -ENOMEM;
    for (;;) {
        char *slash = strrchr(folder, '/');

        if (!slash)
            return -ENOENT;
        slash[slash == folder] = 0;
        if (inotify_add_watch(inotify_fd, folder, events | IN_ONLYDIR) >= 0)
            return 0;
        if (errno != ENOENT || slash == folder)
            return -errno;
    }
}

static void pid_file_changed(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct service *s = userdata;
    char buffer[4096] __attribute__((aligned(8)));

    while (read(fd, buffer, sizeof buffer) > 0)
        ;
    /* A daemon-reload may have taken the setting away: then its end or the timeout is waited for.
     */
    if (service_config(s)->pid_file)
        (void) watch_path(fd, service_config(s)->pid_file);
    if (service_load_pid_file(s, false) < 0)
        return;
    service_forget_pid_file(s);
    (void) service_handle(s, EV_PID_FILE, RESULT_SUCCESS);
}

int service_demand_pid_file(struct service *s)
{
    if (s->pid_file_source)
        return 0;
    auto_close int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return -errno;
    int r = watch_path(fd, service_config(s)->pid_file);
    if (r >= 0)
        r = event_add_io(manager_loop(s->unit.manager), fd, EPOLLIN, pid_file_changed, s,
                         &s->pid_file_source);
    if (r < 0) {
        unit_log_text(UNIT(s), LOG_ERR, "Failed to set a watch for PID file %s: %s",
                      service_config(s)->pid_file, strerror(-r));
        return r;
    }
    s->pid_file_fd = take_fd(&fd);
    /* It may have been written in between. */
    if (service_load_pid_file(s, false) >= 0)
        service_forget_pid_file(s);
    return 0;
}

void service_forget_pid_file(struct service *s)
{
    s->pid_file_source = event_source_free(s->pid_file_source);
    s->pid_file_fd = close_fd(s->pid_file_fd);
}

/* ---- guessing ---- */

static bool is_holder(const struct tracker *t, pid_t pid)
{
    pid_t holder;
    int fd;

    for (size_t i = 0; tracker_holder(t, i, &holder, &fd) >= 0; i++)
        if (holder == pid)
            return true;
    return false;
}

void service_guess_main_pid(struct service *s)
{
    auto_free pid_t *pids = NULL;
    pid_t found = 0;
    size_t n;

    if (s->main_known || !service_config(s)->guess_main_pid || !s->unit.tracker ||
        tracker_pids(s->unit.tracker, &pids, &n) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        struct process_stat stat;

        if (process_stat(pids[i], &stat) < 0 || stat.state == 'Z')
            continue;
        if (stat.ppid != getpid() && !is_holder(s->unit.tracker, stat.ppid))
            continue;
        if (found) /* more than one daemon: none is the main process */
            return;
        found = pids[i];
    }
    if (found)
        (void) service_set_main_pid(s, found);
}
