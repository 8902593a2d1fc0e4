/* Causes that programs speak of, or work by, where a probe confirms it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/glob.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

/* A library that the loader looked for in the last of its folders, too: dlopen(), or a program that
 * another one executes. */
static const struct trace_event *vain_library(const struct facts *facts)
{
    const struct trace_event *found = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *name = e->path && e->error == ENOENT && startswith(e->call, "open")
                               ? path_basename(e->path)
                               : NULL;

        if (name && strstr(name, ".so") && !startswith(name, "libnss") &&
            (startswith(e->path, "/usr/lib/") || startswith(e->path, "/lib/")) &&
            name == e->path + (e->path[1] == 'u' ? strlen("/usr/lib/") : strlen("/lib/")) &&
            judge_gave_up_after(facts, e))
            found = e;
    }
    return found;
}

void judge_lib_missing(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    json_t *l = c && c->path && *c->path == '/' ? facts_probe(facts, "libraries", "%s", c->path)
                                                : NULL;
    json_t *missing = json_array_get(json_object_get(l, "missing"), 0);
    const struct trace_event *vain = missing ? NULL : vain_library(facts);

    if ((!missing && !vain) || !facts_failed_exit(facts_explained(facts)))
        return;
    const char *name = missing ? probe_text(missing, "name") : path_basename(vain->path);
    const char *elsewhere = probe_text(missing, "elsewhere");
    find(f, missing ? SURE_DECISIVE : SURE_PROVEN - 0.02,
         *elsewhere ? "the library %s is not where the loader looks; it is at %s"
                    : "the library %s is not installed",
         name, elsewhere);
    find_fact(f, "library", name);
    if (missing)
        find_evidence(f, EVIDENCE_PROBE, "%s needs %s", probe_text(missing, "wanted_by"), name);
    find_call(f, vain);
    find_line(f, facts_find_line(facts, facts_explained(facts), "shared libraries"));
    if (*elsewhere) {
        auto_free char *folder = strndup(elsewhere,
                                         (size_t) (path_basename(elsewhere) - elsewhere) - 1);

        find_fix_dropin(f, "let the loader look there",
                        "[Service]\nEnvironment=LD_LIBRARY_PATH=%s\n", strempty(folder));
        find_fix(
            f, "or for the whole machine: a line %s in /etc/ld.so.conf.d/local.conf, then ldconfig",
            strempty(folder));
    }
    find_fix(f, "install the package that has %s (apt-file search %s)", name, name);
    find_prevent(f, "reeve check %s", facts->unit);
}

void judge_glibc_too_old(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    json_t *l = c && c->path && *c->path == '/' ? facts_probe(facts, "libraries", "%s", c->path)
                                                : NULL;
    json_t *v = json_array_get(json_object_get(l, "versions"), 0);

    if (!v || !facts_failed_exit(facts_explained(facts)))
        return;
    find(f, SURE_DECISIVE, "%s was built for a newer system: %s here has no version %s", c->path,
         probe_text(v, "library"), probe_text(v, "version"));
    find_fact(f, "version", probe_text(v, "version"));
    find_evidence(f, EVIDENCE_PROBE, "%s does not define %s", probe_text(v, "path"),
                  probe_text(v, "version"));
    find_line(f, facts_find_line(facts, facts_explained(facts), "not found (required by"));
    find_fix(
        f, "take a build for this system's libc, a static one, or a container with a newer system");
}

/* The name of a command that was not found: "env: 'node': No such file", "sh: 1: uv: not found". */
static char *missing_command(const struct facts *facts)
{
    const struct facts_line *l = facts_find_line(facts, facts_explained(facts), "not found");
    const char *names[2] = { "/usr/bin/env: ", "env: " };

    for (size_t i = 0; i < 2; i++) {
        const struct facts_line *e = facts_find_line(facts, facts_explained(facts), names[i]);
        const char *p = e ? strstr(e->text, names[i]) + strlen(names[i]) : NULL;

        if (p) {
            p += strspn(p, "'\"`\xe2\x80\x98\x99");
            return strndup(p, strcspn(p, "'\"`:\xe2 "));
        }
    }
    if (!l)
        return NULL;
    const char *end = strcasestr(l->text, ": not found");
    if (!end)
        end = strcasestr(l->text, ": command not found");
    const char *begin = end;
    while (begin && begin > l->text && begin[-1] != ' ' && begin[-1] != ':')
        begin--;
    return end && end > begin ? strndup(begin, (size_t) (end - begin)) : NULL;
}

