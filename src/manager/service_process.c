/* Running the commands of a service, and what their ends mean. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/service.h"
#include "manager/socket.h"

static const struct {
    const char *name; /* of the setting */
    bool control;     /* a control process runs it */
} phases[] = {
    [SPAWN_CONDITION] = { "ExecCondition", true }, [SPAWN_START_PRE] = { "ExecStartPre", true },
    [SPAWN_START] = { "ExecStart", false },        [SPAWN_START_POST] = { "ExecStartPost", true },
    [SPAWN_RELOAD] = { "ExecReload", true },       [SPAWN_STOP] = { "ExecStop", true },
    [SPAWN_STOP_POST] = { "ExecStopPost", true },
};

const char *service_phase_name(enum spawn_phase phase)
{
    return phase < ELEMENTSOF(phases) ? phases[phase].name : NULL;
}

const struct exec_command *service_commands(const struct service *s, enum spawn_phase phase)
{
    const struct service_config *c = service_config(s);

    switch (phase) {
    case SPAWN_CONDITION:
        return c->exec_condition;
    case SPAWN_START_PRE:
        return c->exec_start_pre;
    case SPAWN_START:
        return c->exec_start;
    case SPAWN_START_POST:
        return c->exec_start_post;
    case SPAWN_RELOAD:
        return c->exec_reload;
    case SPAWN_STOP:
        return c->exec_stop;
    case SPAWN_STOP_POST:
        return c->exec_stop_post;
    case SPAWN_SOCKET:
    case SPAWN_PHASE_MAX:
        return NULL;
    }
    assert_unreachable();
}

static const struct exec_command *command_at(const struct service *s, enum spawn_phase phase,
                                             unsigned index)
{
    const struct exec_command *c = service_commands(s, phase);

    while (c && index-- > 0)
        c = c->next;
    return c;
}

/* ---- what has run ---- */

static struct ran_command *find_ran(const struct service *s, enum spawn_phase phase, unsigned index)
{
    for (struct ran_command *r = s->ran; r; r = r->next)
        if (r->phase == phase && r->index == index)
            return r;
    return NULL;
}

const struct service_exec *service_ran(const struct service *s, enum spawn_phase phase,
                                       unsigned index)
{
    const struct ran_command *r = find_ran(s, phase, index);

    if (r)
        return &r->exec;
    /* Of most services the main process is all that ran: it is not kept twice. */
    bool main = phase == SPAWN_START && index == s->main_index &&
                service_config(s)->type != SERVICE_TYPE_FORKING;
    return main && s->main_exec.pid > 0 ? &s->main_exec : NULL;
}

void service_forget_ran(struct service *s)
{
    while (s->ran) {
        struct ran_command *r = s->ran;

        s->ran = r->next;
        free(r);
    }
}

/* For `show` alone: where memory is out the command looks as if it had not run. */
static void note_ran(struct service *s, enum spawn_phase phase, unsigned index,
                     const struct service_exec *e)
{
    struct ran_command *r = find_ran(s, phase, index);

    if (!r) {
        r = new0(struct ran_command, 1);
        if (!r)
            return;
        r->phase = (uint8_t) phase;
        r->index = (uint16_t) index;
        r->next = s->ran;
        s->ran = r;
    }
    r->exec = *e;
}

void service_note_main(struct service *s)
{
    if (s->main_exec.pid > 0)
        note_ran(s, SPAWN_START, s->main_index, &s->main_exec);
}

/* ---- the environment that the manager adds ---- */

static int add_result(char ***env, const char *prefix, const struct service *s)
{
    char text[EXIT_TEXT_MAX];
    int r = strv_addf(env, "%sSERVICE_RESULT=%s", prefix, service_result_name(s->result));

    if (r < 0 || s->main_exec.pid <= 0 || s->main_exec.code == 0)
        return r;
    r = strv_addf(env, "%sEXIT_CODE=%s", prefix, service_exit_code_name(s->main_exec.code));
    if (r < 0)
        return r;
    service_exit_status_text(s->main_exec.code, s->main_exec.status, text);
    return strv_addf(env, "%sEXIT_STATUS=%s", prefix, text);
}

