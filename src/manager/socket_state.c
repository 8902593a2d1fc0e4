/* States of a socket unit, and the commands that it runs between them (systemd.socket(5),
 * ExecStartPre= and so on).
 *
 *   start-pre, ports, start-post, listening <-> running, stop-pre, stop-post, final-sigterm, dead
 *
 * Where there is nothing to run or to wait for a state is passed at once. A failure before the
 * ports are made ends in the final signals, one after that in the stop. */
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"
#include "event/event.h"
#include "launch/track.h"
#include "manager/private.h"
#include "manager/service.h"
#include "manager/socket_port.h"
#include "manager/socket_private.h"
#include "unit/command.h"

const struct trigger_state socket_states[SOCKET_STATE_MAX] = {
    [SOCKET_DEAD] = { "dead", ACTIVE_INACTIVE },
    [SOCKET_START_PRE] = { "start-pre", ACTIVE_ACTIVATING },
    [SOCKET_START_POST] = { "start-post", ACTIVE_ACTIVATING },
    [SOCKET_LISTENING] = { "listening", ACTIVE_ACTIVE },
    [SOCKET_RUNNING] = { "running", ACTIVE_ACTIVE },
    [SOCKET_STOP_PRE] = { "stop-pre", ACTIVE_DEACTIVATING },
    [SOCKET_STOP_PRE_SIGTERM] = { "stop-pre-sigterm", ACTIVE_DEACTIVATING },
    [SOCKET_STOP_PRE_SIGKILL] = { "stop-pre-sigkill", ACTIVE_DEACTIVATING },
    [SOCKET_STOP_POST] = { "stop-post", ACTIVE_DEACTIVATING },
    [SOCKET_FINAL_SIGTERM] = { "final-sigterm", ACTIVE_DEACTIVATING },
    [SOCKET_FINAL_SIGKILL] = { "final-sigkill", ACTIVE_DEACTIVATING },
    [SOCKET_FAILED] = { "failed", ACTIVE_FAILED },
};

const char *const socket_results[SOCKET_RESULT_MAX] = {
    [SOCKET_SUCCESS] = "success",
    [SOCKET_FAILURE_RESOURCES] = "resources",
    [SOCKET_FAILURE_TIMEOUT] = "timeout",
    [SOCKET_FAILURE_EXIT_CODE] = "exit-code",
    [SOCKET_FAILURE_SIGNAL] = "signal",
    [SOCKET_FAILURE_CORE_DUMP] = "core-dump",
    [SOCKET_FAILURE_START_LIMIT] = "start-limit-hit",
    [SOCKET_FAILURE_TRIGGER_LIMIT] = "trigger-limit-hit",
    [SOCKET_FAILURE_SERVICE_START_LIMIT] = "service-start-limit-hit",
};

/* What a state is about; those without a name of commands or a signal wait for nothing of ours. */
static const struct {
    const char *directive; /* whose commands it runs */
    size_t commands;       /* where they are in struct socket_config */
    const char *timeout;   /* what a deadline says */
    bool has_ports;
} rules[SOCKET_STATE_MAX] = {
#define COMMANDS(name, member) .directive = name, .commands = offsetof(struct socket_config, member)
    [SOCKET_START_PRE] = { COMMANDS("ExecStartPre", exec_start_pre),
                           .timeout = "Starting timed out. Terminating." },
    [SOCKET_START_POST] = { COMMANDS("ExecStartPost", exec_start_post),
                            .timeout = "Starting timed out. Stopping.", .has_ports = true },
    [SOCKET_LISTENING] = { .has_ports = true },
    [SOCKET_RUNNING] = { .has_ports = true },
    [SOCKET_STOP_PRE] = { COMMANDS("ExecStopPre", exec_stop_pre),
                          .timeout = "Stopping timed out. Terminating.", .has_ports = true },
    [SOCKET_STOP_PRE_SIGTERM] = { .timeout = "Stopping timed out. Killing.", .has_ports = true },
    [SOCKET_STOP_PRE_SIGKILL] = { .timeout = "Processes still around after SIGKILL. Ignoring.",
                                  .has_ports = true },
    [SOCKET_STOP_POST] = { COMMANDS("ExecStopPost", exec_stop_post),
                           .timeout = "Stopping timed out (2). Terminating." },
    [SOCKET_FINAL_SIGTERM] = { .timeout = "Stopping timed out (2). Killing." },
    [SOCKET_FINAL_SIGKILL] = { .timeout = "Still around after SIGKILL (2). Entering failed mode." },
};