/* A program that was looked for in all of $PATH and is in none of it; a new string. */
static char *searched_command(const struct facts *facts)
{
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        unsigned places = 0;

        if (!streq(e->call, "execve") || e->error != ENOENT || !e->path)
            continue;
        const char *name = path_basename(e->path);
        bool found = false;
        for (size_t k = 0; k < facts->n_trace; k++)
            if (streq(facts->trace[k].call, "execve") && facts->trace[k].path &&
                streq(path_basename(facts->trace[k].path), name)) {
                places += facts->trace[k].error == ENOENT;
                found = found || facts->trace[k].error == 0;
            }
        if (places >= 2 && !found)
            return strdup(name);
    }
    /* Shells look with stat() first. */
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *name = e->path ? startswith(e->path, "/usr/bin/") : NULL;

        if (e->error != ENOENT || !name || strchr(name, '/') || !strstr(e->call, "stat"))
            continue;
        for (size_t k = 0; k < facts->n_trace; k++)
            if (facts->trace[k].path && facts->trace[k].error == ENOENT &&
                startswith(facts->trace[k].path, "/usr/local/bin/") &&
                streq(path_basename(facts->trace[k].path), name))
                return strdup(name);
    }
    return NULL;
}

void judge_path_minimal(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));
    auto_free char *name = e ? searched_command(facts) : NULL;

    if (e && !name)
        name = missing_command(facts);
    if (!name || !*name || strchr(name, '/'))
        return;
    json_t *list = json_object_get(facts_probe(facts, "command", "%s", name), "candidates");
    const char *candidate = json_string_value(json_array_get(list, 0));
    bool has_path = facts->config && strv_env_get(facts->config->exec->environment, "PATH");
    if (!candidate && e->status != 127)
        return;
    find(f, candidate ? SURE_PROVEN + 0.01 : SURE_LIKELY,
         candidate ? "the program %s is not in the unit's PATH; it is %s"
                   : "the program %s is not in the unit's PATH",
         name, strempty(candidate));
    find_fact(f, "program", name);
    if (candidate)
        find_fact(f, "candidate", candidate);
    judge_exit_evidence(f, e);
    for (size_t i = 0; i < facts->n_trace; i++)
        if (facts->trace[i].error == ENOENT && facts->trace[i].path &&
            streq(path_basename(facts->trace[i].path), name)) {
            find_call(f, &facts->trace[i]);
            break;
        }
    judge_last_words(facts, f, 2);
    if (candidate) {
        auto_free char *folder = strndup(candidate,
                                         (size_t) (path_basename(candidate) - candidate) - 1);

        find_evidence(f, EVIDENCE_PROBE, "%s exists", candidate);
        find_fix_dropin(
            f, has_path ? "add its folder to the unit's PATH" : "give the unit a PATH that has it",
            "[Service]\nEnvironment=PATH=%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/"
            "sbin:/bin\n",
            strempty(folder));
        find_fix(f, "or call it by its path: %s", candidate);
    } else {
        find_fix(f, "install it, or call it by its path");
    }
    find_not(f, "~/.profile, ~/.bashrc and /etc/environment do not set a unit's PATH");
}

