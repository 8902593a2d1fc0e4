#include "diagnose/surroundings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/probe.h"

/* Where the directive stands, for the message. */
static void complain(struct facts *f, int level, const char *directive, const char *remedy,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void complain(struct facts *f, int level, const char *directive, const char *remedy,
                     const char *fmt, ...)
{
    auto_free char *where = facts_where(f, "Service", directive);
    char *colon = where ? strrchr(where, ':') : NULL;
    unsigned line = colon ? (unsigned) strtoul(colon + 1, NULL, 10) : 0;
    va_list ap;

    if (colon)
        *colon = 0;
    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (text)
        unit_config_message(f->config, level, where, line, "Service", directive, remedy, "%s",
                            text);
}

static bool bad(json_t *probe)
{
    const char *verdict = probe_text(probe, "verdict");

    return !isempty(verdict) && !streq(verdict, "ok");
}

static void check_identity(struct facts *f)
{
    const struct exec_config *e = f->config->exec;

    if (f->config->sandbox->dynamic_user)
        return;
    if (!isempty(e->user) && !probe_true(facts_probe(f, "user", "%s", e->user), "exists"))
        complain(f, LOG_ERR, "User", "create it (useradd --system), or DynamicUser=yes",
                 "user %s does not exist", e->user);
    if (!isempty(e->group) && !probe_true(facts_probe(f, "group", "%s", e->group), "exists"))
        complain(f, LOG_ERR, "Group", "create it (groupadd --system)", "group %s does not exist",
                 e->group);
    STRV_FOREACH (g, e->supplementary_groups)
        if (!probe_true(facts_probe(f, "group", "%s", *g), "exists"))
            complain(f, LOG_ERR, "SupplementaryGroups", "create it (groupadd --system)",
                     "group %s does not exist", *g);
}

static void check_paths(struct facts *f)
{
    const struct exec_config *e = f->config->exec;
    const struct sandbox_config *s = f->config->sandbox;
    const struct {
        const char *directive;
        const struct exec_stdio *stdio;
    } outputs[] = { { "StandardOutput", &e->standard_output },
                    { "StandardError", &e->standard_error } };
    const struct {
        const char *directive;
        char *const *paths;
    } lists[] = { { "ReadWritePaths", s->read_write_paths },
                  { "ReadOnlyPaths", s->read_only_paths },
                  { "InaccessiblePaths", s->inaccessible_paths },
                  { "ExecPaths", s->exec_paths } };

    if (e->working_directory.path && !e->working_directory.missing_ok &&
        bad(facts_probe(f, "path", "x %s", e->working_directory.path)))
        complain(f, LOG_ERR, "WorkingDirectory", "create it, or put - in front", "%s: %s",
                 e->working_directory.path,
                 probe_text(facts_probe(f, "path", "x %s", e->working_directory.path), "verdict"));
    for (const struct env_file *file = e->environment_file; file; file = file->next)
        if (!file->optional && !strpbrk(file->path, "*?[{") &&
            bad(facts_probe(f, "root-path", "r %s", file->path)))
            complain(f, LOG_ERR, "EnvironmentFile", "create it, or put - in front", "%s: %s",
                     file->path,
                     probe_text(facts_probe(f, "root-path", "r %s", file->path), "verdict"));
    for (size_t i = 0; i < ELEMENTSOF(outputs); i++) {
        const char *path = outputs[i].stdio->target;
        auto_free char *folder = path && *path == '/'
                                     ? strndup(path, (size_t) (path_basename(path) - path))
                                     : NULL;

        if (folder && strlen(folder) > 1 && bad(facts_probe(f, "root-path", "wx %s", folder)))
            complain(f, LOG_ERR, outputs[i].directive,
                     "create the folder by tmpfiles.d, or log to the journal", "folder %s: %s",
                     folder, probe_text(facts_probe(f, "root-path", "wx %s", folder), "verdict"));
    }
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        STRV_FOREACH (path, lists[i].paths)
            if (**path == '/' && bad(facts_probe(f, "root-path", "- %s", *path)))
                complain(f, LOG_ERR, lists[i].directive, "create it, or put - in front",
                         "%s does not exist", *path);
    for (const struct credential *c = s->load_credential; c; c = c->next)
        if (c->path && *c->path == '/' && bad(facts_probe(f, "root-path", "r %s", c->path)))
            complain(f, LOG_ERR, "LoadCredential", "create it", "%s: %s", c->path,
                     probe_text(facts_probe(f, "root-path", "r %s", c->path), "verdict"));
}

static void check_program(struct facts *f, const struct exec_command *c, const char *directive)
{
    bool privileged = c->flags & (COMMAND_FULL_PRIVILEGES | COMMAND_NO_SETUID);
    int level = c->flags & COMMAND_IGNORE_FAILURE ? LOG_WARNING : LOG_ERR;

    if (*c->path != '/')
        return; /* looked up at the start */
    json_t *p = facts_probe(f, privileged ? "root-path" : "path", "x %s", c->path);
    if (bad(p)) {
        json_t *near = json_object_get(facts_probe(f, "near-file", "%s", c->path), "candidates");
        const char *candidate = json_string_value(json_array_get(near, 0));
        auto_free char *remedy = candidate ? format("did you mean %s?", candidate) : NULL;

        complain(f, level, directive, remedy, "%s: %s%s%s", c->path, probe_text(p, "verdict"),
                 streq(probe_text(p, "object"), c->path) ? "" : " at ",
                 streq(probe_text(p, "object"), c->path) ? "" : probe_text(p, "object"));
        return;
    }
    json_t *program = facts_probe(f, "program", "%s", c->path);
    const char *interpreter = probe_text(program, "interpreter"),
               *loader = probe_text(program, "loader");
    if (probe_true(program, "carriage_return"))
        complain(f, level, directive, "convert it: sed -i 's/\\r$//'", "%s has Windows line ends",
                 c->path);
    else if (*interpreter && bad(facts_probe(f, "root-path", "x %s", interpreter)))
        complain(f, level, directive, "install it, or correct the #! line",
                 "interpreter %s of %s does not exist", interpreter, c->path);
    else if (*loader && bad(facts_probe(f, "root-path", "x %s", loader)))
        complain(f, level, directive, "take a build for this system",
                 "loader %s of %s does not exist", loader, c->path);
    else if (probe_true(program, "foreign"))
        complain(f, level, directive, "take a build for this machine", "%s is for %s", c->path,
                 probe_text(program, "machine"));
    else if (streq(probe_text(program, "kind"), "other") ||
             streq(probe_text(program, "kind"), "empty"))
        complain(f, level, directive, "begin it with #!/bin/sh or the like", "%s is no program",
                 c->path);
    if (!streq(probe_text(program, "kind"), "elf"))
        return;
    json_t *missing = json_object_get(facts_probe(f, "libraries", "%s", c->path), "missing"), *item;
    size_t i;
    json_array_foreach(missing, i, item)
        complain(f, level, directive, NULL, "library %s, wanted by %s, is missing",
                 probe_text(item, "name"), probe_text(item, "wanted_by"));
}

int surroundings_check(struct facts *f)
{
    const struct service_config *s = f->config->service;
    const struct {
        const char *directive;
        const struct exec_command *commands;
    } lists[] = {
        { "ExecCondition", s->exec_condition }, { "ExecStartPre", s->exec_start_pre },
        { "ExecStart", s->exec_start },         { "ExecStartPost", s->exec_start_post },
        { "ExecReload", s->exec_reload },       { "ExecStop", s->exec_stop },
        { "ExecStopPost", s->exec_stop_post },
    };

    if (f->config->load_state != LOAD_LOADED || f->config->type != UNIT_SERVICE)
        return 0;
    check_identity(f);
    check_paths(f);
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        for (const struct exec_command *c = lists[i].commands; c; c = c->next)
            check_program(f, c, lists[i].directive);
    return 0;
}
