/* Every pair of state and event: what is in the table happens, in all other pairs nothing does. */
#include "manager/service_state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macro.h"

/* A service whose main process runs, of a type that starts by itself. */
static const struct service_view usual = {
    .type = SERVICE_TYPE_SIMPLE,
    .exit_type = EXIT_TYPE_MAIN,
    .restart = RESTART_NO,
    .start_failure_mode = TIMEOUT_TERMINATE,
    .stop_failure_mode = TIMEOUT_TERMINATE,
    .oom_policy = OOM_POLICY_STOP,
    .main = MAIN_ALIVE,
    .populated = true,
    .send_sigkill = true,
};

/* In place of a state: refused with this negative errno (0: it is on its way already). */
#define REFUSE(error) ((error) -1)

/* `next` is a state, or REFUSE(errno); `result` what the service has afterwards. */
struct pair {
    enum service_event event;
    enum service_result brought;
    int next;
    enum service_result result;
};
#define PAIRS 20

#define OK RESULT_SUCCESS
#define OK_TO(ev, state) \
    { \
        EV_##ev, OK, SERVICE_##state, OK \
    }
#define TO(ev, state, result) \
    { \
        EV_##ev, OK, SERVICE_##state, RESULT_##result \
    }
#define WITH(ev, f, state, result) \
    { \
        EV_##ev, RESULT_##f, SERVICE_##state, RESULT_##result \
    }
#define NOT(ev, error) \
    { \
        EV_##ev, OK, REFUSE(error), OK \
    }

#define RESTING \
    OK_TO(START, CONDITION), NOT(STOP, -EALREADY), NOT(RELOAD, -EBADR), \
        WITH(REFUSED, START_LIMIT_HIT, FAILED, START_LIMIT_HIT)
#define STARTING_ALL \
    NOT(START, 0), OK_TO(STOP, STOP_SIGTERM), NOT(RELOAD, -EBADR), NOT(CLEAN, -EBUSY), \
        TO(OOM, STOP_SIGTERM, OOM_KILL), TO(TIMEOUT, STOP_SIGTERM, TIMEOUT), \
        TO(WATCHDOG, STOP_WATCHDOG, WATCHDOG)
#define RELOADING_ALL \
    NOT(START, -EALREADY), OK_TO(STOP, STOP_SIGTERM), NOT(RELOAD, -EAGAIN), NOT(CLEAN, -EBUSY), \
        OK_TO(DONE, RUNNING), OK_TO(FAILED, RUNNING), OK_TO(CONTROL_EXIT, RUNNING), \
        OK_TO(MAIN_EXIT, STOP), TO(OOM, STOP_SIGTERM, OOM_KILL), OK_TO(TIMEOUT, RUNNING), \
        TO(WATCHDOG, STOP_WATCHDOG, WATCHDOG)
#define STOPPING_ALL NOT(START, -EAGAIN), NOT(RELOAD, -EBADR), NOT(CLEAN, -EBUSY)
/* With a main process that is still alive; see the tests of the others below. */
#define SIGNALLED STOPPING_ALL, TO(FAILED, STOP_POST, RESOURCES), OK_TO(MAIN_EXIT, STOP_POST)
#define ENDING STOPPING_ALL, NOT(STOP, 0)

