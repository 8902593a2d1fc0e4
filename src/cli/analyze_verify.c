/* cli/analyze_verify.c -- unit files checked as systemd-analyze(1) does: what loading says, whether
 * programs and man pages are there, and whether the unit could be started. `reeve check` says more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/analyze.h"
#include "cli/unit_files.h"
#include "diagnose/run.h"
#include "unit/check.h"
#include "unit/command.h"
#include "unit/cycle.h"
#include "unit/name.h"

#define MAN_TIMEOUT (30 * USEC_PER_SEC)

struct verification {
    const struct analyze_options *options;
    struct unit_loader *loader;
    bool failed;
};

static void print_messages(const struct unit_config *c)
{
    for (unsigned i = 0; i < c->n_messages; i++) {
        const struct unit_message *m = &c->messages[i];

        if (m->level > LOG_NOTICE)
            continue;
        if (m->file && m->line)
            fprintf(stderr, "%s:%u: ", m->file, m->line);
        else
            fprintf(stderr, "%s: ", c->name);
        if (m->directive && !strstr(m->text, m->directive))
            fprintf(stderr, "%s=: ", m->directive);
        fprintf(stderr, "%s%s%s\n", m->text, m->remedy ? "; " : "", strempty(m->remedy));
    }
}

static void verify_command(struct verification *v, const struct unit_config *c,
                           const struct exec_command *command)
{
    auto_free char *found = NULL, *path = NULL;
    int r;

    if (command->flags & COMMAND_IGNORE_FAILURE)
        return;
    if (*command->path == '/') {
        path = format("%s%s", strempty(v->options->ctl.root), command->path);
        r = path && access(path, X_OK) == 0 ? 0 : -errno;
    } else
        r = command_find(command->path, c->exec->exec_search_path, v->options->ctl.root, &found);
    if (r < 0) {
        fprintf(stderr, "%s: Command %s is not executable: %s\n", c->name, command->path,
                strerror(-r));
        v->failed = true;
    }
}

static void verify_service(struct verification *v, const struct unit_config *c)
{
    const struct service_config *s = c->service;
    const struct exec_command *const lists[] = {
        s->exec_condition, s->exec_start_pre, s->exec_start,     s->exec_start_post,
        s->exec_reload,    s->exec_stop,      s->exec_stop_post,
    };

    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        for (const struct exec_command *command = lists[i]; command; command = command->next)
            verify_command(v, c, command);
}

/* A socket needs the service that it starts. */
static void verify_socket(struct verification *v, const struct unit_config *c)
{
    auto_free char *name = NULL;
    struct unit_file file;

    if (c->socket->service)
        name = strdup(c->socket->service);
    else if (!c->socket->accept)
        unit_name_change_suffix(c->name, ".service", &name);
    if (!name || unit_loader_find(v->loader, name, &file) > 0)
        return;
    fprintf(stderr, "%s: service %s not loaded, socket cannot be started.\n", c->name, name);
    v->failed = true;
}

static void verify_documentation(struct verification *v, const struct unit_config *c)
{
    STRV_FOREACH (d, c->unit->documentation) {
        const char *page = startswith(*d, "man:");
        const char *argv[] = { "man", "--where", page, NULL };

        if (!page)
            continue;
        auto_free char *output = NULL;
        int r = run_program(argv, 65536, MAN_TIMEOUT, &output, NULL);
        if (r == 0)
            continue;
        fprintf(stderr, "%s: Command 'man %s' failed with code %d\n", c->name, page, r < 0 ? 1 : r);
        v->failed = true;
    }
}

/* A unit is not ordered after itself, or needed by itself. */
static void verify_self(const struct unit_config *c)
{
    const struct unit_section *u = c->unit;
    const struct {
        const char *directive;
        char *const *names;
    } lists[] = { { "Requires", u->requires },
                  { "Wants", u->wants },
                  { "After", u->after },
                  { "Before", u->before },
                  { "BindsTo", u->binds_to } };

    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        if (strv_contains(lists[i].names, c->name))
            fprintf(stderr, "%s: Dependency %s=%s is dropped.\n", c->name, lists[i].directive,
                    c->name);
}

