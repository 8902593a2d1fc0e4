#include "cli/systemctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "unit/name.h"

/* ---- the verb ---- */

static int find_verb(struct systemctl *c, int argc, char **argv)
{
    const char *name = argv[optind] ? argv[optind] : "list-units";
    int n = argc - optind - (argv[optind] != NULL);
    const char *near;

    c->verb = verb_find_control(name);
    if (!c->verb) {
        if (verb_find(name) && !c->compat) {
            fprintf(stderr, "reeve: the options of \"%s\" go behind it\n", name);
            return -EINVAL;
        }
        near = verb_nearest(name, true);
        if (near)
            fprintf(stderr, "Unknown command verb '%s', did you mean '%s'?\n", name, near);
        else
            fprintf(stderr, "Unknown command verb '%s'.\n", name);
        return -EINVAL;
    }
    if (n < c->verb->min_args) {
        fprintf(stderr, "Too few arguments.\n");
        return -EINVAL;
    }
    if (c->verb->max_args >= 0 && n > c->verb->max_args) {
        fprintf(stderr, "Too many arguments.\n");
        return -EINVAL;
    }
    return 0;
}

int systemctl_main(const char *program, int argc, char **argv)
{
    struct systemctl c = {
        .program = program,
        .compat = !streq(program, "reeve"),
        .lines = 10,
        .preset_mode = "full",
    };
    static char *no_args[] = { NULL };
    int status;

    argv[0] = (char *) program;
    status = systemctl_parse_options(&c, argc, argv);
    if (status < 0 && find_verb(&c, argc, argv) < 0)
        status = systemctl_usage_exit(&c);
    if (status < 0) {
        status = c.verb->control(&c, argv[optind] ? argv + optind + 1 : no_args);
        term_pager_close();
    }
    fflush(stdout);
    control_client_free(c.client);
    free(c.client_path);
    strv_free(c.types);
    strv_free(c.states);
    strv_free(c.properties);
    strv_free(c.what);
    return status;
}

/* ---- reaching the manager ---- */

static enum control_scope control_scope_of(const struct systemctl *c)
{
    return c->scope == SCOPE_SYSTEM ? CONTROL_SYSTEM : CONTROL_USER;
}

int systemctl_set_machine(struct systemctl *c, const char *machine)
{
    size_t n = strcspn(machine, "@");
    const char *host = machine[n] ? machine + n + 1 : machine;
    auto_free char *name = machine[n] ? memdup0(machine, n) : NULL;
    struct users_lookup lookup = { 0 };
    struct user u = { 0 };
    unsigned uid;

    if (*host && !streq(host, ".host")) {
        fprintf(stderr, "Not supported: -M/--machine=%s: run reeve inside of the container.\n",
                machine);
        return -EOPNOTSUPP;
    }
    if (isempty(name))
        return 0;
    int r = user_find(&lookup, name, &u);
    c->uid = u.uid;
    user_done(&u);
    if (r == -ESRCH && parse_unsigned(name, &uid) >= 0) {
        c->uid = uid;
        r = 0;
    }
    if (r < 0)
        fprintf(stderr, "Failed to find user %s: %s\n", name,
                r == -ESRCH ? "no such user" : strerror(-r));
    c->of_user = r >= 0;
    return r;
}

/* What SYSTEMD_OFFLINE says: 1, 0, or -EINVAL where it says nothing. */
static int told_offline(void)
{
    const char *told = getenv("SYSTEMD_OFFLINE");

    return told ? parse_boolean(told) : -EINVAL;
}

/* Whether / is another one than that of PID 1: a chroot. */
static bool is_chroot(void)
{
    const char *ignored = getenv("SYSTEMD_IGNORE_CHROOT");
    struct stat ours, of_init;

    if (told_offline() >= 0)
        return told_offline();
    if (ignored && parse_boolean(ignored) > 0)
        return false;
    if (stat("/", &ours) < 0)
        return false;
    /* Without /proc it cannot be told, and a chroot is by far the likeliest. */
    if (stat("/proc/1/root", &of_init) < 0)
        return errno == ENOENT;
    return ours.st_dev != of_init.st_dev || ours.st_ino != of_init.st_ino;
}

