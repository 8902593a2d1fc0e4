#include "manager/config.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/private.h"
#include "unit/config.h"
#include "unit/manager-config.h"
#include "unit/value.h"

/* What systemd gives services where nothing is configured: select(2) cannot take descriptors above
 * 1023, so a higher soft limit is for the program to ask for. */
#define NOFILE_SOFT 1024
#define NOFILE_HARD 524288

static uint64_t from_rlim(rlim_t n)
{
    return n == RLIM_INFINITY ? SIZE_INFINITY : (uint64_t) n;
}

/* Limits that nobody has set are those that the manager itself was started with. */
static void fill_limits(struct manager_config *c)
{
    const struct {
        int resource;
        struct rlimit_value *value;
    } rows[] = {
        { RLIMIT_CPU, &c->default_limit_cpu },
        { RLIMIT_FSIZE, &c->default_limit_fsize },
        { RLIMIT_DATA, &c->default_limit_data },
        { RLIMIT_STACK, &c->default_limit_stack },
        { RLIMIT_CORE, &c->default_limit_core },
        { RLIMIT_RSS, &c->default_limit_rss },
        { RLIMIT_NOFILE, &c->default_limit_nofile },
        { RLIMIT_AS, &c->default_limit_as },
        { RLIMIT_NPROC, &c->default_limit_nproc },
        { RLIMIT_MEMLOCK, &c->default_limit_memlock },
        { RLIMIT_LOCKS, &c->default_limit_locks },
        { RLIMIT_SIGPENDING, &c->default_limit_sigpending },
        { RLIMIT_MSGQUEUE, &c->default_limit_msgqueue },
        { RLIMIT_NICE, &c->default_limit_nice },
        { RLIMIT_RTPRIO, &c->default_limit_rtprio },
        { RLIMIT_RTTIME, &c->default_limit_rttime },
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        struct rlimit now;

        if (rows[i].value->set || getrlimit((__rlimit_resource_t) rows[i].resource, &now) < 0)
            continue;
        if (rows[i].resource == RLIMIT_NOFILE) {
            /* Whatever our own are: the launcher comes as near as it may. */
            now.rlim_max = NOFILE_HARD;
            now.rlim_cur = NOFILE_SOFT;
        }
        *rows[i].value = (struct rlimit_value){ from_rlim(now.rlim_cur), from_rlim(now.rlim_max),
                                                true };
    }
}

static void log_messages(const struct manager_config *c)
{
    for (unsigned i = 0; i < c->n_messages; i++) {
        const struct unit_message *msg = &c->messages[i];

        if (msg->level <= LOG_NOTICE)
            log_line(msg->level, "%s:%u: %s%s%s%s%s%s", strempty(msg->file), msg->line,
                     strempty(msg->directive), msg->directive ? "=: " : "", msg->text,
                     msg->remedy ? " (" : "", strempty(msg->remedy), msg->remedy ? ")" : "");
    }
}

int manager_read_config(struct manager *m)
{
    struct manager_config_options options = { .user = m->user, .root = m->root };
    struct manager_config *c;

    int r = manager_config_read(&options, &c);
    if (r < 0)
        return r;
    log_messages(c);
    if (!m->test)
        log_set_default_priority(c->log_level);
    m->reload_limit.interval = c->reload_limit_interval_sec;
    m->reload_limit.burst = c->reload_limit_burst;
    fill_limits(c);
    struct unit_presets *presets = manager_config_presets(c, m->user);
    if (!presets) {
        manager_config_free(c);
        return -ENOMEM;
    }
    unit_presets_unref(m->presets);
    m->presets = presets;
    manager_config_free(m->config);
    m->config = c;
    m->spawn.default_timer_slack_nsec = c->timer_slack_nsec == UINT64_MAX ? USEC_INFINITY
                                                                          : c->timer_slack_nsec;
    return 0;
}

void manager_confine(const struct manager *m)
{
    const struct manager_config *c = m->config;

    if (m->test || !c)
        return;
    if (c->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        log_warning("NoNewPrivileges= could not be applied: %s", strerror(errno));
    for (int cap = 0; cap <= capability_last(); cap++)
        if (!(c->capability_bounding_set >> cap & 1) && prctl(PR_CAPBSET_DROP, cap) < 0) {
            log_warning("CapabilityBoundingSet= could not be applied: %s", strerror(errno));
            return;
        }
}

const struct manager_config *manager_settings(const struct manager *m)
{
    return m->config;
}

void manager_config_done(struct manager *m)
{
    m->config = manager_config_free(m->config);
}