void judge_python_env_mismatch(struct facts *facts, struct finding *f)
{
    static const char *const places[] = { "/opt/*/{,.}{venv,env}/lib/python3*/site-packages",
                                          "/srv/*/{,.}{venv,env}/lib/python3*/site-packages",
                                          "/home/*/{,*/}{,.}venv/lib/python3*/site-packages",
                                          "/usr/local/*/venv/lib/python3*/site-packages",
                                          "/home/*/.local/lib/python3*/site-packages",
                                          "/root/.local/lib/python3*/site-packages" };
    const struct facts_line *l = facts_find_line(facts, facts_explained(facts), "No module named");
    const char *begin = l ? strstr(l->text, "No module named") + strlen("No module named") : NULL;

    if (!begin || facts->recorded)
        return;
    begin += strspn(begin, " '\"");
    auto_free char *module = strndup(begin, strcspn(begin, "'\".;: "));
    for (size_t i = 0; module && *module && i < ELEMENTSOF(places); i++) {
        auto_free char *pattern = format("%s/%s{,.py}", places[i], module);
        auto_strv char **found = NULL;

        if (!pattern || path_glob(pattern, &found) <= 0)
            continue;
        auto_free char *base = strndup(found[0],
                                       (size_t) (strstr(found[0], "/lib/python3") - found[0]));
        auto_free char *python = path_join(strempty(base), "bin/python3", NULL);
        bool venv = python &&
                    streq(probe_text(facts_probe(facts, "root-path", "x %s", python), "verdict"),
                          "ok");
        auto_free char *command = judge_command_text(
            facts->config ? facts->config->service->exec_start : NULL);
        bool by_python = facts->config && facts->config->service->exec_start &&
                         strstr(facts->config->service->exec_start->path, "python");
        auto_free char *rest = format("%s%s", by_python ? "" : " ",
                                      !command    ? ""
                                      : by_python ? command + strcspn(command, " ")
                                                  : command);

        find(f, SURE_PROVEN, "the module %s is in %s, but the unit runs another Python", module,
             base);
        find_fact(f, "module", module);
        find_fact(f, "found", found[0]);
        find_line(f, l);
        find_evidence(f, EVIDENCE_PROBE, "%s exists", found[0]);
        find_setting(f, facts, "Service", "ExecStart");
        if (venv)
            find_fix_dropin(f, "run it by the Python that has it",
                            "[Service]\nExecStart=\nExecStart=%s%s\n", python, strempty(rest));
        else
            find_fix_dropin(f, "let Python look there", "[Service]\nEnvironment=PYTHONPATH=%s\n",
                            found[0]);
        find_not(f, "activating the venv in a shell: units start no shell");
        return;
    }
}

/* What the program says of $HOME; NULL. */
static const struct facts_line *said_of_home(const struct facts *facts)
{
    static const char *const words[] = { "$HOME",      "'HOME'",        "\"HOME\"",
                                         "HOME:",      "HOME is",       "HOME env",
                                         "HOME not",   "HOME must",     "home directory",
                                         "set HOME",   "homedir",       "HOME variable",
                                         "HOME unset", "expanding `~'", "expanding '~'" };
    const struct facts_line *l = NULL;

    for (size_t i = 0; !l && i < ELEMENTSOF(words); i++)
        l = facts_find_line(facts, facts_explained(facts), words[i]);
    return l;
}

void judge_home_unset(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = said_of_home(facts);
    const struct exec_config *e = facts->config ? facts->config->exec : NULL;

    if (!e || !isempty(e->user) || facts->config->user || strv_env_get(e->environment, "HOME") ||
        facts->config->sandbox->dynamic_user || !facts_failed_exit(facts_explained(facts)))
        return;
    bool uses = judge_program_has(facts, "HOME") || judge_program_has(facts, "expanduser") ||
                judge_program_has(facts, "~/");
    if (!l && !uses)
        return;
    find(f, judge_said_or_used(l, uses),
         "$HOME is not set: the manager sets it only for units with User=");
    find_fact(f, "variable", "HOME");
    find_line(f, l);
    find_evidence(f, EVIDENCE_UNIT, "%s has neither User= nor Environment=HOME=", facts->unit);
    if (uses)
        find_evidence(f, EVIDENCE_PROBE, "the program's text uses HOME");
    if (!l)
        judge_last_words(facts, f, 2);
    find_fix_dropin(f, "set it", "[Service]\nEnvironment=HOME=/root\n");
    find_fix(f, "or User= with a user whose home the program may use");
}

/* A setuid program that was executed; NULL. */
static const struct trace_event *setuid_helper(struct facts *facts)
{
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        json_t *p = startswith(e->call, "execve") && !e->error && e->path
                        ? facts_probe(facts, "root-path", "x %s", e->path)
                        : NULL;

        if (p && strtoul(probe_text(p, "mode"), NULL, 8) & S_ISUID)
            return e;
    }
    return NULL;
}