static const struct pair pairs[SERVICE_STATE_MAX][PAIRS] = {
    [SERVICE_DEAD] = { RESTING, OK_TO(CLEAN, CLEANING) },
    [SERVICE_CONDITION] = { STARTING_ALL, OK_TO(DONE, START_PRE), TO(FAILED, FAILED, RESOURCES),
                            OK_TO(CONTROL_EXIT, START_PRE) },
    [SERVICE_START_PRE] = { STARTING_ALL, OK_TO(DONE, START), TO(FAILED, FAILED, RESOURCES),
                            OK_TO(CONTROL_EXIT, START) },
    [SERVICE_START] = { STARTING_ALL, OK_TO(DONE, START_POST), TO(FAILED, STOP_SIGTERM, RESOURCES),
                        OK_TO(MAIN_EXIT, RUNNING), OK_TO(PID_FILE, START_POST),
                        OK_TO(EXECED, START_POST) },
    [SERVICE_START_POST] = { STARTING_ALL, OK_TO(DONE, RUNNING), TO(FAILED, STOP, RESOURCES),
                             OK_TO(CONTROL_EXIT, RUNNING), OK_TO(MAIN_EXIT, STOP),
                             OK_TO(PID_FILE, RUNNING) },
    [SERVICE_RUNNING] = { NOT(START, -EALREADY), OK_TO(STOP, STOP), OK_TO(RELOAD, RELOAD),
                          NOT(CLEAN, -EBUSY), OK_TO(RELOADING, RELOAD_NOTIFY),
                          OK_TO(STOPPING, STOP_SIGTERM), TO(OOM, STOP, OOM_KILL),
                          TO(TIMEOUT, STOP, TIMEOUT), TO(WATCHDOG, STOP_WATCHDOG, WATCHDOG) },
    [SERVICE_EXITED] = { NOT(START, -EALREADY), OK_TO(STOP, STOP), OK_TO(RELOAD, RELOAD),
                         NOT(CLEAN, -EBUSY), TO(OOM, STOP, OOM_KILL) },
    [SERVICE_RELOAD] = { RELOADING_ALL },
    [SERVICE_RELOAD_SIGNAL] = { RELOADING_ALL },
    [SERVICE_RELOAD_NOTIFY] = { RELOADING_ALL, OK_TO(READY, RUNNING) },
    [SERVICE_STOP] = { STOPPING_ALL, NOT(STOP, 0), OK_TO(DONE, STOP_SIGTERM),
                       TO(FAILED, STOP_SIGTERM, RESOURCES), OK_TO(CONTROL_EXIT, STOP_SIGTERM),
                       TO(OOM, STOP_SIGTERM, OOM_KILL), TO(TIMEOUT, STOP_SIGTERM, TIMEOUT) },
    [SERVICE_STOP_WATCHDOG] = { SIGNALLED, OK_TO(STOP, STOP_SIGTERM), OK_TO(DONE, STOP_SIGKILL),
                                TO(OOM, STOP_SIGKILL, OOM_KILL),
                                TO(TIMEOUT, STOP_SIGKILL, TIMEOUT) },
    [SERVICE_STOP_SIGTERM] = { SIGNALLED, NOT(STOP, 0), OK_TO(DONE, STOP_SIGKILL),
                               TO(OOM, STOP_SIGKILL, OOM_KILL),
                               TO(TIMEOUT, STOP_SIGKILL, TIMEOUT) },
    [SERVICE_STOP_SIGKILL] = { SIGNALLED, NOT(STOP, 0), OK_TO(DONE, STOP_POST),
                               TO(OOM, STOP_SIGKILL, OOM_KILL), TO(TIMEOUT, STOP_POST, TIMEOUT) },
    [SERVICE_STOP_POST] = { ENDING, OK_TO(DONE, FINAL_SIGTERM),
                            TO(FAILED, FINAL_SIGTERM, RESOURCES), OK_TO(MAIN_EXIT, FINAL_SIGTERM),
                            OK_TO(CONTROL_EXIT, FINAL_SIGTERM), TO(OOM, FINAL_SIGKILL, OOM_KILL),
                            TO(TIMEOUT, FINAL_SIGTERM, TIMEOUT) },
    [SERVICE_FINAL_WATCHDOG] = { ENDING, OK_TO(DONE, FINAL_SIGKILL), TO(FAILED, FAILED, RESOURCES),
                                 OK_TO(MAIN_EXIT, DEAD), TO(OOM, FINAL_SIGKILL, OOM_KILL),
                                 TO(TIMEOUT, FINAL_SIGKILL, TIMEOUT) },
    [SERVICE_FINAL_SIGTERM] = { ENDING, OK_TO(DONE, FINAL_SIGKILL), TO(FAILED, FAILED, RESOURCES),
                                OK_TO(MAIN_EXIT, DEAD), TO(OOM, FINAL_SIGKILL, OOM_KILL),
                                TO(TIMEOUT, FINAL_SIGKILL, TIMEOUT) },
    [SERVICE_FINAL_SIGKILL] = { ENDING, OK_TO(DONE, DEAD), TO(FAILED, FAILED, RESOURCES),
                                OK_TO(MAIN_EXIT, DEAD), TO(OOM, FINAL_SIGKILL, OOM_KILL),
                                TO(TIMEOUT, FAILED, TIMEOUT) },
    [SERVICE_FAILED] = { RESTING, NOT(CLEAN, -EBUSY), OK_TO(RESET_FAILED, DEAD) },
    [SERVICE_DEAD_BEFORE_AUTO_RESTART] = { NOT(START, -EAGAIN), OK_TO(STOP, DEAD),
                                           NOT(RELOAD, -EBADR), NOT(CLEAN, -EBUSY),
                                           OK_TO(DONE, AUTO_RESTART), TO(FAILED, FAILED, RESOURCES),
                                           WITH(REFUSED, START_LIMIT_HIT, FAILED,
                                                START_LIMIT_HIT) },
    [SERVICE_FAILED_BEFORE_AUTO_RESTART] = { NOT(START, -EAGAIN), OK_TO(STOP, DEAD),
                                             NOT(RELOAD, -EBADR), NOT(CLEAN, -EBUSY),
                                             OK_TO(DONE, AUTO_RESTART),
                                             TO(FAILED, FAILED, RESOURCES),
                                             WITH(REFUSED, START_LIMIT_HIT, FAILED,
                                                  START_LIMIT_HIT) },
    [SERVICE_DEAD_RESOURCES_PINNED] = { RESTING, OK_TO(CLEAN, CLEANING), OK_TO(UNPINNED, DEAD) },
    [SERVICE_AUTO_RESTART] = { OK_TO(START, AUTO_RESTART_QUEUED), OK_TO(STOP, DEAD),
                               NOT(RELOAD, -EBADR), NOT(CLEAN, -EBUSY),
                               OK_TO(TIMEOUT, AUTO_RESTART_QUEUED), TO(FAILED, FAILED, RESOURCES),
                               WITH(REFUSED, START_LIMIT_HIT, FAILED, START_LIMIT_HIT) },
    [SERVICE_AUTO_RESTART_QUEUED] = { OK_TO(START, CONDITION), OK_TO(STOP, DEAD),
                                      NOT(RELOAD, -EBADR), NOT(CLEAN, -EBUSY),
                                      TO(FAILED, FAILED, RESOURCES),
                                      WITH(REFUSED, START_LIMIT_HIT, FAILED, START_LIMIT_HIT) },
    [SERVICE_CLEANING] = { NOT(START, -EAGAIN), OK_TO(STOP, FINAL_SIGKILL), NOT(RELOAD, -EBADR),
                           NOT(CLEAN, -EBUSY), OK_TO(DONE, DEAD), OK_TO(FAILED, DEAD),
                           OK_TO(CONTROL_EXIT, DEAD), OK_TO(EMPTY, DEAD),
                           OK_TO(TIMEOUT, FINAL_SIGKILL) },
};