static const struct exec_command *commands_of(const struct socket *s, enum socket_state state)
{
    if (!rules[state].directive || !s->unit.config)
        return NULL;
    return *(struct exec_command *const *) ((const char *) socket_config(s) +
                                            rules[state].commands);
}

static const struct exec_command *command_at(const struct socket *s, enum socket_state state,
                                             unsigned index)
{
    const struct exec_command *c = commands_of(s, state);

    while (c && index-- > 0)
        c = c->next;
    return c;
}

static void on_deadline(struct event_source *source, usec_t due, void *userdata);

static void set_deadline(struct socket *s)
{
    usec_t timeout = s->unit.config ? socket_config(s)->timeout_sec : USEC_INFINITY;

    s->deadline = event_source_free(s->deadline);
    if (!rules[s->state].timeout || timeout == USEC_INFINITY)
        return;
    if (event_add_time(manager_loop(s->unit.manager), CLOCK_MONOTONIC,
                       usec_add(now_usec(CLOCK_MONOTONIC), timeout), on_deadline, s,
                       &s->deadline) < 0)
        unit_log_text(&s->unit, LOG_ERR, "Out of memory: TimeoutSec= is not kept.");
}

void socket_set_state(struct socket *s, enum socket_state state)
{
    enum socket_state old = s->state;
    bool down = state == SOCKET_DEAD || state == SOCKET_FAILED;

    socket_watch_ports(s, state == SOCKET_LISTENING);
    if (!rules[state].has_ports)
        socket_close(s);
    s->state = (uint8_t) state;
    set_deadline(s);
    if (down) {
        control_process_forget(&s->control);
        control_process_clean(&s->control);
        (void) unit_set_identity(&s->unit, (uid_t) -1, (gid_t) -1);
    }
    unit_notify_state(&s->unit, socket_states[old].active, socket_states[state].active, false);
}

static void note_result(struct socket *s, enum socket_result result)
{
    if (s->result == SOCKET_SUCCESS)
        s->result = (uint8_t) result;
}

void socket_enter_dead(struct socket *s, enum socket_result result)
{
    note_result(s, result);
    if (s->result == SOCKET_SUCCESS)
        unit_message_success(&s->unit);
    else
        unit_log(&s->unit, MSG_UNIT_FAILED, 0, "UNIT_RESULT", socket_results[s->result], NULL);
    unit_tell_leftovers(&s->unit, false);
    socket_set_state(s, s->result == SOCKET_SUCCESS ? SOCKET_DEAD : SOCKET_FAILED);
}

/* ---- commands ---- */

/* The socket of the session's bus, whose commands run before there is a bus: who asked one would
 * wait for himself, as a systemctl that is not reeve's, which cannot reach this manager, does in
 * dbus.socket of every Debian. */
static bool is_session_bus(const struct socket *s)
{
    const char *runtime = s->unit.manager->user ? getenv("XDG_RUNTIME_DIR") : NULL;

    for (const struct socket_port *p = s->ports; runtime && p; p = p->next) {
        const char *below = p->path ? path_startswith(p->path, runtime) : NULL;

        if (below && streq(below + strspn(below, "/"), "bus"))
            return true;
    }
    return false;
}

