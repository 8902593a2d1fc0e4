/* Health of a service: the prober, a helper process for a unit that has probes in [X-Reeve], and
 * what it or `reeve guard` says.
 *
 * The prober speaks through the service's notification socket, as guard does: READY=1, STATUS= and
 * WATCHDOG=1 mean what they mean from any service. It is outside of the unit (it is no process of
 * the unit, and is not stopped with it), and ends with the main process. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/id128.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/helper.h"
#include "manager/private.h"
#include "manager/service.h"

/* A prober that ends is started again after this. */
#define RESTART_DELAY (5 * USEC_PER_SEC)
/* `reeve guard`: the command line is wrong; it will be the next time, too. */
#define EXIT_GUARD_USAGE 64

struct service_health {
    char *state;
    char **answers;
    char **arguments; /* of the prober; NULL after a hand-over */
    struct event_source *restart;
};

static struct service_health *ensure(struct service *s)
{
    if (!s->health)
        s->health = new0(struct service_health, 1);
    return s->health;
}

const char *service_health_state(const struct service *s)
{
    return s->health ? s->health->state : NULL;
}

char *const *service_health_answers(const struct service *s)
{
    return s->health ? s->health->answers : NULL;
}

/* ---- the prober ---- */

static int make_arguments(const struct service *s, char ***ret)
{
    const struct reeve_config *c = s->unit.config->reeve;
    auto_strv char **argv = strv_new("reeve", "guard", NULL);
    int r = argv ? strv_addf(&argv, "--beside=%d", (int) s->main.pid) : -ENOMEM;

    if (r >= 0)
        r = strv_addf(&argv, "--interval=%juus", (uintmax_t) c->health_interval);
    if (r >= 0)
        r = strv_addf(&argv, "--timeout=%juus", (uintmax_t) c->health_timeout);
    if (r >= 0)
        r = strv_addf(&argv, "--hold=%juus", (uintmax_t) c->health_hold);
    if (r >= 0)
        r = strv_addf(&argv, "--failures=%u", c->health_failures);
    if (r >= 0)
        r = strv_addf(&argv, "--successes=%u", c->health_successes);
    STRV_FOREACH (probe, c->health_probes)
        if (r >= 0)
            r = strv_addf(&argv, "--%s", *probe);
    if (r >= 0)
        *ret = take_ptr(argv);
    return r;
}

static int make_environment(struct service *s, char ***ret)
{
    auto_strv char **env = strv_copy(environ);
    char id[ID128_TEXT_MAX];
    usec_t watchdog = service_watchdog_usec(s);
    const char *path;
    int r = env ? service_notify_open(s, &path) : -ENOMEM;
    auto_free char *socket = r >= 0 ? format("NOTIFY_SOCKET=%s", path) : NULL;
    auto_free char *invocation = format("INVOCATION_ID=%s", id128_format(s->unit.invocation, id));
    auto_free char *span = format("WATCHDOG_USEC=%ju",
                                  (uintmax_t) (watchdog == USEC_INFINITY ? 0 : watchdog));

    if (r < 0)
        return r;
    if (!socket || !invocation || !span || strv_env_set(&env, socket) < 0 ||
        strv_env_set(&env, invocation) < 0 || strv_env_set(&env, span) < 0)
        return -ENOMEM;
    *ret = take_ptr(env);
    return 0;
}

static int spawn(struct service *s)
{
    auto_strv char **argv = NULL, **env = NULL;
    int r = make_arguments(s, &argv);

    if (r >= 0)
        r = make_environment(s, &env);
    if (r < 0)
        return r;
    pid_t pid = manager_start_helper(argv, env, -1);
    if (pid < 0)
        return (int) pid;
    s->prober = pid;
    strv_free(s->health->arguments);
    s->health->arguments = take_ptr(argv);
    return unit_watch_pid(UNIT(s), pid);
}