/* Whether a start of the unit could be put together. */
static int verify_start(struct verification *v, const struct unit_config *c)
{
    auto_strv char **missing = NULL, **cycle = NULL;
    int r = unit_find_missing(v->loader, c, &missing);

    if (r < 0)
        return r;
    if (missing && v->options->recursive_errors != ERRORS_OWN) {
        const char *name = strchr(missing[0], ' ') + 1;

        fprintf(stderr, "%s: Failed to create %s/start: Unit %s not found.\n", c->name, c->name,
                name);
        v->failed = true;
    }
    r = missing ? 0 : unit_find_cycle(v->loader, c, &cycle);
    if (r < 0 || !cycle)
        return r;
    for (char **n = cycle; n[1]; n++)
        fprintf(stderr, "%s: Found %s on %s/start\n", c->name,
                n == cycle ? "ordering cycle" : "dependency", n[1]);
    fprintf(stderr,
            "%s: Failed to create %s/start: Transaction order is cyclic. See system logs "
            "for details.\n",
            c->name, c->name);
    v->failed = true;
    return 0;
}

static int verify_unit(struct verification *v, const struct unit_config *c)
{
    print_messages(c);
    const char *lacks = c->load_state == LOAD_LOADED ? unit_check_trigger(c) : NULL;
    if (lacks)
        fprintf(stderr, "%s: %s\n", c->name, lacks);
    if (c->load_state == LOAD_NOT_FOUND)
        fprintf(stderr, "Unit %s not found.\n", c->name);
    else if (c->load_state == LOAD_MASKED)
        fprintf(stderr, "Unit %s is masked.\n", c->name);
    else if (c->load_state == LOAD_BAD_SETTING || lacks)
        fprintf(stderr, "Unit %s has a bad unit file setting.\n", c->name);
    else if (c->load_state != LOAD_LOADED)
        fprintf(stderr,
                "Unit %s failed to load properly, please adjust/correct and reload service "
                "manager: %s\n",
                c->name, strerror(-c->load_errno));
    if (c->load_state != LOAD_LOADED || lacks) {
        v->failed = true;
        return 0;
    }
    if (c->type == UNIT_SERVICE)
        verify_service(v, c);
    if (c->type == UNIT_SOCKET)
        verify_socket(v, c);
    verify_self(c);
    if (!v->options->no_man)
        verify_documentation(v, c);
    return verify_start(v, c);
}

/* The name to load a file or unit by, a template as an instance of it. */
static int name_of(const struct verification *v, const char *text, char **ret)
{
    const char *name = path_basename(text);

    if (unit_name_is_valid(name, UNIT_NAME_TEMPLATE))
        return unit_name_with_instance(name, v->options->instance ?: "test-instance", ret);
    if (!strchr(text, '/'))
        return unit_name_mangle(name, false, ".service", ret);
    return unit_name_is_valid(name, UNIT_NAME_ANY) ? str_replace(ret, name) : -EINVAL;
}

static int verify_named(struct verification *v, const char *text)
{
    struct unit_config *c = NULL;
    auto_free char *name = NULL;
    int r = name_of(v, text, &name);

    if (r < 0) {
        fprintf(stderr, "Failed to prepare filename %s: %s\n", text, strerror(-r));
        return r;
    }
    if (strchr(text, '/') && access(text, F_OK) == 0)
        r = unit_load_file(v->loader, text, name, false, &c);
    else
        r = unit_load(v->loader, name, &c);
    if (r >= 0)
        r = verify_unit(v, c);
    unit_config_free(c);
    return r;
}

int analyze_verify(const struct analyze_options *o, char *const *args)
{
    struct verification v = { .options = o };
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_strv char **folders = NULL;
    struct unit_paths paths = { 0 };
    int r = 0;

    /* Units beside the files are found as well. */
    STRV_FOREACH (arg, args)
        if (r >= 0 && strchr(*arg, '/')) {
            auto_free char *folder = strndup(*arg, (size_t) (path_basename(*arg) - *arg));
            auto_free char *absolute = folder ? realpath(folder, NULL) : NULL;

            r = absolute ? strv_add(&folders, absolute) : 0;
        }
    strv_unique(folders);
    if (r >= 0)
        r = unit_paths_new(&(struct unit_paths_options){ .scope = o->ctl.scope == SCOPE_USER
                                                                      ? UNIT_SCOPE_USER
                                                                      : UNIT_SCOPE_SYSTEM,
                                                         .root = o->ctl.root,
                                                         .extra = folders },
                           &paths);
    if (r >= 0)
        r = unit_loader_new(&(struct unit_loader_options){ .user = o->ctl.scope == SCOPE_USER,
                                                           .root = o->ctl.root },
                            &paths, &loader);
    v.loader = loader;
    STRV_FOREACH (arg, args)
        if (r >= 0)
            r = verify_named(&v, *arg);
    return r < 0 ? r : v.failed;
}