int systemctl_try_connect(struct systemctl *c)
{
    if (c->client)
        return 0;
    if (c->root || told_offline() > 0)
        return -ENOENT;
    if (c->client_path)
        return systemctl_connect_again(c, &c->client);
    return c->of_user && c->scope == SCOPE_USER
               ? control_connect_user(c->uid, &c->client, &c->client_path)
               : control_connect(control_scope_of(c), &c->client, &c->client_path);
}

int systemctl_connect_again(struct systemctl *c, struct control_client **ret)
{
    return c->of_user && c->scope == SCOPE_USER ? control_connect_user(c->uid, ret, NULL)
           : c->client_path                     ? control_connect_path(c->client_path, ret)
                                                : control_connect(control_scope_of(c), ret, NULL);
}

int systemctl_connect(struct systemctl *c)
{
    auto_strv char **paths = NULL;
    int r;

    if (c->root || c->scope == SCOPE_GLOBAL) {
        fprintf(stderr, "Verb '%s' cannot be used with %s.\n", c->verb->name,
                c->root ? "--root= or --image=" : "--global");
        return -EHOSTDOWN;
    }
    r = systemctl_try_connect(c);
    if (r >= 0)
        return 0;
    if (is_chroot()) {
        c->offline = true;
        if (!c->quiet)
            fprintf(stderr, "Running in chroot, ignoring command '%s'\n", c->verb->name);
        return -EHOSTDOWN;
    }
    paths = c->of_user && c->scope == SCOPE_USER ? control_paths_of(c->uid)
                                                 : control_paths(control_scope_of(c));
    if (r == -ENOENT || r == -ECONNREFUSED)
        fprintf(stderr, "No manager answers at %s; `reeve init%s` starts one.\n",
                paths ? paths[0] : "its socket", c->scope == SCOPE_USER ? " --user" : "");
    else
        fprintf(stderr, "Failed to connect to %s: %s\n", paths ? paths[0] : "the manager",
                strerror(-r));
    if (access("/run/systemd/private", F_OK) == 0 && !c->compat)
        fprintf(stderr, "This machine is run by systemd: use systemctl.\n");
    return -EHOSTDOWN;
}