void judge_nnp_setuid(struct facts *facts, struct finding *f)
{
    static const char *const implying[] = {
        "NoNewPrivileges",         "RestrictSUIDSGID",     "SystemCallFilter",
        "RestrictNamespaces",      "ProtectClock",         "MemoryDenyWriteExecute",
        "RestrictRealtime",        "LockPersonality",      "PrivateDevices",
        "ProtectKernelTunables",   "ProtectKernelModules", "RestrictAddressFamilies",
        "SystemCallArchitectures", "ProtectKernelLogs",    "ProtectHostname"
    };
    const struct facts_line *l = facts_find_line(facts, facts_explained(facts),
                                                 "no new privileges");
    const struct exec_config *e = facts->config ? facts->config->exec : NULL;
    const struct trace_event *helper = setuid_helper(facts);
    const char *directive = NULL;

    if (!l)
        l = facts_find_line(facts, facts_explained(facts), "effective uid is not 0");
    if ((!l && !helper) || !e || !facts_failed_exit(facts_explained(facts)))
        return;
    for (size_t i = 0; !directive && i < ELEMENTSOF(implying); i++) {
        auto_free char *value = facts_setting(facts, "Service", implying[i]);

        if (value && *value && !streq(value, "no"))
            directive = implying[i];
    }
    /* Only NoNewPrivileges= itself counts for root as well. */
    if (!directive || (!l && isempty(e->user) && !streq(directive, "NoNewPrivileges")))
        return;
    find(f, helper ? SURE_PROVEN + 0.01 : SURE_PROVEN - 0.03,
         "%s= %s, so that sudo and other setuid programs gain nothing", directive,
         streq(directive, "NoNewPrivileges") ? "is on" : "implies NoNewPrivileges=yes");
    find_fact(f, "directive", directive);
    find_call(f, helper);
    if (helper)
        find_evidence(f, EVIDENCE_PROBE,
                      "%s is setuid: it works only where privileges may be gained", helper->path);
    find_line(f, l);
    find_setting(f, facts, "Service", directive);
    find_fix_dropin(f, "take it away", "[Service]\n%s=no\n", directive);
    find_fix(f, "or run what needs root by ExecStartPre=+PROGRAM, or in a unit of its own");
}

/* The manager names them before the invocation begins, so to the one before it belongs. */
static const struct facts_line *leftover_line(const struct facts *facts)
{
    const struct facts_invocation *i = facts_explained(facts);
    size_t end = i ? i->first_line + i->n_lines : 0;

    for (size_t k = i && i->first_line > 6 ? i->first_line - 6 : 0; k < end; k++)
        if (facts->lines[k].manager && strstr(strempty(facts->lines[k].text), "left-over process"))
            return &facts->lines[k];
    return NULL;
}

void judge_leftover_process(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = leftover_line(facts);
    auto_free char *mode = facts_setting(facts, "Service", "KillMode");
    const struct trace_event *e = facts_find_call(facts, "bind", EADDRINUSE);
    unsigned port = e ? e->port : l ? judge_port_of_command(facts) : 0;

    /* The manager itself refuses a second process beside one that it may not kill. */
    const struct facts_line *refused = judge_manager_said(facts, "while processes exist");

    if (refused)
        port = 0;
    else if ((!l && !e) || !facts_failed_exit(facts_explained(facts)))
        return;
    json_t *p = port ? facts_probe(facts, "port", "tcp 0.0.0.0:%u", port) : NULL;
    bool ours = p && streq(probe_text(p, "unit"), facts->unit);
    if (!l && !ours)
        return;
    auto_free char *kill = facts_setting(facts, "Service", "SendSIGKILL");
    bool spared = streq_ptr(kill, "no") && (!mode || streq(mode, "control-group"));
    auto_free char *fact = spared ? strdup("SendSIGKILL=no")
                                  : format("KillMode=%s", mode ? mode : "control-group");
    find(f, ours || !port ? SURE_DECISIVE + 0.002 : SURE_LIKELY,
         "processes of an earlier run were still there (%s), and hold what the new one wants",
         strempty(fact));
    find_fact(f, "setting", fact);
    find_line(f, l);
    find_line(f, refused);
    find_call(f, e);
    if (port)
        find_fact_number(f, "port", port);
    if (ours)
        find_evidence(f, EVIDENCE_PROBE, "port %u is held by pid %lld (%s) of this unit", port,
                      probe_number(p, "pid"), probe_text(p, "comm"));
    judge_last_words(facts, f, 1);
    find_setting(f, facts, "Service", "KillMode");
    find_setting(f, facts, "Service", "SendSIGKILL");
    if (spared)
        find_fix_dropin(f, "kill what does not end in time", "[Service]\nSendSIGKILL=yes\n");
    else
        find_fix_dropin(f, "end all processes at a stop", "[Service]\nKillMode=control-group\n");
    find_fix_command(f, "and now", "systemctl kill --signal=KILL %s", facts->unit);
}