/* The only service whose OnFailure= or OnSuccess= names this unit, if it has ended so. */
static const struct service *monitored(const struct service *s)
{
    const struct service *found = NULL;
    struct unit *other;

    UNIT_FOREACH_KIND(other, &s->unit, DEP_BIT(DEP_ON_FAILURE_OF) | DEP_BIT(DEP_ON_SUCCESS_OF))
    {
        if (other->ops != &service_ops || !SERVICE(other)->flush_restarts)
            continue;
        if (found)
            return NULL;
        found = SERVICE(other);
    }
    return found;
}

static int add_monitored(char ***env, const struct service *s)
{
    const struct service *other = monitored(s);
    char id[ID128_TEXT_MAX];

    if (!other)
        return 0;
    int r = add_result(env, "MONITOR_", other);
    if (r >= 0)
        r = strv_addf(env, "MONITOR_INVOCATION_ID=%s", id128_format(other->unit.invocation, id));
    if (r >= 0)
        r = strv_addf(env, "MONITOR_UNIT=%s", other->unit.id);
    return r;
}

/* A control process gets the socket only where it may use it. */
static bool gets_notify_socket(const struct service *s, enum spawn_phase phase)
{
    switch (service_notify_access(s)) {
    case NOTIFY_ACCESS_NONE:
    case NOTIFY_ACCESS_MAX:
        return false;
    case NOTIFY_ACCESS_MAIN:
        return !phases[phase].control;
    case NOTIFY_ACCESS_ALL:
    case NOTIFY_ACCESS_EXEC:
        return true;
    }
    assert_unreachable();
}

/* Init scripts of Debian hand themselves over to systemctl, which would wait for this very start,
 * unless their parent is PID 1. Below a holder it is not: they know this variable as well. */
static bool is_init_script_of_holder(const struct service *s)
{
    const char *source = s->unit.config->unit->source_path;

    return source && startswith(source, "/etc/init.d/") && s->unit.tracker &&
           tracker_kind(s->unit.tracker) == TRACK_HOLDER;
}

static int make_environment(struct service *s, enum spawn_phase phase, char ***ret)
{
    auto_strv char **env = NULL;
    const char *path;
    int r = 0;

    if (gets_notify_socket(s, phase)) {
        r = service_notify_open(s, &path);
        if (r < 0) {
            unit_log_text(UNIT(s), LOG_ERR, "Cannot make the notification socket: %s",
                          strerror(-r));
            return r;
        }
        r = strv_addf(&env, "NOTIFY_SOCKET=%s", path);
    }
    if (r >= 0 && s->main.pid > 0)
        r = strv_addf(&env, "MAINPID=%d", (int) s->main.pid);
    if (r >= 0 && s->unit.config->user)
        r = strv_addf(&env, "MANAGERPID=%d", (int) getpid());
    if (r >= 0)
        r = s->unit.rare ? strv_extend(&env, s->unit.rare->activation, false) : 0;
    if (r >= 0 && s->connection)
        r = socket_connection_environment(s->connection, &env);
    if (r >= 0 && is_init_script_of_holder(s))
        r = strv_add(&env, "SYSTEMCTL_SKIP_REDIRECT=1");
    if (r >= 0 && service_config(s)->pid_file)
        r = strv_addf(&env, "PIDFILE=%s", service_config(s)->pid_file);
    if (r >= 0 && (phase == SPAWN_STOP || phase == SPAWN_STOP_POST))
        r = add_result(&env, "", s);
    else if (r >= 0)
        r = add_monitored(&env, s);
    if (r < 0)
        return r;
    *ret = take_ptr(env);
    return 0;
}

/* ---- Type=idle ---- */

void service_end_idle(struct service *s)
{
    s->idle_watch = manager_watch_free(s->idle_watch);
    s->idle_fd = close_fd(s->idle_fd);
}

/* The job that is being removed still counts. */
static void job_removed(enum manager_event ev, struct unit *u, struct job *j, void *userdata)
{
    struct service *s = userdata;

    if (ev == EVENT_JOB_REMOVED && manager_jobs(s->unit.manager)->n <= 1)
        service_end_idle(s);
}

/* The end of a pipe for the child, that hangs up when no job is left; the child waits no longer
 * than 5 s. Where it cannot be had the program is executed at once. */
static int begin_idle(struct service *s)
{
    int pipes[2];

    service_end_idle(s);
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return -1;
    if (manager_watch_add(s->unit.manager, job_removed, s, &s->idle_watch) < 0) {
        close_fd(pipes[1]);
        return pipes[0];
    }
    s->idle_fd = pipes[1];
    return pipes[0];
}

