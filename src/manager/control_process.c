#include "manager/control_process.h"

#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "event/event.h"
#include "launch/spawn.h"
#include "manager/private.h"
#include "manager/service.h"
#include "manager/service_exit.h"
#include "unit/command.h"
#include "unit/config.h"

static void report_done(struct control_process *c)
{
    c->report_source = event_source_free(c->report_source);
    if (!c->report)
        return;
    c->report_fd = close_fd(c->report_fd);
    c->report = spawn_report_free(c->report);
}

static void read_report(struct control_process *c)
{
    if (!c->report || spawn_report_read(c->report, c->report_fd) == 0)
        return;
    unit_say_launch(c->unit, c->report, c->command);
    report_done(c);
}

static void report_came(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    read_report(userdata);
}

static int spawn(struct control_process *c, struct spawn_request *request, struct spawn *ret)
{
    struct unit *u = c->unit;
    int r = c->runtime ? 0 : spawn_runtime_new(u->config, u->id, NULL, &c->runtime);

    if (r >= 0)
        r = unit_prepare_spawn(u, request);
    request->runtime = c->runtime;
    if (r < 0)
        return r;
    /* What it takes to follow the process is had before there is one. */
    c->report = spawn_report_new();
    if (!c->report || unit_reserve_watch(u) < 0)
        return -ENOMEM;
    return spawn_start(request, ret);
}

int control_process_start(struct control_process *c, struct unit *u,
                          const struct exec_command *command, const char *directive,
                          char *const *environment, const int *fds, char *const *fd_names,
                          size_t n_fds)
{
    struct spawn_request request = { .command = command,
                                     .phase = SPAWN_SOCKET,
                                     .stream_fd = -1,
                                     .stderr_stream_fd = -1,
                                     .socket_fd = -1,
                                     .idle_fd = -1,
                                     .environment = environment,
                                     .fds = fds,
                                     .fd_names = fd_names,
                                     .n_fds = n_fds,
                                     .n_socket_fds = n_fds };
    struct spawn spawned;

    control_process_forget(c);
    c->unit = u;
    c->report_fd = -1;
    int r = spawn(c, &request, &spawned);
    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Failed to run '%s' task: %s", directive, strerror(-r));
        report_done(c);
        return r;
    }
    close_fd(spawned.pidfd);
    c->pid = spawned.pid;
    c->command = command;
    c->directive = directive;
    c->report_fd = spawned.report_fd;
    if (event_add_io(manager_loop(u->manager), c->report_fd, 0, report_came, c, &c->report_source) <
        0)
        unit_log_text(u, LOG_ERR, "Out of memory: the set-up of process %d is not followed.",
                      (int) c->pid);
    if (unit_watch_pid(u, c->pid) < 0)
        unit_log_text(u, LOG_ERR, "Out of memory: the end of process %d may be missed.",
                      (int) c->pid);
    unit_changed(u);
    return 0;
}

void control_process_forget(struct control_process *c)
{
    if (c->pid > 0)
        unit_unwatch_pid(c->unit, c->pid);
    report_done(c);
    c->pid = 0;
    c->command = NULL;
}

enum service_result control_process_exited(struct control_process *c, int code, int status)
{
    const struct service_exec exec = { .pid = c->pid, .code = code, .status = status };
    const struct exec_command *command = c->command;
    enum service_result f = service_exit_result(code, status, false, NULL);

    /* That it was executed comes before that it has ended. */
    read_report(c);
    control_process_forget(c);
    if (command && command->flags & COMMAND_IGNORE_FAILURE)
        f = RESULT_SUCCESS;
    unit_say_exit(c->unit, "Control", c->directive, f == RESULT_SUCCESS, &exec);
    unit_changed(c->unit);
    return f;
}

void control_process_clean(struct control_process *c)
{
    struct unit *u = c->unit;
    unsigned what = u && u->config ? unit_clean_needed(u, c->runtime, false) : 0;

    if (what)
        (void) unit_start_cleaner(u, c->runtime, what, &c->cleaner);
    c->runtime = spawn_runtime_unref(c->runtime);
}

bool control_process_cleaned(struct control_process *c, pid_t pid)
{
    if (c->cleaner <= 0 || pid != c->cleaner)
        return false;
    unit_unwatch_pid(c->unit, pid);
    c->cleaner = 0;
    return true;
}