static const struct pair *find_pair(enum service_state s, enum service_event ev)
{
    for (size_t i = 0; i < PAIRS; i++)
        /* An unused row is all zeros: START of success to dead, which no row says. */
        if (pairs[s][i].event == ev && (ev != EV_START || pairs[s][i].next != SERVICE_DEAD))
            return &pairs[s][i];
    return NULL;
}

static void check(const struct service_view *v, enum service_event ev, enum service_result f,
                  int next, enum service_result result, const char *about)
{
    struct step step = service_decide(v, ev, f);
    int got = step.verdict == STEP_REFUSE ? REFUSE(step.error)
              : step.verdict == STEP_STAY ? (int) v->state
                                          : (int) step.next;

    if (got != next || step.result != result)
        fail_msg("%s%s + %s (%s): %s (%s), expected %s (%s)", about, service_states[v->state].name,
                 service_event_name(ev), service_result_name(f),
                 got < 0 ? "refused" : service_states[got].name, service_result_name(step.result),
                 next < 0 ? "refused" : service_states[next].name, service_result_name(result));
    if (step.verdict == STEP_STAY && next != (int) v->state)
        fail_msg("%s%s + %s: stays", about, service_states[v->state].name, service_event_name(ev));
}

static void every_pair(void **state)
{
    for (enum service_state s = 0; s < SERVICE_STATE_MAX; s++)
        for (enum service_event ev = 0; ev < SERVICE_EVENT_MAX; ev++) {
            struct service_view v = usual;
            const struct pair *p = find_pair(s, ev);

            v.state = s;
            if (p)
                check(&v, ev, p->brought, p->next, p->result, "");
            else
                check(&v, ev, RESULT_SUCCESS, (int) s, RESULT_SUCCESS, "");
        }
}