/* ---- running ---- */

static int ensure_runtime(struct service *s)
{
    struct unit *u = UNIT(s), *other;

    if (s->runtime)
        return 0;
    struct spawn_runtime *joined = NULL;
    UNIT_FOREACH_KIND(other, u, DEP_BIT(DEP_JOINS_NAMESPACE_OF))
    if (other->ops == &service_ops && SERVICE(other)->runtime)
        joined = SERVICE(other)->runtime;
    return spawn_runtime_new(u->config, u->id, joined, &s->runtime);
}

static void report_came(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct service *s = userdata;
    struct service_child *c = s->main.report_source == source ? &s->main : &s->control;

    service_read_report(s, c);
}

void service_watch_report(struct service *s, struct service_child *c, int report_fd)
{
    c->report_fd = report_fd;
    if (!c->report)
        c->report = spawn_report_new();
    if (!c->report || event_add_io(manager_loop(s->unit.manager), report_fd, 0, report_came, s,
                                   &c->report_source) < 0)
        unit_log_text(UNIT(s), LOG_ERR, "Out of memory: the set-up of process %d is not followed.",
                      (int) c->pid);
}

/* The lists that the request points to, while it is used. */
struct passed {
    char **environment;
    int *fds;
    char **fd_names;
};

static void passed_done(struct passed *p)
{
    strv_free(p->environment);
    free(p->fds);
    free(p->fd_names);
}

static bool uses_socket(const struct exec_config *c)
{
    return c->standard_input.kind == EXEC_INPUT_SOCKET ||
           c->standard_output.kind == EXEC_OUTPUT_SOCKET ||
           c->standard_error.kind == EXEC_OUTPUT_SOCKET;
}

/* The one socket is what the standard descriptors are connected with, and is not passed besides. */
static int take_socket(struct service *s, struct spawn_request *request)
{
    if (request->n_socket_fds != 1) {
        unit_log_text(UNIT(s), LOG_ERR, "Got %s socket for the standard descriptors.",
                      request->n_socket_fds > 1 ? "more than one" : "no");
        return -EINVAL;
    }
    request->socket_fd = request->fds[0];
    request->n_fds = request->n_socket_fds = 0;
    return 0;
}

/* What it takes to follow a process, had before there is one: a failed start is better than a
 * process whose end or failure is never noticed. Timers are in the loop's own reserve. */
static int prepare_to_follow(struct service *s, struct spawn_report **ret)
{
    auto_spawn_report struct spawn_report *report = spawn_report_new();

    if (!report || unit_reserve_watch(UNIT(s)) < 0)
        return -ENOMEM;
    *ret = take_ptr(report);
    return 0;
}

static int spawn_command(struct service *s, enum spawn_phase phase,
                         const struct exec_command *command, struct spawn_report **ret_report,
                         struct spawn *ret)
{
    _cleanup_(passed_done) struct passed passed = { 0 };
    auto_close int idle = -1;
    struct spawn_request request = {
        .stream_fd = -1, .stderr_stream_fd = -1, .socket_fd = -1, .idle_fd = -1
    };
    struct unit *u = UNIT(s);

    int r = ensure_runtime(s);
    if (r >= 0)
        r = unit_prepare_spawn(u, &request);
    if (r >= 0)
        r = make_environment(s, phase, &passed.environment);
    if (r >= 0 && phase == SPAWN_START)
        r = service_list_fds(s, &passed.fds, &passed.fd_names, &request.n_fds,
                             &request.n_socket_fds);
    request.fds = passed.fds;
    request.fd_names = passed.fd_names;
    if (r >= 0 && phase == SPAWN_START && uses_socket(u->config->exec))
        r = take_socket(s, &request);
    if (r < 0)
        return r;

    if (phase == SPAWN_START && service_config(s)->type == SERVICE_TYPE_IDLE)
        idle = begin_idle(s);
    request.idle_fd = idle;
    request.command = command;
    request.phase = phase;
    request.runtime = s->runtime;
    request.environment = passed.environment;
    request.watchdog = phase == SPAWN_START ? service_watchdog_usec(s) : 0;
    r = prepare_to_follow(s, ret_report);
    return r < 0 ? r : spawn_start(&request, ret);
}

