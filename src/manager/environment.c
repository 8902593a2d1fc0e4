/* The environment block that services get (systemctl(1), show-environment). */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/environment.h"
#include "manager/private.h"

static bool name_is_valid(const char *text, size_t n)
{
    if (n == 0 || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
              (text[i] >= '0' && text[i] <= '9') || text[i] == '_'))
            return false;
    return true;
}

/* "NAME=VALUE", the value without control characters but tab and newline. */
static bool assignment_is_valid(const char *text)
{
    const char *equals = strchr(text, '=');

    if (!equals || !name_is_valid(text, (size_t) (equals - text)))
        return false;
    for (const char *p = equals + 1; *p; p++)
        if ((unsigned char) *p < ' ' && *p != '\t' && *p != '\n')
            return false;
    return true;
}

char *const *manager_environment(const struct manager *m)
{
    return m->environment;
}

int manager_change_environment(struct manager *m, char *const *set, char *const *unset,
                               struct op_error *e)
{
    STRV_FOREACH (assignment, set)
        if (!assignment_is_valid(*assignment))
            return op_error_set(e, -EINVAL, "InvalidArgs", "Invalid environment assignment: %s",
                                *assignment);
    STRV_FOREACH (name, unset)
        if (!name_is_valid(*name, strcspn(*name, "=")))
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
    strv_sort(changed);

    char **old = m->environment;
    m->environment = take_ptr(changed);
    m->spawn.environment = m->environment;
    strv_free(old);
    manager_tell(m, EVENT_ENVIRONMENT, NULL, NULL);
    return 0;
}

/* What the manager itself was started with, less what concerns the manager alone. */
int manager_init_environment(struct manager *m)
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
                                       "HOME",           "USER",
                                       "LOGNAME",        "SHELL" };
    auto_strv char **env = NULL;

    STRV_FOREACH (assignment, environ) {
        bool skip = !assignment_is_valid(*assignment);

        /* A user's manager hands HOME and the like on: they are the user's. */
        for (size_t i = 0; i < ELEMENTSOF(own) && !skip; i++) {
            const char *rest = startswith(*assignment, own[i]);

            skip = rest && *rest == '=' && !(m->user && i >= 17);
        }
        if (!skip && strv_add(&env, *assignment) < 0)
            return -ENOMEM;
    }
    if (!strv_env_get(env, "PATH") &&
        strv_add(&env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") < 0)
        return -ENOMEM;
    strv_sort(env);
    strv_free(m->environment);
    m->environment = take_ptr(env);
    m->spawn.environment = m->environment;
    return 0;
}
