/* The manager itself: daemon-reload, its environment, log level, and its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/verbs.h"

extern char **environ;

/* ---- reload, reexec ---- */

int systemctl_reload(struct systemctl *c)
{
    auto_control_error struct control_error e = { 0 };
    int r = systemctl_call_quiet(c, "Reload", NULL, NULL, &e);

    if (r < 0 && r != -EHOSTDOWN)
        fprintf(stderr, "Reload daemon failed: %s\n", systemctl_error_text(r, &e));
    return r;
}

int ctl_daemon_reload(struct systemctl *c, char **args)
{
    return systemctl_reload(c) < 0 ? systemctl_exit_unreachable(c) : EXIT_SUCCESS;
}

int ctl_daemon_reexec(struct systemctl *c, char **args)
{
    auto_control_error struct control_error e = { 0 };
    int r = systemctl_call_quiet(c, "Reexec", NULL, NULL, &e);

    if (r == -EHOSTDOWN)
        return systemctl_exit_unreachable(c);
    /* The connection may end before the answer has come: that is the new program starting. */
    if (r < 0 && r != -ECONNRESET) {
        fprintf(stderr, "Reexecute daemon failed: %s\n", systemctl_error_text(r, &e));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* ---- environment ---- */

/* NAME=value, quoted for a shell where need be, as systemctl prints it. */
static void print_variable(const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    auto_free char *value = NULL;

    if (!equals)
        return;
    value = strpbrk(equals + 1, "\n\t\"\\`$' *?[;&|<>()#~!")
                ? shell_quote(equals + 1, SHELL_QUOTE_POSIX)
                : strdup(equals + 1);
    printf("%.*s=%s\n", (int) (equals - assignment), assignment, strempty(value));
}

int ctl_show_environment(struct systemctl *c, char **args)
{
    json_t *reply, *variable, *object = json_object();
    size_t i;

    if (systemctl_call(c, "GetEnvironment", NULL, &reply, "get environment") < 0) {
        json_decref(object);
        return systemctl_exit_unreachable(c);
    }
    json_array_foreach(json_object_get(reply, "variables"), i, variable)
    {
        auto_free char *text = NULL;

        if (json_text_get(variable, &text, NULL) < 0)
            continue;
        if (c->output == OUTPUT_TEXT) {
            print_variable(text);
        } else {
            char *equals = strchr(text, '=');

            if (!equals)
                continue;
            *equals = '\0';
            json_object_set_new(object, text, json_text(equals + 1));
        }
    }
    json_decref(reply);
    if (c->output != OUTPUT_TEXT)
        json_print_reply(c, object);
    else
        json_decref(object);
    return EXIT_SUCCESS;
}

static int change_environment(struct systemctl *c, const char *member, json_t *list)
{
    if (systemctl_call(c, "SetEnvironment", json_pack("{s:o}", member, list), NULL,
                       "set environment") < 0)
        return systemctl_exit_unreachable(c);
    return EXIT_SUCCESS;
}

static bool is_assignment(const char *s)
{
    return strchr(s, '=') && *s != '=';
}

int ctl_set_environment(struct systemctl *c, char **args)
{
    bool set = streq(c->verb->name, "set-environment");
    json_t *list = json_array();

    STRV_FOREACH (arg, args) {
        if (set && !is_assignment(*arg)) {
            fprintf(stderr, "Failed to set environment: Invalid environment assignments\n");
            json_decref(list);
            return EXIT_FAILURE;
        }
        json_array_append_new(list, set ? json_text(*arg) : json_string(*arg));
    }
    return change_environment(c, set ? "set" : "unset", list);
}

int ctl_import_environment(struct systemctl *c, char **args)
{
    json_t *list = json_array();

    if (!*args) {
        systemctl_say(c,
                      "Calling import-environment without a list of variable names is deprecated.");
        STRV_FOREACH (variable, environ)
            json_array_append_new(list, json_text(*variable));
    }
    STRV_FOREACH (arg, args) {
        const char *value = getenv(*arg);
        auto_free char *assignment = value ? format("%s=%s", *arg, value) : NULL;

        if (!value)
            systemctl_say(c, "Environment variable $%s not set, ignoring.", *arg);
        else if (assignment)
            json_array_append_new(list, json_text(assignment));
    }
    return change_environment(c, "set", list);
}

/* ---- logging ---- */

int ctl_log_level(struct systemctl *c, char **args)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    json_t *in = json_object(), *reply;
    unsigned number;

    if (*args) {
        const char *level = *args;
        bool known = false;

        if (parse_unsigned(level, &number) >= 0 && number < ELEMENTSOF(names))
            level = names[number];
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
            known |= streq(names[i], level);
        if (!known) {
            fprintf(stderr, "\"%s\" is not a valid log level.\n", *args);
            json_decref(in);
            return EXIT_FAILURE;
        }
        json_object_set_new(in, "level", json_string(level));
    }
    if (systemctl_call(c, "LogLevel", in, &reply, *args ? "set log level" : "get log level") < 0)
        return systemctl_exit_unreachable(c);
    if (!*args)
        printf("%s\n", property_text(reply, "level"));
    json_decref(reply);
    return EXIT_SUCCESS;
}

/* ---- the end ---- */

/* Each verb: the target that does it in order, and the action that --force asks for. */
static const struct end_verb {
    const char *verb, *target, *action;
    const char *mode;
} end_verbs[] = {
    { "exit", "exit.target", "exit", "replace-irreversibly" },
    { "poweroff", "poweroff.target", "poweroff", "replace-irreversibly" },
    { "reboot", "reboot.target", "reboot", "replace-irreversibly" },
    { "halt", "halt.target", "halt", "replace-irreversibly" },
    { "kexec", "kexec.target", "kexec", "replace-irreversibly" },
    { "soft-reboot", "soft-reboot.target", "soft-reboot", "replace-irreversibly" },
    { "default", "default.target", NULL, "isolate" },
    { "rescue", "rescue.target", NULL, "isolate" },
    { "emergency", "emergency.target", NULL, "isolate" },
};

/* --force twice: the kernel is asked at once, whatever the manager is doing. */
static int end_now(const char *action)
{
    static const struct {
        const char *action;
        int how;
    } map[] = {
        { "poweroff", RB_POWER_OFF },
        { "reboot", RB_AUTOBOOT },
        { "halt", RB_HALT_SYSTEM },
    };

    sync();
    for (size_t i = 0; i < ELEMENTSOF(map); i++)
        if (streq(map[i].action, action)) {
            reboot(map[i].how);
            fprintf(stderr, "Failed to %s: %s\n", action, strerror(errno));
            return EXIT_FAILURE;
        }
    fprintf(stderr, "%s has no --force --force.\n", action);
    return EXIT_FAILURE;
}

static int set_exit_code(struct systemctl *c, const char *text)
{
    unsigned code;

    if (parse_unsigned(text, &code) < 0 || code > 255) {
        fprintf(stderr, "Invalid exit code.\n");
        return -EINVAL;
    }
    return systemctl_call(c, "SetExitCode", json_pack("{s:i}", "code", (int) code), NULL,
                          "set exit code");
}

int ctl_end(struct systemctl *c, char **args)
{
    const struct end_verb *end = end_verbs;
    auto_strv char **names = NULL;

    while (!streq(end->verb, c->verb->name))
        end++;
    if (c->dry_run)
        return EXIT_SUCCESS;
    if (c->when) {
        fprintf(stderr, "Not supported: --when; use a timer.\n");
        return EXIT_FAILURE;
    }
    if (c->force >= 2 && end->action)
        return end_now(end->action);
    if (*args && streq(end->verb, "exit") && set_exit_code(c, *args) < 0)
        return systemctl_exit_unreachable(c);
    if (c->force > 0 && end->action) {
        if (systemctl_call(c, "Shutdown", json_pack("{s:s}", "action", end->action), NULL,
                           end->verb) < 0)
            return systemctl_exit_unreachable(c);
        return EXIT_SUCCESS;
    }
    if (strv_add(&names, end->target) < 0)
        return EXIT_FAILURE;
    /* The manager that is asked to end will not be there to say that it has. */
    c->no_block |= end->action != NULL;
    return systemctl_run_jobs(c, "start", names, end->mode);
}