int service_run(struct service *s, enum spawn_phase phase, unsigned index)
{
    auto_spawn_report struct spawn_report *report = NULL;
    const struct exec_command *command = command_at(s, phase, index);
    bool control = phases[phase].control || service_config(s)->type == SERVICE_TYPE_FORKING;
    struct service_child *c = control ? &s->control : &s->main;
    struct service_exec *e = control ? &s->control_exec : &s->main_exec;
    struct spawn spawn;

    service_forget_child(s, &s->control);
    s->control_phase = NO_PHASE;
    if (!command)
        return 0;
    int r = spawn_command(s, phase, command, &report, &spawn);
    if (r < 0) {
        unit_log_text(UNIT(s), LOG_WARNING, "Failed to run '%s' task: %s", phases[phase].name,
                      strerror(-r));
        s->failed_phase = (uint8_t) phase;
        s->failed_index = (uint16_t) index;
        return r;
    }

    close_fd(spawn.pidfd);
    if (!control && s->main_index != index)
        service_note_main(s);
    *e = (struct service_exec){ .pid = spawn.pid, .start = dual_now() };
    *c = (struct service_child){ .pid = spawn.pid, .report_fd = -1, .report = take_ptr(report) };
    if (control) {
        note_ran(s, phase, index, e);
        s->control_phase = (uint8_t) phase;
        s->control_index = (uint16_t) index;
    } else {
        s->main_index = (uint16_t) index;
        s->main_known = true;
    }
    if (unit_watch_pid(UNIT(s), spawn.pid) < 0)
        unit_log_text(UNIT(s), LOG_ERR, "Out of memory: the end of process %d may be missed.",
                      (int) spawn.pid);
    service_watch_report(s, c, spawn.report_fd);
    unit_changed(UNIT(s));
    return 1;
}

void service_child_done(struct service_child *c)
{
    c->report_source = event_source_free(c->report_source);
    c->report_fd = close_fd(c->report_fd);
    c->report = spawn_report_free(c->report);
}

void service_forget_child(struct service *s, struct service_child *c)
{
    if (c->pid > 0)
        unit_unwatch_pid(UNIT(s), c->pid);
    service_child_done(c);
    c->pid = 0;
    c->alien = false;
}

/* ---- the launch report ---- */

void unit_say_launch(struct unit *u, const struct spawn_report *r,
                     const struct exec_command *command)
{
    if (r->lost)
        unit_log_text(u, LOG_ERR,
                      "Out of memory: what process set-up could not have is told in part.");
    for (size_t i = 0; i < r->n_degraded; i++) {
        const struct spawn_degraded *d = &r->degraded[i];

        unit_note_degraded(u, d->directive, d->object, d->error);
    }
    if (r->uid != (uid_t) -1 && unit_set_identity(u, r->uid, r->gid) < 0)
        unit_log_text(u, LOG_ERR, "Out of memory: show does not tell the user.");
    if (r->state != SPAWN_FAILED)
        return;
    auto_free char *text = spawn_report_message(r);
    if (text)
        unit_log_text(u, LOG_ERR, "%s", text);
    unit_log(u, MSG_UNIT_SPAWN_FAILED, r->error, "STEP", exec_status_name((int) r->step),
             "EXECUTABLE", command ? command->path : "n/a", "OBJECT", r->object, "DIRECTIVE",
             r->directive, NULL);
}

static void note_spawn_failed(struct service *s, const struct spawn_report *r)
{
    s->failed_step = (int) r->step;
    s->failed_error = r->error;
    (void) str_replace(&s->failed_object, r->object);
    (void) str_replace(&s->failed_directive, r->directive);
}

void service_read_report(struct service *s, struct service_child *c)
{
    if (!c->report || c->report_fd < 0 || spawn_report_read(c->report, c->report_fd) == 0)
        return;

    enum spawn_state state = c->report->state;
    bool control = c == &s->control;
    enum exec_status step = c->report->step;
    unit_say_launch(UNIT(s), c->report,
                    command_at(s, control ? s->control_phase : SPAWN_START,
                               control ? s->control_index : s->main_index));
    if (state == SPAWN_FAILED)
        note_spawn_failed(s, c->report);
    service_child_done(c);
    c->refused = state == SPAWN_FAILED && step == 0;
    /* After a crash nobody may take the number of the pipe for something else. */
    unit_changed(UNIT(s));
    if (c == &s->main && s->state == SERVICE_START && state == SPAWN_FAILED && step != 0 &&
        (service_config(s)->type == SERVICE_TYPE_SIMPLE ||
         service_config(s)->type == SERVICE_TYPE_IDLE))
        (void) service_handle(s, EV_EXECED, RESULT_SUCCESS); /* its start is over, then it fails */
    if (state != SPAWN_EXECUTED)
        return;
    (c == &s->main ? &s->main_exec : &s->control_exec)->handoff = dual_now();
    if (c == &s->main) {
        (void) service_handle(s, EV_EXECED, RESULT_SUCCESS);
        service_health_start(s);
    }
}

