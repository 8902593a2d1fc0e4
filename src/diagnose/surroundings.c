#include "diagnose/surroundings.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/probe.h"
#include "unit/check.h"
#include "unit/directive.h"

/* Where the directive stands, for the message. */
static void complain(struct facts *f, int level, const char *code, const char *directive,
                     const char *remedy, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

static void complain(struct facts *f, int level, const char *code, const char *directive,
                     const char *remedy, const char *fmt, ...)
{
    unsigned before = f->config->n_messages;
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
    unit_check_code(f->config, before, code);
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
        complain(f, LOG_ERR, "user-missing", "User",
                 "create it (useradd --system), or DynamicUser=yes", "user %s does not exist",
                 e->user);
    if (!isempty(e->group) && !probe_true(facts_probe(f, "group", "%s", e->group), "exists"))
        complain(f, LOG_ERR, "group-missing", "Group", "create it (groupadd --system)",
                 "group %s does not exist", e->group);
    STRV_FOREACH (g, e->supplementary_groups)
        if (!probe_true(facts_probe(f, "group", "%s", *g), "exists"))
            complain(f, LOG_ERR, "group-missing", "SupplementaryGroups",
                     "create it (groupadd --system)", "group %s does not exist", *g);
}

/* Rules that cannot work fail the start; where systemd is the manager it needs no helper. */
static void check_pam(struct facts *f)
{
    const char *service = f->config->sandbox->pam_name;
    json_t *p = service ? facts_probe(f, "pam", "%s", service) : NULL, *m;
    bool systemd = service &&
                   streq(probe_text(facts_probe(f, "manager", "system"), "pid1"), "systemd");
    size_t i;

    if (!service)
        return;
    if (!systemd && !probe_true(p, "helper"))
        complain(
            f, LOG_WARNING, "pam-helper-missing", "PAMName",
            "install reeve-pam, which is built where libpam0g-dev is",
            "PAM needs the helper reeve-pam, which is not installed: the start fails (224/PAM)");
    if (isempty(probe_text(p, "file")))
        complain(f, LOG_WARNING, "pam-service-missing", "PAMName",
                 "install the package that has the file, or write it",
                 "there is no /etc/pam.d/%s: the rules of \"other\" apply", service);
    json_array_foreach(json_object_get(p, "missing"), i, m)
        complain(f, LOG_WARNING, "pam-module-missing", "PAMName",
                 "install the package that has it, or take the line out",
                 "%s:%lld: the module %s does not exist", probe_text(m, "file"),
                 probe_number(m, "line"), probe_text(m, "module"));
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
        complain(f, LOG_ERR, "workdir-missing", "WorkingDirectory", "create it, or put - in front",
                 "%s: %s", e->working_directory.path,
                 probe_text(facts_probe(f, "path", "x %s", e->working_directory.path), "verdict"));
    for (const struct env_file *file = e->environment_file; file; file = file->next)
        if (!file->optional && !strpbrk(file->path, "*?[{") &&
            bad(facts_probe(f, "root-path", "r %s", file->path)))
            complain(f, LOG_ERR, "env-file-missing", "EnvironmentFile",
                     "create it, or put - in front", "%s: %s", file->path,
                     probe_text(facts_probe(f, "root-path", "r %s", file->path), "verdict"));
    for (size_t i = 0; i < ELEMENTSOF(outputs); i++) {
        const char *path = outputs[i].stdio->target;
        auto_free char *folder = path && *path == '/'
                                     ? strndup(path, (size_t) (path_basename(path) - path))
                                     : NULL;

        if (folder && strlen(folder) > 1 && bad(facts_probe(f, "root-path", "wx %s", folder)))
            complain(f, LOG_ERR, "output-folder-missing", outputs[i].directive,
                     "create the folder by tmpfiles.d, or log to the journal", "folder %s: %s",
                     folder, probe_text(facts_probe(f, "root-path", "wx %s", folder), "verdict"));
    }
    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        STRV_FOREACH (path, lists[i].paths)
            if (**path == '/' && bad(facts_probe(f, "root-path", "- %s", *path)))
                complain(f, LOG_ERR, "sandbox-path-missing", lists[i].directive,
                         "create it, or put - in front", "%s does not exist", *path);
    for (const struct credential *c = s->load_credential; c; c = c->next)
        if (c->path && *c->path == '/' && bad(facts_probe(f, "root-path", "r %s", c->path)))
            complain(f, LOG_ERR, "credential-missing", "LoadCredential", "create it", "%s: %s",
                     c->path, probe_text(facts_probe(f, "root-path", "r %s", c->path), "verdict"));
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

        complain(f, level, "program-missing", directive, remedy, "%s: %s%s%s", c->path,
                 probe_text(p, "verdict"), streq(probe_text(p, "object"), c->path) ? "" : " at ",
                 streq(probe_text(p, "object"), c->path) ? "" : probe_text(p, "object"));
        return;
    }
    json_t *program = facts_probe(f, "program", "%s", c->path);
    const char *interpreter = probe_text(program, "interpreter"),
               *loader = probe_text(program, "loader");
    if (probe_true(program, "carriage_return"))
        complain(f, level, "program-crlf", directive, "convert it: sed -i 's/\\r$//'",
                 "%s has Windows line ends", c->path);
    else if (*interpreter && bad(facts_probe(f, "root-path", "x %s", interpreter)))
        complain(f, level, "interpreter-missing", directive, "install it, or correct the #! line",
                 "interpreter %s of %s does not exist", interpreter, c->path);
    else if (*loader && bad(facts_probe(f, "root-path", "x %s", loader)))
        complain(f, level, "loader-missing", directive, "take a build for this system",
                 "loader %s of %s does not exist", loader, c->path);
    else if (probe_true(program, "foreign"))
        complain(f, level, "program-foreign", directive, "take a build for this machine",
                 "%s is for %s", c->path, probe_text(program, "machine"));
    else if (streq(probe_text(program, "kind"), "other") ||
             streq(probe_text(program, "kind"), "empty"))
        complain(f, level, "program-format", directive, "begin it with #!/bin/sh or the like",
                 "%s is no program", c->path);
    if (!streq(probe_text(program, "kind"), "elf"))
        return;
    json_t *missing = json_object_get(facts_probe(f, "libraries", "%s", c->path), "missing"), *item;
    size_t i;
    json_array_foreach(missing, i, item) complain(
        f, level, "library-missing", directive, NULL, "library %s, wanted by %s, is missing",
        probe_text(item, "name"), probe_text(item, "wanted_by"));
}

