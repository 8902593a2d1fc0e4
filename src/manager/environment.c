/* The environment block that services get (systemctl(1), show-environment). */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/checkpoint.h"
#include "manager/environment.h"
#include "manager/private.h"
#include "unit/env-file.h"
#include "unit/manager-config.h"

char *const *manager_environment(const struct manager *m)
{
    return m->environment;
}

int manager_change_environment(struct manager *m, char *const *set, char *const *unset,
                               struct op_error *e)
{
    STRV_FOREACH (assignment, set)
        if (!env_assignment_is_valid(*assignment))
            return op_error_set(e, -EINVAL, "InvalidArgs", "Invalid environment assignments");
    STRV_FOREACH (name, unset)
        if (!env_name_is_valid(*name) && !env_assignment_is_valid(*name))
            return op_error_set(e, -EINVAL, "InvalidArgs", "Invalid environment variable name: %s",
                                *name);

    auto_strv char **changed = m->environment ? strv_copy(m->environment) : strv_new(NULL, NULL);
    if (!changed)
        return op_error_set(e, -ENOMEM, "NoMemory", "Out of memory.");
    STRV_FOREACH (name, unset) {
        if (strchr(*name, '='))
            strv_remove(changed, *name);
        else
            strv_env_unset(changed, *name);
    }
    STRV_FOREACH (assignment, set)
        if (strv_env_set(&changed, *assignment) < 0)
            return op_error_set(e, -ENOMEM, "NoMemory", "Out of memory.");

    char **old = m->environment;
    m->environment = take_ptr(changed);
    m->spawn.environment = m->environment;
    checkpoint_head(m);
    strv_free(old);
    manager_tell(m, EVENT_ENVIRONMENT, NULL, NULL);
    return 0;
}

/* LANG and the like (locale.conf(5)); without the file what systemd is built with. */
static int add_locale(char ***env)
{
    static const char *const names[] = { "LANG",           "LANGUAGE",         "LC_CTYPE",
                                         "LC_NUMERIC",     "LC_TIME",          "LC_COLLATE",
                                         "LC_MONETARY",    "LC_MESSAGES",      "LC_PAPER",
                                         "LC_NAME",        "LC_ADDRESS",       "LC_TELEPHONE",
                                         "LC_MEASUREMENT", "LC_IDENTIFICATION" };
    auto_strv char **assignments = NULL;
    bool any = false;

    (void) env_file_read(NULL, "/etc/locale.conf", &assignments, NULL, 0, NULL);
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        const char *value = strv_env_get(assignments, names[i]);

        if (!value)
            continue;
        any = true;
        if (strv_addf(env, "%s=%s", names[i], value) < 0)
            return -ENOMEM;
    }
    return any ? 0 : strv_add(env, "LANG=C.UTF-8");
}

/* A user's manager, and `reeve up`, hand on what they were started with, less what concerns
 * themselves. */
static int add_own(char ***env)
{
    extern char **environ;
    static const char *const own[] = { "NOTIFY_SOCKET",  "LISTEN_PID",
                                       "LISTEN_FDS",     "LISTEN_FDNAMES",
                                       "MAINPID",        "MANAGERPID",
                                       "JOURNAL_STREAM", "INVOCATION_ID",
                                       "WATCHDOG_PID",   "WATCHDOG_USEC",
                                       "EXIT_CODE",      "EXIT_STATUS",
                                       "SERVICE_RESULT", "_",
                                       "SHLVL",          "PWD",
                                       "OLDPWD",         "TERM",
                                       "REEVE_CRASHES",  "REEVE_STATE_FD" };

    STRV_FOREACH (assignment, environ) {
        bool skip = !env_assignment_is_valid(*assignment);

        for (size_t i = 0; i < ELEMENTSOF(own) && !skip; i++) {
            const char *rest = startswith(*assignment, own[i]);

            skip = rest && *rest == '=';
        }
        if (!skip && strv_add(env, *assignment) < 0)
            return -ENOMEM;
    }
    return 0;
}

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

int manager_init_environment(struct manager *m)
{
    auto_strv char **env = NULL;
    int r;

    if (m->user || m->role == MANAGER_EPHEMERAL)
        r = add_own(&env);
    else
        r = add_locale(&env); /* the system's services do not see who started the manager, or how */
    if (r >= 0 && !strv_env_get(env, "PATH"))
        r = strv_add(&env, DEFAULT_PATH);
    if (r >= 0 && m->config)
        STRV_FOREACH (assignment, m->config->default_environment) {
            r = strv_env_set(&env, *assignment);
            if (r < 0)
                break;
        }
    if (r < 0)
        return r;
    strv_sort(env);
    strv_free(m->environment);
    m->environment = take_ptr(env);
    m->spawn.environment = m->environment;
    return 0;
}