void service_health_start(struct service *s)
{
    bool wanted = s->unit.config && s->unit.config->reeve->health_probes &&
                  service_states[s->state].owns & OWNS_HEALTH && s->main.pid > 0 &&
                  !s->main.report && !s->unit.manager->test;

    if (!wanted || s->prober > 0 || !ensure(s) ||
        (s->health->restart && event_source_enabled(s->health->restart)))
        return;
    int r = spawn(s);
    if (r < 0)
        unit_log_text(UNIT(s), LOG_WARNING, "The probes of its health cannot be made: %s",
                      strerror(-r));
    unit_changed(UNIT(s));
}

void service_health_stop(struct service *s)
{
    if (s->prober > 0) {
        unit_unwatch_pid(UNIT(s), s->prober);
        (void) kill(s->prober, SIGKILL);
        s->prober = 0;
    }
    if (!s->health)
        return;
    event_source_free(s->health->restart);
    strv_free(s->health->answers);
    strv_free(s->health->arguments);
    free(s->health->state);
    free(s->health);
    s->health = NULL;
}

void service_health_reloaded(struct service *s)
{
    auto_strv char **argv = NULL;

    if (s->prober > 0 &&
        (make_arguments(s, &argv) < 0 || !s->health || !strv_equal(argv, s->health->arguments)))
        service_health_stop(s);
    service_health_start(s);
}

int service_health_restore(struct service *s, const char *state)
{
    return ensure(s) ? str_replace(&s->health->state, state) : -ENOMEM;
}

static void restart_due(struct event_source *source, usec_t due, void *userdata)
{
    struct service *s = userdata;

    event_source_disable(source);
    service_health_start(s);
}

/* It ends with the main process, of which we may hear later: then there is nothing to say, and the
 * timer goes with the state. */
void service_health_exited(struct service *s, int code, int status)
{
    usec_t at = usec_add(now_usec(CLOCK_MONOTONIC), RESTART_DELAY);

    s->prober = 0;
    if (code == CLD_EXITED && status == EXIT_GUARD_USAGE) {
        unit_log_text(UNIT(s), LOG_ERR,
                      "A setting of [X-Reeve] is wrong, no probe is made: see 'reeve check %s'.",
                      s->unit.id);
        return;
    }
    if (code != CLD_EXITED || status != 0)
        unit_log_text(UNIT(s), LOG_WARNING, "The prober of its health ended (%s %d).",
                      code == CLD_EXITED ? "status" : "signal", status);
    if (!ensure(s))
        return;
    if (s->health->restart)
        event_source_set_time(s->health->restart, at);
    else
        (void) event_add_time(manager_loop(s->unit.manager), CLOCK_MONOTONIC, at, restart_due, s,
                              &s->health->restart);
}

/* ---- what it says ---- */

/* The lines "NAME=..." of the message, as a new strv without the name. */
static char **field_lines(const char *text, const char *name)
{
    auto_strv char **lines = strv_split(text, "\n");
    char **found = NULL;

    STRV_FOREACH (line, lines) {
        const char *rest = startswith(*line, name);

        if (rest && *rest == '=' && strv_add(&found, rest + 1) < 0)
            break;
    }
    return found;
}

void service_health_heard(struct service *s, const char *text)
{
    if (!strstr(text, "X_REEVE_HEALTH=") || !(service_states[s->state].owns & OWNS_HEALTH) ||
        !ensure(s))
        return;
    auto_strv char **state = field_lines(text, "X_REEVE_HEALTH");
    /* That it starts everybody knows. */
    bool changed = state && !streq_ptr(*state, s->health->state) &&
                   (s->health->state || !streq(*state, "starting"));

    if (!state || str_replace(&s->health->state, *state) < 0)
        return;
    strv_free(s->health->answers);
    s->health->answers = field_lines(text, "X_REEVE_PROBE");
    /* guard says for itself what has changed. */
    if (changed && s->prober > 0)
        unit_log_text(UNIT(s), streq(*state, "healthy") ? LOG_INFO : LOG_WARNING, "Health: %s",
                      s->status_text ? s->status_text : *state);
}
