/* kill, reset-failed, clean, freeze, thaw, set-property -- what else is done to single units. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/systemctl.h"
#include "cli/verbs.h"

static bool is_freezer(const char *method)
{
    return streq(method, "FreezeUnit") || streq(method, "ThawUnit");
}

/* Calls a method for each of the units. `parameters` (taken over) has what goes with "unit".
 * `doing` is that of the error "Failed to <doing> UNIT: ...". */
static int call_for_each(struct systemctl *c, char **args, const char *method, json_t *parameters,
                         const char *doing)
{
    auto_strv char **names = NULL;
    int status = EXIT_SUCCESS, r;

    r = systemctl_unit_names(c, args, ".service", NULL, &names);
    if (r < 0) {
        json_decref(parameters);
        return systemctl_exit_unreachable(c);
    }
    STRV_FOREACH (name, names) {
        auto_control_error struct control_error e = { 0 };
        json_t *in = json_copy(parameters);

        json_object_set_new(in, "unit", json_string(*name));
        r = systemctl_call_quiet(c, method, in, NULL, &e);
        if (r == -EHOSTDOWN) {
            status = systemctl_exit_unreachable(c);
            break;
        }
        /* Freezing and thawing keep the unit loaded meanwhile, and so begin by a reference. */
        if (r < 0 && is_freezer(method) && control_error_is(&e, "NoSuchUnit"))
            fprintf(stderr, "Failed to add reference to unit %s: Unit %s not found.\n", *name,
                    *name);
        else if (r < 0)
            fprintf(stderr, "Failed to %s %s: %s\n", doing, *name, systemctl_error_text(r, &e));
        if (r < 0)
            status = EXIT_FAILURE;
    }
    json_decref(parameters);
    return status;
}

int ctl_kill(struct systemctl *c, char **args)
{
    auto_free char *whom = NULL;
    json_t *in = json_pack("{s:i}", "signal", c->signal ? signal_from_name(c->signal) : SIGTERM);

    if (c->kill_whom || c->fail) {
        whom = format("%s%s", c->kill_whom ? c->kill_whom : "all",
                      c->fail && !endswith(strempty(c->kill_whom), "-fail") ? "-fail" : "");
        json_object_set_new(in, "whom", json_string(strempty(whom)));
    }
    static const char *const words[] = { "all",       "main",         "control", "all-fail",
                                         "main-fail", "control-fail", NULL };
    if (c->kill_whom && !strv_contains((char *const *) (uintptr_t) words, c->kill_whom)) {
        auto_strv char **names = NULL;

        if (systemctl_unit_names(c, args, ".service", NULL, &names) >= 0 && names)
            fprintf(stderr, "Failed to kill unit %s: Invalid whom argument: %s\n", names[0],
                    c->kill_whom);
        json_decref(in);
        return EXIT_FAILURE;
    }
    if (c->kill_value_set)
        json_object_set_new(in, "value", json_integer(c->kill_value));
    return call_for_each(c, args, "KillUnit", in, "kill unit");
}

int ctl_reset_failed(struct systemctl *c, char **args)
{
    if (*args)
        return call_for_each(c, args, "ResetFailed", json_object(), "reset failed state of unit");
    if (systemctl_call(c, "ResetFailed", NULL, NULL, "reset failed state") < 0)
        return systemctl_exit_unreachable(c);
    return EXIT_SUCCESS;
}

int ctl_clean(struct systemctl *c, char **args)
{
    json_t *what = json_array();

    if (!c->what) {
        json_array_append_new(what, json_string("cache"));
        json_array_append_new(what, json_string("runtime"));
        json_array_append_new(what, json_string("fdstore"));
    }
    STRV_FOREACH (w, c->what)
        json_array_append_new(what, json_string(*w));
    return call_for_each(c, args, "CleanUnit", json_pack("{s:o}", "what", what), "clean unit");
}

int ctl_freeze(struct systemctl *c, char **args)
{
    bool freeze = streq(c->verb->name, "freeze");

    return call_for_each(c, args, freeze ? "FreezeUnit" : "ThawUnit", json_object(),
                         freeze ? "freeze unit" : "thaw unit");
}

/* ---- set-property ---- */

int ctl_set_property(struct systemctl *c, char **args)
{
    auto_strv char **names = NULL;
    char *unit[] = { args[0], NULL };
    auto_control_error struct control_error e = { 0 };
    json_t *assignments = json_array();
    int r;

    STRV_FOREACH (assignment, args + 1) {
        if (!strchr(*assignment, '=')) {
            fprintf(stderr, "Not an assignment: %s\n", *assignment);
            json_decref(assignments);
            return EXIT_FAILURE;
        }
        json_array_append_new(assignments, json_string(*assignment));
    }
    r = systemctl_unit_names(c, unit, ".service", NULL, &names);
    if (r < 0 || !names) {
        json_decref(assignments);
        return systemctl_exit_unreachable(c);
    }
    r = systemctl_call_quiet(c, "SetProperties",
                             json_pack("{s:s, s:o, s:s}", "unit", names[0], "assignments",
                                       assignments, "keep", c->runtime ? "runtime" : "persistent"),
                             NULL, &e);
    if (r == -EHOSTDOWN)
        return systemctl_exit_unreachable(c);
    if (r < 0) {
        const char *reason = json_string_value(json_object_get(e.parameters, "reason"));

        if (reason && (streq(reason, "UnknownAssignment") || streq(reason, "InvalidArgs")))
            fprintf(stderr, "%s\n", e.message);
        else
            fprintf(stderr, "Failed to set unit properties on %s: %s\n", names[0],
                    systemctl_error_text(r, &e));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int ctl_missing(struct systemctl *c, char **args)
{
    (void) args;
    fprintf(stderr, "Not supported: %s.\n", c->verb->name);
    return EXIT_FAILURE;
}