int systemctl_exit_unreachable(const struct systemctl *c)
{
    return c->offline && !c->root ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *systemctl_error_text(int r, const struct control_error *e)
{
    if (r == -EREMOTEIO && e && e->message)
        return e->message;
    if (r == -ECONNRESET)
        return "The manager closed the connection";
    if (r == -EPROTO)
        return "The manager answered something that is no answer";
    return strerror(-r);
}

int systemctl_call_quiet(struct systemctl *c, const char *method, json_t *parameters, json_t **ret,
                         struct control_error *e)
{
    int r = systemctl_connect(c);

    if (r < 0) {
        json_decref(parameters);
        return r;
    }
    return control_call(c->client, method, parameters, ret, e);
}

int systemctl_call(struct systemctl *c, const char *method, json_t *parameters, json_t **ret,
                   const char *doing)
{
    auto_control_error struct control_error e = { 0 };
    int r = systemctl_call_quiet(c, method, parameters, ret, &e);

    if (r < 0 && r != -EHOSTDOWN)
        fprintf(stderr, "Failed to %s: %s\n", doing, systemctl_error_text(r, &e));
    return r;
}

/* ---- units ---- */

static bool has_glob(const char *s)
{
    return strpbrk(s, "*?[") != NULL;
}

/* Adds the loaded units that match; inactive ones too where the verb means those (--all, or all but
 * starting). */
static int expand_pattern(struct systemctl *c, const char *pattern, char ***names)
{
    json_t *in = json_pack("{s:[s]}", "patterns", pattern);
    auto_control_error struct control_error e = { 0 };
    json_t *reply;
    int r = systemctl_connect(c);

    if (r < 0) {
        json_decref(in);
        return r;
    }
    r = control_call_more(c->client, "ListUnits", in);
    if (r < 0)
        return r;
    while ((r = control_next(c->client, USEC_INFINITY, &reply, &e)) >= 0) {
        const json_t *unit = json_object_get(reply, "unit");
        const char *load = json_string_value(json_object_get(unit, "load"));
        const char *active = json_string_value(json_object_get(unit, "active"));
        bool shown = unit && (c->all || !streq(active, "inactive") ||
                              json_is_integer(json_object_get(unit, "job")));

        if (shown && !streq(load, "not-found"))
            strv_add(names, json_string_value(json_object_get(unit, "id")));
        json_decref(reply);
        if (r == 0)
            return 0;
    }
    fprintf(stderr, "Failed to list units: %s\n", systemctl_error_text(r, &e));
    return r;
}

int systemctl_unit_name(const struct systemctl *c, const char *arg, bool glob, const char *suffix,
                        char **ret)
{
    auto_free char *name = NULL;
    int r = unit_name_mangle(arg, glob, suffix, &name);

    if (glob && r == -EINVAL && !isempty(arg)) {
        name = format("%s%s", arg, suffix);
        r = name ? 0 : -ENOMEM;
    }
    if (r < 0) {
        fprintf(stderr, "Failed to mangle unit name '%s': %s\n", arg, strerror(-r));
        return r;
    }
    if (r > 0 && !startswith(name, arg) && !startswith(arg, "/")) {
        size_t added = endswith(name, suffix) && !endswith(arg, suffix) ? strlen(suffix) : 0;

        systemctl_say(c, "Invalid unit name \"%s\" escaped as \"%.*s\"%s.", arg,
                      (int) (strlen(name) - added), name,
                      has_glob(arg) ? "" : " (maybe you should use systemd-escape?)");
    }
    *ret = take_ptr(name);
    return 0;
}

int systemctl_unit_names(struct systemctl *c, char **args, const char *suffix,
                         const char *pattern_warning, char ***ret)
{
    auto_strv char **names = NULL;
    bool any_glob = false;

    STRV_FOREACH (arg, args) {
        auto_free char *name = NULL;
        int r = systemctl_unit_name(c, *arg, true, suffix, &name);

        if (r < 0)
            return r;
        if (has_glob(name)) {
            any_glob = true;
            r = expand_pattern(c, name, &names);
        } else
            r = strv_add(&names, name);
        if (r < 0)
            return r;
    }
    if (any_glob && pattern_warning && !c->no_warn)
        systemctl_say(
            c,
            "Warning: %s %s called with a glob pattern.\nHint: unit globs expand to loaded "
            "units, so %s will usually have no effect.\n      Passing --all will also load "
            "units which are pulled in by other units.\n      See systemctl(1) for more "
            "details.",
            c->program, pattern_warning, pattern_warning);
    *ret = take_ptr(names);
    return 0;
}

json_t *systemctl_properties(struct systemctl *c, const char *unit, const char *const *names,
                             struct control_error *e)
{
    auto_control_error struct control_error own = { 0 };
    json_t *in = json_pack("{s:s}", "unit", unit), *reply, *properties;
    int r;

    if (names) {
        json_t *array = json_array();

        for (; *names; names++)
            json_array_append_new(array, json_string(*names));
        json_object_set_new(in, "properties", array);
    }
    r = systemctl_call_quiet(c, "ShowUnit", in, &reply, e ? e : &own);
    if (r < 0) {
        if (r != -EREMOTEIO && r != -EHOSTDOWN)
            fprintf(stderr, "Failed to get properties: %s\n", systemctl_error_text(r, &own));
        return NULL;
    }
    properties = json_incref(json_object_get(reply, "properties"));
    json_decref(reply);
    return properties;
}

const char *property_text(const json_t *properties, const char *name)
{
    const char *text = json_string_value(json_object_get(properties, name));

    return text ? text : "";
}

uint64_t property_number(const json_t *properties, const char *name)
{
    const json_t *v = json_object_get(properties, name);
    uint64_t n;

    if (!v)
        return 0;
    return json_u64_get(v, &n) < 0 ? 0 : n;
}

bool property_bool(const json_t *properties, const char *name)
{
    const json_t *v = json_object_get(properties, name);

    return json_is_true(v) || streq_ptr(json_string_value(v), "yes");
}

usec_t property_next_elapse(const json_t *properties)
{
    usec_t realtime = property_number(properties, "NextElapseUSecRealtime");
    usec_t monotonic = property_number(properties, "NextElapseUSecMonotonic");
    usec_t next = realtime > 0 ? realtime : USEC_INFINITY;

    if (monotonic > 0 && monotonic != USEC_INFINITY) {
        usec_t now = now_usec(CLOCK_REALTIME), up = now_usec(CLOCK_MONOTONIC);
        usec_t converted = monotonic > up ? now + (monotonic - up) : now - (up - monotonic);

        next = MIN(next, converted);
    }
    return next;
}

void systemctl_say(const struct systemctl *c, const char *fmt, ...)
{
    va_list ap;

    if (c->quiet)
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