/* ---- the end of a process ---- */

void unit_say_exit(struct unit *u, const char *kind, const char *command, bool success,
                   const struct service_exec *e)
{
    char status[EXIT_TEXT_MAX], text[EXIT_TEXT_MAX + 16];

    service_exit_long_text(e->code, e->status, text);
    if (success)
        strcat(text, " (success)");
    /* The journal has a signal by its number, $EXIT_STATUS by its name. */
    snprintf(status, sizeof status, "%d", e->status);
    unit_log_at(u, MSG_UNIT_PROCESS_EXIT,
                success                 ? LOG_DEBUG
                : e->code == CLD_EXITED ? LOG_NOTICE
                                        : LOG_WARNING,
                0, "COMMAND_KIND", kind, "COMMAND", command, "EXIT_CODE",
                service_exit_code_name(e->code), "EXIT_STATUS", status, "EXIT_TEXT", text, NULL);
}

/* The first command that fails is what the record tells. */
static void note_failure(struct service *s, enum spawn_phase phase, unsigned index)
{
    if (s->result == RESULT_SUCCESS && s->failed_phase == NO_PHASE) {
        s->failed_phase = (uint8_t) phase;
        s->failed_index = (uint16_t) index;
    }
}

/* Whether the kernel's killer has been at work in the unit's cgroup since the last look. */
static bool look_for_oom(struct service *s)
{
    uint64_t kills;
    int fd = s->unit.tracker ? tracker_cgroup_fd(s->unit.tracker) : -1;

    if (fd < 0 || cgroup_read_keyed(fd, "memory.events", "oom_kill", &kills) < 0 ||
        kills <= s->oom_kills)
        return false;
    s->oom_kills = kills;
    unit_log(UNIT(s), MSG_UNIT_OUT_OF_MEMORY, 0, NULL);
    return true;
}

static void main_exited(struct service *s, int code, int status, enum service_result f)
{
    const struct exec_command *command = command_at(s, SPAWN_START, s->main_index);

    /* A daemon may move to another process, as long as its PID file says so before. */
    if (service_config(s)->pid_file && service_load_pid_file(s, false) > 0)
        return;

    service_forget_child(s, &s->main);
    s->main_exec.code = code;
    s->main_exec.status = status;
    s->main_exec.exit = dual_now();
    if (find_ran(s, SPAWN_START, s->main_index))
        service_note_main(s);
    if (command && (command->flags & COMMAND_IGNORE_FAILURE))
        f = RESULT_SUCCESS;
    unit_say_exit(UNIT(s), "Main", phases[SPAWN_START].name, f == RESULT_SUCCESS, &s->main_exec);
    if (f != RESULT_SUCCESS)
        note_failure(s, SPAWN_START, s->main_index);
    unit_changed(UNIT(s));

    if (f == RESULT_SUCCESS && s->state == SERVICE_START &&
        service_config(s)->type == SERVICE_TYPE_ONESHOT &&
        command_at(s, SPAWN_START, s->main_index + 1u)) {
        if (service_run(s, SPAWN_START, s->main_index + 1u) < 0)
            (void) service_handle(s, EV_FAILED, RESULT_RESOURCES);
        return;
    }
    (void) service_handle(s, EV_MAIN_EXIT, f);
}

/* ExecCondition=: 1 to 254 mean that the service is not to be started now. */
static enum service_result condition_result(const struct service_exec *e, enum service_result f)
{
    return f == RESULT_EXIT_CODE && e->status < 255 ? RESULT_EXEC_CONDITION : f;
}

