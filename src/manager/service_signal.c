/* Killing (systemd.kill(5)). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/process.h"
#include "base/str.h"
#include "launch/track.h"
#include "manager/service.h"

int service_signal_process(pid_t pid, int signo)
{
    if (kill(pid, signo) < 0)
        return -errno;
    /* A stopped process would not notice. */
    if (signo != SIGCONT && signo != SIGKILL)
        (void) kill(pid, SIGCONT);
    return 0;
}

/* RestartKillSignal= where the stop is the first half of a restart. */
static int terminate_signal(const struct unit *u)
{
    const struct kill_config *c = u->config->kill;
    bool restart = u->job && u->job->type == JOB_RESTART;

    return restart && c->restart_kill_signal > 0 ? c->restart_kill_signal : c->kill_signal;
}

/* A process that we know. Returns 1 if its end is to be waited for. */
static int signal_known(struct unit *u, const struct known_process *c, int signo, bool loud,
                        bool hup)
{
    if (c->pid <= 0)
        return 0;
    if (loud) {
        auto_free char *comm = NULL;

        (void) process_comm(c->pid, &comm);
        unit_log_text(u, LOG_NOTICE, "Killing process %d (%s) with signal SIG%s.", (int) c->pid,
                      comm ? comm : "n/a", signal_name(signo));
    }
    int r = service_signal_process(c->pid, signo);
    if (r < 0) {
        if (r != -ESRCH)
            unit_log_text(u, LOG_WARNING, "Failed to kill process %d, ignoring: %s", (int) c->pid,
                          strerror(-r));
        /* Gone, and its end not yet told: that is what there is to wait for. */
        return r == -ESRCH && !c->alien;
    }
    if (hup)
        (void) kill(c->pid, SIGHUP);
    return !c->alien;
}

static int signal_rest(struct unit *u, const struct known_process known[static KNOWN_MAX],
                       int signo, bool hup)
{
    struct tracker *t = u->tracker;
    pid_t except[KNOWN_MAX];
    size_t n = 0;

    if (!t || tracker_is_empty(t))
        return 0;
    for (size_t i = 0; i < KNOWN_MAX; i++)
        if (known[i].pid > 0)
            except[n++] = known[i].pid;
    int r = tracker_kill(t, signo, except, n);
    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Failed to kill control group, ignoring: %s", strerror(-r));
        return 0;
    }
    if (r > 0 && signo != SIGKILL && signo != SIGCONT)
        (void) tracker_kill(t, SIGCONT, except, n);
    if (r > 0 && hup)
        (void) tracker_kill(t, SIGHUP, except, n);
    return r > 0;
}

int unit_send_signal(struct unit *u, enum service_signal signal,
                     const struct known_process known[static KNOWN_MAX])
{
    const struct kill_config *c = u->config->kill;
    bool all = c->kill_mode == KILL_MODE_CONTROL_GROUP ||
               (c->kill_mode == KILL_MODE_MIXED && signal == SIGNAL_KILL);
    int signo = signal == SIGNAL_TERMINATE  ? terminate_signal(u)
                : signal == SIGNAL_WATCHDOG ? c->watchdog_signal
                                            : c->final_kill_signal;
    bool hup = signal == SIGNAL_TERMINATE && c->send_sighup;
    bool loud = signal != SIGNAL_TERMINATE;

    if (c->kill_mode == KILL_MODE_NONE)
        return 0;
    int wait = 0;
    for (size_t i = 0; i < KNOWN_MAX; i++)
        wait |= signal_known(u, &known[i], signo, loud, hup);
    if (all)
        wait |= signal_rest(u, known, signo, hup);
    return wait;
}

int service_send_signal(struct service *s, enum service_signal signal)
{
    service_judge_alien(s);
    const struct known_process known[KNOWN_MAX] = { { s->main.pid, s->main.alien },
                                                    { s->control.pid, s->control.alien } };

    return unit_send_signal(UNIT(s), signal, known);
}

void service_kill_control(struct service *s)
{
    if (s->control.pid > 0)
        (void) service_signal_process(s->control.pid, SIGKILL);
}
