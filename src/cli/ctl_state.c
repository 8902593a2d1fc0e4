/* is-active, is-failed, is-system-running, whoami -- verbs that answer by their exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/verbs.h"

/* LSB's statuses of "status": 3 the program is not running, 4 unknown. */
#define STATUS_NOT_RUNNING 3
#define STATUS_UNKNOWN 4

static int check_units(struct systemctl *c, char **args, const char *const *good, int bad_status)
{
    static const char *const wanted[] = { "ActiveState", "LoadState", NULL };
    auto_strv char **names = NULL;
    bool found = false, known = false;
    json_t *states = json_array();

    if (systemctl_unit_names(c, args, ".service", NULL, &names) < 0) {
        json_decref(states);
        return systemctl_exit_unreachable(c);
    }
    STRV_FOREACH (name, names) {
        auto_control_error struct control_error e = { 0 };
        json_t *properties = systemctl_properties(c, *name, wanted, &e);
        const char *state = property_text(properties, "ActiveState");

        if (!properties) {
            if (e.message)
                fprintf(stderr, "Failed to retrieve unit state: %s\n", e.message);
            json_decref(states);
            return systemctl_exit_unreachable(c);
        }
        if (!c->quiet && c->output == OUTPUT_TEXT)
            printf("%s\n", state);
        json_array_append_new(states, json_pack("{s:s, s:s}", "unit", *name, "active", state));
        for (const char *const *g = good; *g; g++)
            found |= streq(*g, state);
        known |= !streq(property_text(properties, "LoadState"), "not-found");
        json_decref(properties);
    }
    if (c->output != OUTPUT_TEXT)
        json_print_reply(c, states);
    else
        json_decref(states);
    if (found)
        return EXIT_SUCCESS;
    return known ? bad_status : STATUS_UNKNOWN;
}

int ctl_is_active(struct systemctl *c, char **args)
{
    static const char *const good[] = { "active", "reloading", "refreshing", NULL };

    return check_units(c, args, good, STATUS_NOT_RUNNING);
}

static int get_system_state(struct systemctl *c, char **ret)
{
    json_t *in = json_pack("{s:[s]}", "properties", "SystemState"), *reply;
    int r = systemctl_call(c, "ShowManager", in, &reply, "query system state");

    if (r < 0)
        return r;
    *ret = strdup(property_text(json_object_get(reply, "properties"), "SystemState"));
    json_decref(reply);
    return *ret ? 0 : -ENOMEM;
}

int ctl_is_failed(struct systemctl *c, char **args)
{
    static const char *const good[] = { "failed", NULL };
    auto_free char *state = NULL;

    if (*args)
        return check_units(c, args, good, EXIT_FAILURE);
    if (get_system_state(c, &state) < 0)
        return systemctl_exit_unreachable(c);
    if (!c->quiet)
        printf("%s\n", state);
    return streq(state, "degraded") ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --wait: until the boot is over. */
static int wait_for_startup(struct systemctl *c)
{
    auto_control_error struct control_error e = { 0 };
    struct control_client *watcher;
    bool over = false;
    json_t *reply;
    int r = systemctl_connect_again(c, &watcher);

    if (r < 0)
        return r;
    r = control_call_more(watcher, "Watch", NULL);
    while (r >= 0 && !over) {
        auto_free char *state = NULL;

        r = control_next(watcher, USEC_INFINITY, &reply, &e);
        if (r <= 0)
            break;
        /* Asked after "watching", and again at each event that may have ended it. */
        over = streq(json_string_value(json_object_get(reply, "event")), "startup-finished");
        if (!over && streq(json_string_value(json_object_get(reply, "event")), "watching")) {
            r = get_system_state(c, &state);
            over = r >= 0 && !streq(state, "initializing") && !streq(state, "starting");
        }
        json_decref(reply);
    }
    control_client_free(watcher);
    return r < 0 ? r : 0;
}

int ctl_is_system_running(struct systemctl *c, char **args)
{
    auto_free char *state = NULL;

    if (systemctl_try_connect(c) < 0) {
        if (!c->quiet)
            printf("offline\n");
        return EXIT_FAILURE;
    }
    if (c->wait && wait_for_startup(c) < 0)
        fprintf(stderr, "Failed to wait for the end of the startup.\n");
    if (get_system_state(c, &state) < 0)
        state = strdup("unknown");
    if (c->output != OUTPUT_TEXT)
        json_print_reply(c, json_pack("{s:s}", "state", strempty(state)));
    else if (!c->quiet)
        printf("%s\n", strempty(state));
    return streq_ptr(state, "running") ? EXIT_SUCCESS : EXIT_FAILURE;
}

int ctl_whoami(struct systemctl *c, char **args)
{
    static char *self[] = { (char *) "0", NULL };
    int status = EXIT_SUCCESS;

    STRV_FOREACH (arg, *args ? args : self) {
        auto_control_error struct control_error e = { 0 };
        unsigned pid;
        json_t *reply;
        int r;

        if (parse_unsigned(*arg, &pid) < 0) {
            fprintf(stderr, "Failed to parse PID %s: %s\n", *arg, strerror(EINVAL));
            status = EXIT_FAILURE;
            continue;
        }
        r = systemctl_call_quiet(c, "FindUnit", json_pack("{s:i}", "pid", (int) pid), &reply, &e);
        if (r == -EHOSTDOWN)
            return systemctl_exit_unreachable(c);
        if (r < 0) {
            fprintf(stderr, "%s\n", systemctl_error_text(r, &e));
            status = EXIT_FAILURE;
            continue;
        }
        printf("%s\n", property_text(reply, "unit"));
        json_decref(reply);
    }
    return status;
}