/* A result that was bad before stays, whatever comes, unless a new start or reset-failed clears it.
 */
static void first_failure_stays(void **state)
{
    for (enum service_state s = 0; s < SERVICE_STATE_MAX; s++)
        for (enum service_event ev = 0; ev < SERVICE_EVENT_MAX; ev++)
            for (enum service_result f = 0; f < SERVICE_RESULT_MAX; f++) {
                struct service_view v = usual;

                v.state = s;
                v.result = RESULT_CORE_DUMP;
                struct step step = service_decide(&v, ev, f);
                bool rests = s == SERVICE_DEAD || s == SERVICE_FAILED ||
                             s == SERVICE_DEAD_RESOURCES_PINNED || s == SERVICE_AUTO_RESTART_QUEUED;
                bool cleared = rests && (ev == EV_START || ev == EV_RESET_FAILED);

                if (step.result != RESULT_CORE_DUMP && !cleared)
                    fail_msg("%s + %s (%s): %s", service_states[s].name, service_event_name(ev),
                             service_result_name(f), service_result_name(step.result));
            }
}

/* What the usual service does not show. Members that are not named are those of `usual`. */
struct variant {
    const char *about;
    struct service_view view;
    enum service_event event;
    enum service_result brought;
    int next;
    enum service_result result;
};

#define GONE .main = MAIN_GONE
#define NOBODY .main = MAIN_GONE, .populated = false
#define SEEN(...) \
    { \
        .main = MAIN_ALIVE, .populated = true, .send_sigkill = true, \
        .oom_policy = OOM_POLICY_STOP, __VA_ARGS__ \
    }
#define IN(state_) .state = SERVICE_##state_
#define TYPE(type_) .type = SERVICE_TYPE_##type_

