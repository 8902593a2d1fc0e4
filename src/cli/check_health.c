#include "cli/check_health.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "health/probe.h"
#include "unit/check.h"
#include "unit/config.h"
#include "unit/directive.h"

/* Whether the value is one that the kind takes; else *ret_error is what is wrong. */
static bool value_is_good(const struct check_kind *kind, enum check_use use, const char *value,
                          bool inside, const char **ret_error)
{
    struct probe p = {};
    int r;

    *ret_error = strerror(ENOMEM);
    if (use == CHECK_WHILE)
        r = probe_parse(kind, value, &p, ret_error);
    else
        r = check_parse(kind, value, &p.check, ret_error);
    if (r >= 0 && inside && check_needs_begin(&p.check)) {
        *ret_error = "HealthLog= looks into the journal, not into a file";
        r = -EINVAL;
    }
    probe_done(&p);
    return r >= 0;
}

/* ---- [X-Reeve] ---- */

/* The n-th entry of the list is what the n-th assignment gave. */
static void check_probes(struct unit_config *c)
{
    const struct directive *d = directive_find_property(UNIT_SERVICE, "HealthProbes");
    size_t n = strv_length(c->reeve->health_probes);
    auto_free const struct provenance **from = new0(const struct provenance *, n + 1);

    if (n == 0 || !from || !d || directive_provenance(c, d, false, from, (unsigned) n) != n)
        return;
    for (size_t i = 0; i < n; i++) {
        const char *entry = c->reeve->health_probes[i], *value = strchr(entry, '=') + 1;
        auto_free char *option = memdup0(entry, (size_t) (value - entry) - 1);
        const struct check_kind *kind = option ? check_kind_find(option, CHECK_WHILE) : NULL;
        const char *error;

        if (kind && !value_is_good(kind, CHECK_WHILE, value, true, &error))
            unit_config_message(c, LOG_ERR, unit_config_file(c, from[i]->file), from[i]->line,
                                "X-Reeve", directives[from[i]->directive].name, NULL,
                                "\"%s\": %s; no probe is made", value, error);
    }
}

/* ---- commands ---- */

/* A command of the unit, and where it was written, if that can be told. */
struct place {
    const char *directive, *file;
    unsigned line;
};

static void complain(struct unit_config *c, const struct place *p, const char *remedy,
                     const char *what, const char *value, const char *error)
{
    unit_config_message(c, LOG_ERR, p->file, p->line, "Service", p->directive, remedy,
                        "reeve %s would refuse it with status 64: %s%s%s", what, value,
                        *value ? ": " : "", error);
}

/* --KIND=VALUE; what has a variable in it is known only when it runs. */
static void check_arguments(struct unit_config *c, const struct place *p, char *const *argv,
                            enum check_use use)
{
    for (char *const *a = argv + 2; *a && !streq(*a, "--"); a++) {
        const char *option = startswith(*a, "--"), *equals = strchr(*a, '=');
        const char *error;

        if (!option || !equals || strchr(*a, '$'))
            continue;
        auto_free char *name = memdup0(option, (size_t) (equals - option));
        const struct check_kind *kind = name ? check_kind_find(name, use) : NULL;
        if (kind && !value_is_good(kind, use, equals + 1, false, &error))
            complain(c, p, NULL, argv[1], *a, error);
    }
}

static void check_command(struct unit_config *c, const struct place *p,
                          const struct exec_command *command)
{
    char *const *argv = command->argv;

    if (strv_length(argv) < 2 || !streq(path_basename(command->path), "reeve"))
        return;
    if (streq(argv[1], "preflight"))
        check_arguments(c, p, argv, CHECK_BEFORE);
    if (!streq(argv[1], "guard"))
        return;
    check_arguments(c, p, argv, CHECK_WHILE);
    if (c->service->notify_access != NOTIFY_ACCESS_ALL)
        complain(c, p, "add NotifyAccess=all", "guard", "",
                 "its prober is not the main process, and may not notify");
}

static void check_commands(struct unit_config *c, const char *name,
                           const struct exec_command *first)
{
    const struct directive *d = directive_find_property(UNIT_SERVICE, name);
    const struct provenance *from[32];
    unsigned n = directive_provenance(c, d, false, from, ELEMENTSOF(from)), i = 0;

    for (const struct exec_command *command = first; command; command = command->next, i++) {
        struct place p = { .directive = name };

        if (i < n) {
            p.file = unit_config_file(c, from[i]->file);
            p.line = from[i]->line;
        }
        check_command(c, &p, command);
    }
}

void check_health(struct unit_config *c)
{
    unsigned before = c->n_messages;

    if (c->type != UNIT_SERVICE)
        return;
    check_probes(c);
    check_commands(c, "ExecCondition", c->service->exec_condition);
    check_commands(c, "ExecStartPre", c->service->exec_start_pre);
    check_commands(c, "ExecStart", c->service->exec_start);
    check_commands(c, "ExecStartPost", c->service->exec_start_post);
    unit_check_code(c, before, "bad-health");
}