/* After the commands of these states the main process may be another. */
static void find_main_process(struct service *s, enum service_result f)
{
    bool start = s->state == SERVICE_START, post = s->state == SERVICE_START_POST;
    bool reload = service_states[s->state].active == ACTIVE_RELOADING;
    bool forking = service_config(s)->type == SERVICE_TYPE_FORKING;

    if (f != RESULT_SUCCESS || !((start && forking) || post || reload))
        return;
    if (!service_config(s)->pid_file) {
        service_guess_main_pid(s);
        return;
    }
    bool last_chance = post || (start && !service_config(s)->exec_start_post);
    if (service_load_pid_file(s, last_chance) < 0) {
        if (reload)
            service_guess_main_pid(s);
        else if (last_chance)
            (void) service_demand_pid_file(s);
    }
}

static void control_exited(struct service *s, int code, int status, enum service_result f)
{
    enum spawn_phase phase = s->control_phase;
    unsigned index = s->control_index;
    const struct exec_command *command = phase == NO_PHASE ? NULL : command_at(s, phase, index);

    service_forget_child(s, &s->control);
    s->control_exec.code = code;
    s->control_exec.status = status;
    s->control_exec.exit = dual_now();
    s->control_phase = NO_PHASE;
    if (phase != NO_PHASE)
        note_ran(s, phase, index, &s->control_exec);
    unit_changed(UNIT(s));
    if (s->state == SERVICE_CLEANING) {
        if (s->clean_result == RESULT_SUCCESS)
            s->clean_result = f;
        (void) service_handle(s, EV_CONTROL_EXIT, f);
        return;
    }

    if (command && (command->flags & COMMAND_IGNORE_FAILURE))
        f = RESULT_SUCCESS;
    if (phase == SPAWN_CONDITION) {
        f = condition_result(&s->control_exec, f);
        UNIT(s)->condition_result = f == RESULT_EXEC_CONDITION ? TRIED_FALSE : TRIED_TRUE;
    }
    bool success = f == RESULT_SUCCESS || f == RESULT_EXEC_CONDITION;
    if (phase != NO_PHASE)
        unit_say_exit(UNIT(s), "Control", phases[phase].name, success, &s->control_exec);
    if (!success && phase != SPAWN_RELOAD)
        note_failure(s, phase, index);

    /* The state may have moved on while the command ran: then nothing of its list follows. */
    if (f == RESULT_SUCCESS && phase == service_states[s->state].phase &&
        command_at(s, phase, index + 1)) {
        if (service_run(s, phase, index + 1) < 0)
            (void) service_handle(s, EV_FAILED, RESULT_RESOURCES);
        return;
    }
    find_main_process(s, f);
    (void) service_handle(s, EV_CONTROL_EXIT, f);
}

/* The child found what systemd would not have forked for: no process of the unit ever was. */
static void service_refused(struct service *s, struct service_child *c)
{
    bool main = c == &s->main;

    service_forget_child(s, c);
    *(main ? &s->main_exec : &s->control_exec) = (struct service_exec){};
    if (!main)
        s->control_phase = NO_PHASE;
    unit_changed(UNIT(s));
    (void) service_handle(s, EV_FAILED, RESULT_RESOURCES);
}

void service_child_exited(struct unit *u, pid_t pid, int code, int status)
{
    struct service *s = SERVICE(u);
    /* Being ended by SIGTERM is success for daemons alone, not for commands. */
    bool daemon = pid == s->main.pid && service_config(s)->type != SERVICE_TYPE_ONESHOT;
    enum service_result f = service_exit_result(code, status, daemon,
                                                service_config(s)->success_exit_status);

    if (s->cleaner > 0 && pid == s->cleaner) {
        service_cleaned_up(s);
        return;
    }
    if (s->prober > 0 && pid == s->prober) {
        service_health_exited(s, code, status);
        return;
    }
    struct service_child *c = pid == s->main.pid      ? &s->main
                              : pid == s->control.pid ? &s->control
                                                      : NULL;
    if (!c)
        return;
    /* That it was executed comes before that it has ended. */
    service_read_report(s, c);
    if (c->refused) {
        service_refused(s, c);
        return;
    }
    if (code != CLD_EXITED && look_for_oom(s))
        (void) service_handle(s, EV_OOM, RESULT_SUCCESS);
    if (pid == s->main.pid)
        main_exited(s, code, status, f);
    else if (pid == s->control.pid)
        control_exited(s, code, status, f);
}