#pragma GCC diagnostic ignored "-Woverride-init"
static const struct variant variants[] = {
    /* Starting by type. */
    { "exec: ", SEEN(IN(START), TYPE(EXEC)), EV_EXECED, OK, SERVICE_START_POST, OK },
    { "dbus: ", SEEN(IN(START), TYPE(DBUS)), EV_EXECED, OK, SERVICE_START_POST, OK },
    { "notify: ", SEEN(IN(START), TYPE(NOTIFY)), EV_EXECED, OK, SERVICE_START, OK },
    { "notify: ", SEEN(IN(START), TYPE(NOTIFY)), EV_READY, OK, SERVICE_START_POST, OK },
    { "notify-reload: ", SEEN(IN(START), TYPE(NOTIFY_RELOAD)), EV_READY, OK, SERVICE_START_POST,
      OK },
    { "exec: ", SEEN(IN(START), TYPE(EXEC)), EV_READY, OK, SERVICE_START, OK },
    { "oneshot: ", SEEN(IN(START), TYPE(ONESHOT), GONE), EV_MAIN_EXIT, OK, SERVICE_START_POST, OK },
    { "oneshot: ", SEEN(IN(START), TYPE(ONESHOT), GONE), EV_MAIN_EXIT, RESULT_EXIT_CODE,
      SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "exec fails: ", SEEN(IN(START), TYPE(EXEC), NOBODY), EV_MAIN_EXIT, RESULT_EXIT_CODE,
      SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "exec fails, remains: ", SEEN(IN(START), TYPE(EXEC), NOBODY, .remain_after_exit = true),
      EV_MAIN_EXIT, RESULT_EXIT_CODE, SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "notify ends unready: ", SEEN(IN(START), TYPE(NOTIFY), GONE), EV_MAIN_EXIT, OK,
      SERVICE_STOP_SIGTERM, RESULT_PROTOCOL },
    { "notify fails unready: ", SEEN(IN(START), TYPE(NOTIFY), GONE), EV_MAIN_EXIT, RESULT_SIGNAL,
      SERVICE_STOP_SIGTERM, RESULT_SIGNAL },
    { "others may say ready: ", SEEN(IN(START), TYPE(NOTIFY), GONE, .remain_after_exit = true),
      EV_MAIN_EXIT, OK, SERVICE_START, OK },
    { "only main may say ready: ",
      SEEN(IN(START), TYPE(NOTIFY), GONE, .remain_after_exit = true, .notify_main_only = true),
      EV_MAIN_EXIT, OK, SERVICE_STOP_SIGTERM, RESULT_PROTOCOL },
    { "notify, all gone: ", SEEN(IN(START), TYPE(NOTIFY), NOBODY), EV_EMPTY, OK, SERVICE_STOP_POST,
      RESULT_PROTOCOL },
    { "forking returns: ", SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN), EV_CONTROL_EXIT,
      OK, SERVICE_START_POST, OK },
    { "forking fails: ", SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN), EV_CONTROL_EXIT,
      RESULT_EXIT_CODE, SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "PID file later: ",
      SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN, .pid_file = true,
           .pid_file_demanded = true),
      EV_CONTROL_EXIT, OK, SERVICE_START, OK },
    { "PID file cannot be watched: ",
      SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN, .pid_file = true), EV_CONTROL_EXIT, OK,
      SERVICE_STOP_SIGTERM, RESULT_PROTOCOL },
    { "PID file of nobody: ",
      SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN, .pid_file = true,
           .pid_file_demanded = true, .populated = false),
      EV_CONTROL_EXIT, OK, SERVICE_STOP_SIGTERM, RESULT_PROTOCOL },
    { "PID file by ExecStartPost: ",
      SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN, .pid_file = true,
           .has_start_post = true),
      EV_CONTROL_EXIT, OK, SERVICE_START_POST, OK },
    { "no PID file after ExecStartPost: ",
      SEEN(IN(START_POST), TYPE(FORKING), .main = MAIN_UNKNOWN, .pid_file = true,
           .has_start_post = true),
      EV_CONTROL_EXIT, OK, SERVICE_STOP, RESULT_PROTOCOL },
    { "a PID file may still come: ",
      SEEN(IN(START), TYPE(FORKING), .main = MAIN_UNKNOWN, .pid_file = true, .populated = false),
      EV_EMPTY, OK, SERVICE_START, OK },
    { "the daemon of the PID file is gone: ",
      SEEN(IN(START), TYPE(FORKING), NOBODY, .pid_file = true), EV_EMPTY, OK, SERVICE_STOP_POST,
      RESULT_PROTOCOL },
    { "PID file appears while ExecStart runs: ",
      SEEN(IN(START), TYPE(FORKING), .pid_file = true, .control_alive = true), EV_PID_FILE, OK,
      SERVICE_START, OK },
    { "condition says no: ", SEEN(IN(CONDITION)), EV_CONTROL_EXIT, RESULT_EXEC_CONDITION,
      SERVICE_STOP_SIGTERM, RESULT_EXEC_CONDITION },
    { "start-pre fails: ", SEEN(IN(START_PRE)), EV_CONTROL_EXIT, RESULT_EXIT_CODE,
      SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "start-post fails: ", SEEN(IN(START_POST)), EV_CONTROL_EXIT, RESULT_EXIT_CODE,
      SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "main ends in start-post: ", SEEN(IN(START_POST), GONE, .control_alive = true), EV_MAIN_EXIT,
      RESULT_EXIT_CODE, SERVICE_START_POST, RESULT_EXIT_CODE },
    { "after it failed there: ", SEEN(IN(START_POST), GONE, .result = RESULT_EXIT_CODE),
      EV_CONTROL_EXIT, OK, SERVICE_STOP_SIGTERM, RESULT_EXIT_CODE },
    { "abort: ", SEEN(IN(START), .start_failure_mode = TIMEOUT_ABORT), EV_TIMEOUT, OK,
      SERVICE_STOP_WATCHDOG, RESULT_TIMEOUT },
    { "kill: ", SEEN(IN(START), .start_failure_mode = TIMEOUT_KILL), EV_TIMEOUT, OK,
      SERVICE_STOP_SIGKILL, RESULT_TIMEOUT },
    { "kill, no SIGKILL: ",
      SEEN(IN(START), .start_failure_mode = TIMEOUT_KILL, .send_sigkill = false), EV_TIMEOUT, OK,
      SERVICE_STOP_POST, RESULT_TIMEOUT },

    /* Running, and what it becomes. */
    { "main ends well: ", SEEN(IN(RUNNING), GONE), EV_MAIN_EXIT, OK, SERVICE_STOP, OK },
    { "main fails: ", SEEN(IN(RUNNING), GONE), EV_MAIN_EXIT, RESULT_EXIT_CODE, SERVICE_STOP_SIGTERM,
      RESULT_EXIT_CODE },
    { "remains: ", SEEN(IN(RUNNING), GONE, .remain_after_exit = true), EV_MAIN_EXIT, OK,
      SERVICE_EXITED, OK },
    { "remains, fails: ", SEEN(IN(RUNNING), GONE, .remain_after_exit = true), EV_MAIN_EXIT,
      RESULT_SIGNAL, SERVICE_STOP_SIGTERM, RESULT_SIGNAL },
    { "ExitType=cgroup, others live: ", SEEN(IN(RUNNING), GONE, .exit_type = EXIT_TYPE_CGROUP),
      EV_MAIN_EXIT, OK, SERVICE_RUNNING, OK },
    { "ExitType=cgroup, main failed: ", SEEN(IN(RUNNING), GONE, .exit_type = EXIT_TYPE_CGROUP),
      EV_MAIN_EXIT, RESULT_EXIT_CODE, SERVICE_RUNNING, RESULT_EXIT_CODE },
    { "ExitType=cgroup, the last: ", SEEN(IN(RUNNING), NOBODY, .exit_type = EXIT_TYPE_CGROUP),
      EV_EMPTY, OK, SERVICE_STOP, OK },
    { "main unknown, all gone: ", SEEN(IN(RUNNING), .main = MAIN_UNKNOWN, .populated = false),
      EV_EMPTY, OK, SERVICE_STOP, OK },
    { "main unknown, some left: ", SEEN(IN(RUNNING), .main = MAIN_UNKNOWN), EV_EMPTY, OK,
      SERVICE_RUNNING, OK },
    { "oneshot is over: ", SEEN(IN(START_POST), TYPE(ONESHOT), NOBODY), EV_DONE, OK, SERVICE_STOP,
      OK },
    { "oneshot remains: ", SEEN(IN(START_POST), TYPE(ONESHOT), NOBODY, .remain_after_exit = true),
      EV_DONE, OK, SERVICE_EXITED, OK },
    { "reloading since before: ",
      SEEN(IN(START_POST), TYPE(NOTIFY), .notify_state = NOTIFY_STATE_RELOADING), EV_DONE, OK,
      SERVICE_RELOAD_NOTIFY, OK },
    { "stopping since before: ",
      SEEN(IN(START_POST), TYPE(NOTIFY), .notify_state = NOTIFY_STATE_STOPPING), EV_DONE, OK,
      SERVICE_STOP_SIGTERM, OK },
    { "OOMPolicy=kill: ", SEEN(IN(RUNNING), .oom_policy = OOM_POLICY_KILL), EV_OOM, OK,
      SERVICE_STOP_SIGKILL, RESULT_OOM_KILL },
    { "OOMPolicy=continue: ", SEEN(IN(RUNNING), .oom_policy = OOM_POLICY_CONTINUE), EV_OOM, OK,
      SERVICE_RUNNING, OK },

    /* Reloading. */
    { "answered: ", SEEN(IN(RELOAD_SIGNAL), .reload_answered = true), EV_RELOADING, OK,
      SERVICE_RELOAD_NOTIFY, OK },
    { "answered and ready at once: ", SEEN(IN(RELOAD_SIGNAL), .reload_answered = true), EV_READY,
      OK, SERVICE_RUNNING, OK },
    { "a signal is enough: ", SEEN(IN(RELOAD), .reload_signalled = true), EV_DONE, OK,
      SERVICE_RELOAD_SIGNAL, OK },
    { "command over, still reloading: ", SEEN(IN(RELOAD), .notify_state = NOTIFY_STATE_RELOADING),
      EV_CONTROL_EXIT, OK, SERVICE_RELOAD_NOTIFY, OK },
    { "reload command fails: ", SEEN(IN(RELOAD)), EV_CONTROL_EXIT, RESULT_EXIT_CODE,
      SERVICE_RUNNING, OK },
    { "never ready again: ", SEEN(IN(RELOAD_NOTIFY), .notify_state = NOTIFY_STATE_RELOADING),
      EV_TIMEOUT, OK, SERVICE_RUNNING, OK },
    { "main ends in reload: ", SEEN(IN(RELOAD), GONE, .control_alive = true), EV_MAIN_EXIT,
      RESULT_SIGNAL, SERVICE_RELOAD, RESULT_SIGNAL },
    { "exited reloads: ", SEEN(IN(RELOAD), TYPE(ONESHOT), NOBODY, .remain_after_exit = true),
      EV_CONTROL_EXIT, OK, SERVICE_EXITED, OK },

    /* Stopping. */
    { "ExecStop runs on: ", SEEN(IN(STOP), GONE, .control_alive = true), EV_MAIN_EXIT, OK,
      SERVICE_STOP, OK },
    { "ExecStop fails: ", SEEN(IN(STOP)), EV_CONTROL_EXIT, RESULT_EXIT_CODE, SERVICE_STOP_SIGTERM,
      RESULT_EXIT_CODE },
    { "main gone, command not: ", SEEN(IN(STOP_SIGTERM), GONE, .control_alive = true), EV_MAIN_EXIT,
      OK, SERVICE_STOP_SIGTERM, OK },
    { "command gone as well: ", SEEN(IN(STOP_SIGTERM), GONE), EV_CONTROL_EXIT, OK,
      SERVICE_STOP_POST, OK },
    { "all gone: ", SEEN(IN(STOP_SIGTERM), NOBODY), EV_EMPTY, OK, SERVICE_STOP_POST, OK },
    { "all gone: ", SEEN(IN(STOP_SIGKILL), NOBODY), EV_EMPTY, OK, SERVICE_STOP_POST, OK },
    { "nobody to kill, no SIGKILL: ", SEEN(IN(STOP_SIGTERM), NOBODY, .send_sigkill = false),
      EV_DONE, OK, SERVICE_STOP_POST, OK },
    { "timeout, no SIGKILL: ", SEEN(IN(STOP_SIGTERM), .send_sigkill = false), EV_TIMEOUT, OK,
      SERVICE_STOP_POST, RESULT_TIMEOUT },
    { "timeout, abort: ", SEEN(IN(STOP_SIGTERM), .stop_failure_mode = TIMEOUT_ABORT), EV_TIMEOUT,
      OK, SERVICE_STOP_WATCHDOG, RESULT_TIMEOUT },
    { "ExecStop timeout, abort: ", SEEN(IN(STOP), .stop_failure_mode = TIMEOUT_ABORT), EV_TIMEOUT,
      OK, SERVICE_STOP_WATCHDOG, RESULT_TIMEOUT },
    { "ExecStop timeout, kill: ", SEEN(IN(STOP), .stop_failure_mode = TIMEOUT_KILL), EV_TIMEOUT, OK,
      SERVICE_STOP_SIGKILL, RESULT_TIMEOUT },
    { "stop-watchdog timeout, no SIGKILL: ", SEEN(IN(STOP_WATCHDOG), .send_sigkill = false),
      EV_TIMEOUT, OK, SERVICE_STOP_POST, RESULT_TIMEOUT },
    { "stop-post timeout, kill, no SIGKILL: ",
      SEEN(IN(STOP_POST), .stop_failure_mode = TIMEOUT_KILL, .send_sigkill = false), EV_TIMEOUT, OK,
      SERVICE_FAILED, RESULT_TIMEOUT },
    { "stop-post timeout, abort: ", SEEN(IN(STOP_POST), .stop_failure_mode = TIMEOUT_ABORT),
      EV_TIMEOUT, OK, SERVICE_FINAL_WATCHDOG, RESULT_TIMEOUT },
    { "final-sigterm timeout, no SIGKILL: ", SEEN(IN(FINAL_SIGTERM), .send_sigkill = false),
      EV_TIMEOUT, OK, SERVICE_FAILED, RESULT_TIMEOUT },
    { "final-sigterm timeout, abort: ", SEEN(IN(FINAL_SIGTERM), .stop_failure_mode = TIMEOUT_ABORT),
      EV_TIMEOUT, OK, SERVICE_FINAL_WATCHDOG, RESULT_TIMEOUT },
    { "final, nobody, no SIGKILL: ", SEEN(IN(FINAL_SIGTERM), NOBODY, .send_sigkill = false),
      EV_DONE, OK, SERVICE_DEAD, OK },
    { "all gone: ", SEEN(IN(FINAL_SIGTERM), NOBODY), EV_EMPTY, OK, SERVICE_DEAD, OK },
    { "all gone after a failure: ", SEEN(IN(FINAL_SIGKILL), NOBODY, .result = RESULT_TIMEOUT),
      EV_EMPTY, OK, SERVICE_FAILED, RESULT_TIMEOUT },
    { "condition is no failure: ", SEEN(IN(FINAL_SIGKILL), NOBODY, .result = RESULT_EXEC_CONDITION),
      EV_DONE, OK, SERVICE_DEAD, RESULT_EXEC_CONDITION },

    /* The end, and after. */
    { "restarts: ", SEEN(IN(FINAL_SIGKILL), NOBODY, .restart = RESTART_ALWAYS), EV_DONE, OK,
      SERVICE_DEAD_BEFORE_AUTO_RESTART, OK },
    { "restarts after a failure: ",
      SEEN(IN(FINAL_SIGKILL), NOBODY, .restart = RESTART_ON_FAILURE, .result = RESULT_SIGNAL),
      EV_DONE, OK, SERVICE_FAILED_BEFORE_AUTO_RESTART, RESULT_SIGNAL },
    { "restarts directly: ",
      SEEN(IN(FINAL_SIGKILL), NOBODY, .restart = RESTART_ALWAYS, .restart_direct = true), EV_DONE,
      OK, SERVICE_AUTO_RESTART, OK },
    { "a stop is queued: ",
      SEEN(IN(FINAL_SIGKILL), NOBODY, .restart = RESTART_ALWAYS, .stop_pending = true), EV_DONE, OK,
      SERVICE_DEAD, OK },
    { "stopped by hand: ",
      SEEN(IN(FINAL_SIGKILL), NOBODY, .restart = RESTART_ALWAYS, .restart_forbidden = true),
      EV_DONE, OK, SERVICE_DEAD, OK },
    { "descriptors are kept: ", SEEN(IN(FINAL_SIGKILL), NOBODY, .pinned = true), EV_DONE, OK,
      SERVICE_DEAD_RESOURCES_PINNED, OK },
    { "a stop is queued: ", SEEN(IN(AUTO_RESTART), NOBODY, .stop_pending = true), EV_TIMEOUT, OK,
      SERVICE_AUTO_RESTART, OK },
    { "no restart when refused: ", SEEN(IN(AUTO_RESTART_QUEUED), NOBODY, .restart = RESTART_ALWAYS),
      EV_REFUSED, RESULT_START_LIMIT_HIT, SERVICE_FAILED, RESULT_START_LIMIT_HIT },
};