/* Type=notify with a program in which nothing speaks of notifications. Scripts and interpreters may
 * load what does; only a program of its own can be judged. */
static void check_notify(struct facts *f)
{
    const struct service_config *s = f->config->service;
    const struct exec_command *c = s->exec_start;
    bool notify = s->type == SERVICE_TYPE_NOTIFY || s->type == SERVICE_TYPE_NOTIFY_RELOAD;

    if ((!notify && s->watchdog_sec == 0) || !c || *c->path != '/')
        return;
    json_t *p = facts_probe(f, "notifies", "%s", c->path);
    if (json_object_get(p, "how") && !probe_true(p, "notifies") && probe_true(p, "elf"))
        complain(f, LOG_WARNING, "never-notifies", notify ? "Type" : "WatchdogSec",
                 "Type=exec, or `reeve guard` in front of the program",
                 "%s knows nothing of NOTIFY_SOCKET: %s", c->path,
                 notify ? "it will never be ready" : "the watchdog will kill it");
}

/* Whether the name of an option or variable says that its value is what is listened on. */
static bool names_port(const char *name, size_t n)
{
    static const char *const words[] = { "port", "listen", "addr", "bind" };
    auto_free char *low = memdup0(name, n);

    for (char *p = low; p && *p; p++)
        *p = (char) tolower((unsigned char) *p);
    for (size_t i = 0; low && i < ELEMENTSOF(words); i++)
        if (strstr(low, words[i]))
            return true;
    return false;
}

/* The port at the end of ":8080", "0.0.0.0:80", "8080"; 0 if there is none. */
static unsigned port_of(const char *value)
{
    const char *colon = strrchr(value, ':'), *digits = colon ? colon + 1 : value;
    unsigned port;

    if (!*digits || digits[strspn(digits, "0123456789")] || strlen(digits) > 5)
        return 0;
    port = (unsigned) strtoul(digits, NULL, 10);
    return port <= 65535 ? port : 0;
}