/* PassFileDescriptorsToExec=: once there are ports, the commands get them. */
static int run(struct socket *s, enum socket_state state, unsigned index)
{
    auto_free int *fds = NULL;
    auto_free char **names = NULL;
    size_t n = 0;

    if (socket_config(s)->pass_file_descriptors_to_exec &&
        socket_add_ports(s, &fds, &names, &n) < 0)
        return -ENOMEM;
    char *no_bus[] = { (char *) "DBUS_SESSION_BUS_ADDRESS=disabled:", NULL };
    s->index = (uint16_t) index;
    return control_process_start(&s->control, &s->unit, command_at(s, state, index),
                                 rules[state].directive, is_session_bus(s) ? no_bus : NULL, fds,
                                 names, n);
}

static void ended_well(struct socket *s, enum socket_state state);
static void failed(struct socket *s, enum socket_state state, enum socket_result result);

/* The process comes before the state, so that the first command of ExecStopPost= has the ports of
 * PassFileDescriptorsToExec= still, as in systemd. */
static void begin(struct socket *s, enum socket_state state)
{
    control_process_forget(&s->control);
    if (!commands_of(s, state)) {
        ended_well(s, state);
        return;
    }
    int r = run(s, state, 0);
    if (r < 0)
        failed(s, state, SOCKET_FAILURE_RESOURCES);
    else
        socket_set_state(s, state);
}

static void enter_signal(struct socket *s, enum socket_state state)
{
    bool kill = state == SOCKET_STOP_PRE_SIGKILL || state == SOCKET_FINAL_SIGKILL;
    const struct known_process known[KNOWN_MAX] = { { s->control.pid, false } };
    int r = unit_send_signal(&s->unit, kill ? SIGNAL_KILL : SIGNAL_TERMINATE, known);

    if (r > 0)
        socket_set_state(s, state);
    else if (state == SOCKET_STOP_PRE_SIGTERM || state == SOCKET_STOP_PRE_SIGKILL)
        begin(s, SOCKET_STOP_POST);
    else
        socket_enter_dead(s, SOCKET_SUCCESS);
}

static void make_ports(struct socket *s)
{
    int r = socket_open(s);

    if (r < 0)
        socket_begin_stop(s, r == -ESRCH ? SOCKET_FAILURE_EXIT_CODE : SOCKET_FAILURE_RESOURCES);
    else
        begin(s, SOCKET_START_POST);
}

/* All commands of the state have run. */
static void ended_well(struct socket *s, enum socket_state state)
{
    switch (state) {
    case SOCKET_START_PRE:
        make_ports(s);
        return;
    case SOCKET_START_POST:
        socket_flush(s);
        socket_set_state(s, SOCKET_LISTENING);
        return;
    case SOCKET_STOP_PRE:
    case SOCKET_STOP_PRE_SIGTERM:
    case SOCKET_STOP_PRE_SIGKILL:
        begin(s, SOCKET_STOP_POST);
        return;
    case SOCKET_STOP_POST:
        enter_signal(s, SOCKET_FINAL_SIGTERM);
        return;
    case SOCKET_FINAL_SIGTERM:
    case SOCKET_FINAL_SIGKILL:
        socket_enter_dead(s, SOCKET_SUCCESS);
        return;
    case SOCKET_DEAD:
    case SOCKET_LISTENING:
    case SOCKET_RUNNING:
    case SOCKET_FAILED:
    case SOCKET_STATE_MAX:
        return;
    }
}

static void failed(struct socket *s, enum socket_state state, enum socket_result result)
{
    note_result(s, result);
    if (state == SOCKET_START_PRE)
        enter_signal(s, SOCKET_FINAL_SIGTERM);
    else if (state == SOCKET_START_POST)
        begin(s, SOCKET_STOP_PRE);
    else
        ended_well(s, state);
}

void socket_begin_start(struct socket *s)
{
    begin(s, SOCKET_START_PRE);
}