static void variants_of_the_service(void **state)
{
    for (size_t i = 0; i < ELEMENTSOF(variants); i++)
        check(&variants[i].view, variants[i].event, variants[i].brought, variants[i].next,
              variants[i].result, variants[i].about);
}

static void reload_results(void **state)
{
    static const struct {
        enum service_event event;
        enum service_result brought, result;
        bool control, kills;
    } cases[] = {
        { EV_CONTROL_EXIT, RESULT_SUCCESS, RESULT_SUCCESS, false, false },
        { EV_CONTROL_EXIT, RESULT_EXIT_CODE, RESULT_EXIT_CODE, false, false },
        { EV_TIMEOUT, RESULT_SUCCESS, RESULT_TIMEOUT, true, true },
        { EV_FAILED, RESULT_SUCCESS, RESULT_RESOURCES, false, false },
        { EV_DONE, RESULT_SUCCESS, RESULT_SUCCESS, false, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct service_view v = usual;

        v.state = SERVICE_RELOAD;
        v.control_alive = cases[i].control;
        struct step step = service_decide(&v, cases[i].event, cases[i].brought);
        if (!step.reload_ended || step.reload_result != cases[i].result ||
            step.kill_control != cases[i].kills || step.result != RESULT_SUCCESS)
            fail_msg("%s: %s", service_event_name(cases[i].event),
                     service_result_name(step.reload_result));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(first_failure_stays),
        cmocka_unit_test(variants_of_the_service),
        cmocka_unit_test(reload_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