void judge_socket_fds_missing(struct facts *facts, struct finding *f)
{
    auto_free char *socket = endswith(facts->unit, ".service")
                                 ? format("%.*s.socket",
                                          (int) (strlen(facts->unit) - strlen(".service")),
                                          facts->unit)
                                 : NULL;

    if (!socket || !facts_failed_exit(facts_explained(facts)))
        return;
    json_t *p = facts_probe(facts, "unit", "%s", socket);
    if (!streq(probe_text(p, "LoadState"), "loaded") ||
        streq(probe_text(p, "ActiveState"), "active"))
        return;
    bool said = judge_said(facts, "socket") || judge_said(facts, "LISTEN_FDS") ||
                judge_said(facts, "descriptor");
    find(f, said ? SURE_PROVEN : SURE_LIKELY,
         "it takes its sockets from %s, which is %s: it was started without them", socket,
         probe_text(p, "ActiveState"));
    find_fact(f, "socket", socket);
    find_evidence(f, EVIDENCE_MANAGER, "%s: ActiveState=%s", socket, probe_text(p, "ActiveState"));
    judge_last_words(facts, f, 2);
    find_fix_command(f, "start the socket", "systemctl enable --now %s", socket);
    find_fix_dropin(f, "and let the service draw it in", "[Unit]\nRequires=%s\nAfter=%s\n", socket,
                    socket);
}

/* A Go program, whose text names every call there is: it listens nowhere, and has no connection to
 * the port that its command line names either, as a client of the holder would. */
static bool serves_nobody(struct facts *facts, unsigned port)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    if (!c || !probe_true(facts_probe(facts, "program", "%s", c->path), "go"))
        return false;
    json_t *p = facts_probe(facts, "uses-port", "%ld %u",
                            facts_property_number(facts, "MainPID", 0), port);
    return json_object_get(p, "listens") && !probe_true(p, "listens") &&
           !probe_true(p, "connected");
}

/* Whether the program's text has what programs listen by. */
static bool is_about_serving(const struct facts *facts)
{
    static const char *const words[] = {
        "listen",       "bind",       "create_server", "TCPServer",
        "ServerSocket", "HTTPServer", "serve_forever", "Listener"
    };

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (judge_program_has(facts, words[i]))
            return true;
    return false;
}

void judge_running_not_serving(struct facts *facts, struct finding *f)
{
    unsigned port;

    if (!facts_property_is(facts, "ActiveState", "active") ||
        facts_property_number(facts, "MainPID", 0) == 0)
        return;
    port = judge_port_of_command(facts);
    if (!port ||
        !(judge_said(facts, "in use") || is_about_serving(facts) || serves_nobody(facts, port)))
        return;
    json_t *p = facts_probe(facts, "port", "tcp 0.0.0.0:%u", port);
    const char *unit = probe_text(p, "unit");
    if (!probe_true(p, "held") || streq(unit, facts->unit) ||
        probe_number(p, "pid") == facts_property_number(facts, "MainPID", 0) ||
        (!judge_said(facts, "in use") && !*unit))
        return;
    find(f, SURE_PROVEN,
         "it runs, but port %u is held by %s (pid %lld%s%s): its listen failed and it went on",
         port, probe_text(p, "comm"), probe_number(p, "pid"), *unit ? ", " : "", unit);
    find_fact_number(f, "port", port);
    find_evidence(f, EVIDENCE_PROBE, "%s is held by pid %lld (%s)", probe_text(p, "address"),
                  probe_number(p, "pid"), probe_text(p, "comm"));
    find_setting(f, facts, "Service", "ExecStart");
    if (*unit)
        find_fix_command(f, "stop the holder", "systemctl stop %s && systemctl restart %s", unit,
                         facts->unit);
    find_fix(f, "in the program: do not discard the error of listen");
}