void socket_begin_stop(struct socket *s, enum socket_result result)
{
    note_result(s, result);
    begin(s, SOCKET_STOP_PRE);
}

int socket_stop(struct unit *u)
{
    struct socket *s = SOCKET(u);

    if (socket_states[s->state].active == ACTIVE_ACTIVE)
        socket_begin_stop(s, SOCKET_SUCCESS);
    else if (s->state == SOCKET_START_PRE || s->state == SOCKET_START_POST)
        enter_signal(s, SOCKET_STOP_PRE_SIGTERM);
    return 1;
}

/* ---- what happens meanwhile ---- */

static void on_deadline(struct event_source *source, usec_t due, void *userdata)
{
    struct socket *s = userdata;
    enum socket_state state = s->state;
    bool send_kill = s->unit.config->kill->send_sigkill;

    unit_log_text(&s->unit, LOG_WARNING, "%s", strempty(rules[state].timeout));
    note_result(s, SOCKET_FAILURE_TIMEOUT);
    if (state == SOCKET_STOP_PRE)
        enter_signal(s, SOCKET_STOP_PRE_SIGTERM);
    else if (state == SOCKET_STOP_PRE_SIGTERM && send_kill)
        enter_signal(s, SOCKET_STOP_PRE_SIGKILL);
    else if (state == SOCKET_FINAL_SIGTERM && send_kill)
        enter_signal(s, SOCKET_FINAL_SIGKILL);
    else
        failed(s, state, SOCKET_FAILURE_TIMEOUT);
}

void socket_child_exited(struct unit *u, pid_t pid, int code, int status)
{
    static const enum socket_result meaning[SERVICE_RESULT_MAX] = {
        [RESULT_EXIT_CODE] = SOCKET_FAILURE_EXIT_CODE,
        [RESULT_SIGNAL] = SOCKET_FAILURE_SIGNAL,
        [RESULT_CORE_DUMP] = SOCKET_FAILURE_CORE_DUMP,
    };
    struct socket *s = SOCKET(u);

    if (control_process_cleaned(&s->control, pid) || pid != s->control.pid)
        return;
    enum socket_result f = meaning[control_process_exited(&s->control, code, status)];
    if (f != SOCKET_SUCCESS) {
        failed(s, s->state, f);
    } else if (command_at(s, s->state, s->index + 1u)) {
        if (run(s, s->state, s->index + 1u) < 0)
            failed(s, s->state, SOCKET_FAILURE_RESOURCES);
        else
            set_deadline(s);
    } else {
        ended_well(s, s->state);
    }
}

/* What the commands have left behind is gone as well. */
void socket_processes_gone(struct unit *u)
{
    struct socket *s = SOCKET(u);
    bool waits = s->state == SOCKET_STOP_PRE_SIGTERM || s->state == SOCKET_STOP_PRE_SIGKILL ||
                 s->state == SOCKET_FINAL_SIGTERM || s->state == SOCKET_FINAL_SIGKILL;

    if (waits && s->control.pid == 0)
        ended_well(s, s->state);
}

void socket_find_command(struct socket *s)
{
    s->control.command = command_at(s, s->state, s->index);
}

void socket_resume(struct socket *s, enum socket_state state)
{
    struct control_process *c = &s->control;

    c->unit = &s->unit;
    c->command = command_at(s, state, s->index);
    c->directive = rules[state].directive ? rules[state].directive : "Exec";
    socket_set_state(s, state);
    if (c->pid <= 0)
        return;
    (void) unit_watch_pid(&s->unit, c->pid);
    if (s->unit.tracker)
        (void) tracker_watch(s->unit.tracker, c->pid);
}

void socket_control_done(struct socket *s)
{
    s->deadline = event_source_free(s->deadline);
    control_process_forget(&s->control);
    s->control.runtime = spawn_runtime_unref(s->control.runtime);
}