static void check_port(struct facts *f, const char *directive, unsigned port)
{
    const struct exec_config *e = f->config->exec;
    bool root = !f->config->sandbox->dynamic_user &&
                (isempty(e->user) || streq(e->user, "root") || streq(e->user, "0"));
    const char *first = probe_text(facts_probe(f, "sysctl", "net.ipv4.ip_unprivileged_port_start"),
                                   "value");
    json_t *p = facts_probe(f, "port", "tcp 0.0.0.0:%u", port);
    const struct exec_command *c = f->config->service->exec_start;
    bool can = e->ambient_capabilities >> CAP_NET_BIND_SERVICE & 1 ||
               (c && c->flags & COMMAND_FULL_PRIVILEGES) ||
               (c && !e->no_new_privileges &&
                getxattr(c->path, "security.capability", NULL, 0) > 0);

    if (probe_true(p, "held") && !streq(probe_text(p, "unit"), f->unit))
        complain(f, LOG_WARNING, "port-in-use", directive, "stop the holder, or take another port",
                 "port %u is held by pid %lld (%s)", port, probe_number(p, "pid"),
                 probe_text(p, "comm"));
    if (*first && port < strtoul(first, NULL, 10) && !root && !can)
        complain(f, LOG_WARNING, "port-privileged", directive,
                 "AmbientCapabilities=CAP_NET_BIND_SERVICE, or a socket unit",
                 "user %s may not bind port %u", e->user ?: "of DynamicUser=", port);
}

/* Ports that options and variables name. What the program does with them is a guess. */
static void check_ports(struct facts *f)
{
    const struct exec_command *c = f->config->service->exec_start;
    unsigned port;

    for (char **a = c ? c->argv + 1 : NULL; c && *c->argv && a && *a; a++) {
        size_t n = strcspn(*a, "=");

        if (**a != '-' || !names_port(*a, n))
            continue;
        port = (*a)[n] ? port_of(*a + n + 1) : a[1] ? port_of(a[1]) : 0;
        if (port > 0)
            check_port(f, "ExecStart", port);
    }
    STRV_FOREACH (v, f->config->exec->environment) {
        size_t n = strcspn(*v, "=");

        port = (*v)[n] && names_port(*v, n) ? port_of(*v + n + 1) : 0;
        if (port > 0)
            check_port(f, "Environment", port);
    }
}

/* Limits that nothing would enforce. */
static void check_resources(struct facts *f)
{
    const struct unit_config *c = f->config;

    if (!probe_true(facts_probe(f, "manager", c->user ? "user" : "system"), "no_cgroup"))
        return;
    for (unsigned i = 0; i < c->n_provenance; i++) {
        const struct directive *d = &directives[c->provenance[i].directive];

        if (directive_needs_cgroup(d) && directive_is_set(c, d) && !directive_is_preset(c, d))
            complain(f, LOG_WARNING, "no-cgroup", d->name,
                     "give the container a cgroup tree that it may write",
                     "control groups cannot be written here: the setting has no effect");
    }
}

/* Namespaces that a setting takes to have. */
static void check_namespaces(struct facts *f)
{
    static const struct {
        const char *directive, *kind;
    } all[] = {
        { "PrivateNetwork", "network" },
        { "PrivateUsers", "user" },
        { "PrivateIPC", "ipc" },
        { "ProtectHostname", "uts" },
        { "PrivateTmp", "mount" },
        { "PrivateDevices", "mount" },
        { "ProtectSystem", "mount" },
        { "ProtectHome", "mount" },
        { "ProtectProc", "mount" },
        { "ProtectKernelTunables", "mount" },
        { "ProtectKernelModules", "mount" },
        { "ProtectKernelLogs", "mount" },
        { "ProtectControlGroups", "mount" },
        { "DynamicUser", "mount" },
        { "ReadWritePaths", "mount" },
        { "ReadOnlyPaths", "mount" },
        { "InaccessiblePaths", "mount" },
        { "BindPaths", "mount" },
        { "BindReadOnlyPaths", "mount" },
        { "TemporaryFileSystem", "mount" },
    };
    const struct unit_config *c = f->config;

    for (unsigned i = 0; i < c->n_provenance; i++) {
        const struct directive *d = &directives[c->provenance[i].directive];

        for (size_t k = 0; k < ELEMENTSOF(all); k++) {
            if (!streq_ptr(d->name, all[k].directive) || !directive_is_set(c, d) ||
                directive_is_preset(c, d))
                continue;
            json_t *p = facts_probe(f, "namespace", "%s", all[k].kind);
            if (!json_is_false(json_object_get(p, "allowed")))
                continue;
            complain(f, d->class == CLASS_HARDENING ? LOG_WARNING : LOG_ERR, "namespace-forbidden",
                     d->name, "let the container have CAP_SYS_ADMIN and a profile that allows it",
                     "it takes a %s namespace, which cannot be made here: %s", all[k].kind,
                     probe_text(p, "errno"));
        }
    }
}

int surroundings_check(struct facts *f, bool elsewhere)
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
    check_notify(f);
    if (elsewhere)
        return 0;
    check_pam(f);
    check_ports(f);
    check_resources(f);
    check_namespaces(f);
    return 0;
}
