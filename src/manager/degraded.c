/* What of a unit's settings is not in force in this invocation: told once, and kept for `show`. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/private.h"
#include "unit/config.h"
#include "unit/directive.h"

void unit_note_degraded(struct unit *u, const char *directive, const char *object, int error)
{
    auto_free char *line = format("%s=: %s%s%s", directive, strempty(object), object ? ": " : "",
                                  error == -ENOCSI ? "control groups cannot be written here"
                                                   : strerror(-error));

    struct unit_rare *rare = unit_rare(u);
    if (!line || (rare && strv_contains(rare->degraded, line)))
        return;
    unit_log_text(u, LOG_WARNING, "%s= could not be applied%s%s and was left out: %s", directive,
                  object ? ": " : "", strempty(object), line + strlen(directive) + 3);
    if (rare)
        (void) strv_add(&rare->degraded, line);
    unit_changed(u);
}

bool unit_sets_resource(const struct unit *u, const char *name)
{
    const struct directive *d = directive_find_property((enum unit_type) u->type, name);

    return d && directive_is_set(u->config, d);
}

/* Without cgroups no limit holds: what is asked for in vain is said. */
void unit_note_missing_resources(struct unit *u)
{
    const struct unit_config *c = u->config;

    if (u->manager->tracking.kind == TRACK_CGROUP || u->manager->test || !c)
        return;
    for (unsigned i = 0; i < c->n_provenance; i++) {
        const struct directive *d = &directives[c->provenance[i].directive];

        if (directive_needs_cgroup(d) && directive_is_set(c, d) && !directive_is_preset(c, d))
            unit_note_degraded(u, d->name, NULL, -ENOCSI);
    }
}
