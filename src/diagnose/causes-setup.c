/* Causes of a step before the program ran: the launch report names step, error and object; probes
 * of the live machine say more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/identity.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"
#include "launch/exec_status.h"

/* The launch report of the failed step, if it is one of these (0 ends them). */
static const struct facts_launch *failed_step(const struct facts *facts, int a, int b, int c)
{
    const struct facts_invocation *i = facts_explained(facts);

    if (!i || !i->launch.status)
        return NULL;
    return i->launch.status == a || i->launch.status == b || i->launch.status == c ? &i->launch
                                                                                   : NULL;
}

static void launch_evidence(struct finding *f, const struct facts_launch *l)
{
    const char *error = errno_name(l->error);

    find_evidence(f, EVIDENCE_LAUNCH, "step %s%s%s failed: %s (exit status %d)", strempty(l->step),
                  l->object ? " of " : "", strempty(l->object), error ? error : "error unknown",
                  l->status);
}

static const char *first_candidate(json_t *answer)
{
    return json_string_value(json_array_get(json_object_get(answer, "candidates"), 0));
}

/* ---- environment files
 * -------------------------------------------------------------------------------- */

void judge_env_file_missing(struct facts *facts, struct finding *f)
{
    if (!facts->config || !facts_property_is(facts, "Result", "resources"))
        return;
    for (const struct env_file *e = facts->config->exec->environment_file; e; e = e->next) {
        json_t *path = e->optional ? NULL : facts_probe(facts, "root-path", "r %s", e->path);

        if (!path || streq(probe_text(path, "verdict"), "ok") || strpbrk(e->path, "*?[") ||
            isempty(probe_text(path, "verdict")))
            continue;
        find(f, SURE_DECISIVE, "the environment file %s %s", e->path,
             streq(probe_text(path, "verdict"), "missing") ? "does not exist" : "cannot be read");
        find_fact(f, "path", e->path);
        find_evidence(f, EVIDENCE_PROBE, "%s: %s", probe_text(path, "object"),
                      probe_text(path, "errno"));
        find_setting(f, facts, "Service", "EnvironmentFile");
        find_fix(f, "create %s with lines NAME=value", e->path);
        find_fix_dropin(f, "start without it", "[Service]\nEnvironmentFile=\nEnvironmentFile=-%s\n",
                        e->path);
        find_prevent(f, "ExecStartPre=reeve preflight --file=%s", e->path);
        return;
    }
}

/* ---- users
 * -------------------------------------------------------------------------------------------- */

void judge_user_missing(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_USER, EXEC_STATUS_GROUP, 0);
    const struct exec_config *e = facts->config ? facts->config->exec : NULL;
    const char *name = NULL, *what = "user";

    if (!l || !e)
        return;
    if (!isempty(e->user) && !probe_true(facts_probe(facts, "user", "%s", e->user), "exists"))
        name = e->user;
    if (!name && !isempty(e->group) &&
        !probe_true(facts_probe(facts, "group", "%s", e->group), "exists"))
        name = e->group, what = "group";
    STRV_FOREACH (g, e->supplementary_groups)
        if (!name && !probe_true(facts_probe(facts, "group", "%s", *g), "exists"))
            name = *g, what = "group";
    if (!name)
        return;
    bool is_user = streq(what, "user");
    find(f, SURE_DECISIVE, "the %s %s does not exist", what, name);
    find_fact(f, what, name);
    launch_evidence(f, l);
    find_evidence(f, EVIDENCE_PROBE, "no %s %s in %s, nor known to getent", what, name,
                  is_user ? "/etc/passwd" : "/etc/group");
    find_setting(f, facts, "Service",
                 is_user                     ? "User"
                 : streq_ptr(name, e->group) ? "Group"
                                             : "SupplementaryGroups");
    if (is_user)
        find_fix_command(f, "create it",
                         "useradd --system --no-create-home --shell /usr/sbin/nologin %s", name);
    else
        find_fix_command(f, "create it", "groupadd --system %s", name);
    find_fix(f, "ship it as a sysusers.d file: %s %s -", is_user ? "u" : "g", name);
    if (is_user)
        find_fix_dropin(f, "or let the manager make a user for the unit",
                        "[Service]\nDynamicUser=yes\n");
    find_not(f,
             "\"No such process\" in the log is the error of the look-up, it is about no process");
    find_prevent(f, "reeve check %s", facts->unit);
}

/* ---- folders
 * ------------------------------------------------------------------------------------------ */

void judge_workdir_missing(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_CHDIR, 0, 0);
    const char *path = l && facts->config ? facts->config->exec->working_directory.path : NULL;

    if (!path)
        return;
    json_t *p = facts_probe(facts, "path", "x %s", path);
    bool missing = l->error == ENOENT || streq(probe_text(p, "verdict"), "missing") ||
                   streq(probe_text(p, "verdict"), "dangling-link");
    /* It is there, but not for the unit: what hides it is the cause. */
    bool hidden = l->error == ENOENT && streq(probe_text(p, "verdict"), "ok");
    find(f, hidden ? SURE_POSSIBLE : SURE_PROVEN,
         missing ? "the working directory %s does not exist"
                 : "the working directory %s cannot be entered",
         path);
    find_fact(f, "path", path);
    launch_evidence(f, l);
    if (!isempty(probe_text(p, "verdict")))
        find_evidence(f, EVIDENCE_PROBE, "%s: %s", probe_text(p, "object"),
                      probe_text(p, "verdict"));
    find_setting(f, facts, "Service", "WorkingDirectory");
    if (missing)
        find_fix_command(f, "create it", "mkdir -p %s", path);
    find_fix(f, "correct WorkingDirectory= (now %s)", path);
    find_fix_dropin(f, "or go on without it", "[Service]\nWorkingDirectory=-%s\n", path);
    find_not(f, "the program that the log names in \"Failed at step CHDIR spawning\" is not what "
                "is missing");
    find_prevent(f, "reeve check %s", facts->unit);
}

void judge_stdout_target_missing(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_STDOUT, EXEC_STATUS_STDERR,
                                               EXEC_STATUS_STDIN);
    const struct exec_config *e = l && facts->config ? facts->config->exec : NULL;
    const char *directive = !l                                ? NULL
                            : l->status == EXEC_STATUS_STDOUT ? "StandardOutput"
                            : l->status == EXEC_STATUS_STDERR ? "StandardError"
                                                              : "StandardInput";
    const char *path = !e                                ? NULL
                       : l->status == EXEC_STATUS_STDOUT ? e->standard_output.target
                       : l->status == EXEC_STATUS_STDERR ? e->standard_error.target
                                                         : e->standard_input.target;

    if (!path)
        return;
    json_t *p = facts_probe(facts, "root-path", "w %s", path);
    auto_free char *folder = strndup(path, (size_t) (path_basename(path) - path));
    find(f, SURE_PROVEN, "%s= cannot open %s: %s", directive, path,
         l->error ? strerror(l->error) : "no such folder");
    find_fact(f, "path", path);
    launch_evidence(f, l);
    if (!isempty(probe_text(p, "object")))
        find_evidence(f, EVIDENCE_PROBE, "%s: %s", probe_text(p, "object"),
                      probe_text(p, "verdict"));
    find_setting(f, facts, "Service", directive);
    find_fix_command(f, "create the folder", "install -d %s", strempty(folder));
    find_fix(f, "create it at every boot by tmpfiles.d: d %s 0755 root root", strempty(folder));
    find_fix_dropin(f, "or log to the journal", "[Service]\n%s=journal\n", directive);
    find_not(f, "ExecStartPre=mkdir does not help: the output is opened before each command, that "
                "one as well");
    find_not(f, "LogsDirectory= does not help: it is made after the output was opened");
}

void judge_namespace_path_missing(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_NAMESPACE, 0, 0);
    const struct sandbox_config *s = l && facts->config ? facts->config->sandbox : NULL;

    if (!s || (l->error && l->error != ENOENT))
        return;
    const struct {
        const char *directive;
        char *const *paths;
    } lists[] = {
        { "ReadWritePaths", s->read_write_paths },
        { "ReadOnlyPaths", s->read_only_paths },
        { "InaccessiblePaths", s->inaccessible_paths },
        { "ExecPaths", s->exec_paths },
        { "NoExecPaths", s->no_exec_paths },
    };
    const char *path = NULL, *directive = NULL;

    for (size_t i = 0; !path && i < ELEMENTSOF(lists); i++)
        STRV_FOREACH (p, lists[i].paths)
            if (**p == '/' &&
                streq(probe_text(facts_probe(facts, "root-path", "- %s", *p), "verdict"),
                      "missing"))
                path = *p, directive = lists[i].directive;
    for (const struct bind_mount *b = s->bind_paths; !path && b; b = b->next)
        if (!b->ignore_missing &&
            streq(probe_text(facts_probe(facts, "root-path", "- %s", b->source), "verdict"),
                  "missing"))
            path = b->source, directive = "BindPaths";
    for (const struct bind_mount *b = s->bind_read_only_paths; !path && b; b = b->next)
        if (!b->ignore_missing &&
            streq(probe_text(facts_probe(facts, "root-path", "- %s", b->source), "verdict"),
                  "missing"))
            path = b->source, directive = "BindReadOnlyPaths";
    if (!path)
        return;
    find(f, SURE_DECISIVE, "%s=%s: there is no such path", directive, path);
    find_fact(f, "path", path);
    find_fact(f, "directive", directive);
    launch_evidence(f, l);
    find_setting(f, facts, "Service", directive);
    find_evidence(f, EVIDENCE_PROBE, "%s does not exist", path);
    find_fix_command(f, "create it", "mkdir -p %s", path);
    find_fix_dropin(f, "or let it be missing", "[Service]\n%s=\n%s=-%s\n", directive, directive,
                    path);
    find_fix(f, "or StateDirectory=, RuntimeDirectory=, which the manager makes itself");
}

void judge_namespace_forbidden(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_NAMESPACE, EXEC_STATUS_NETWORK,
                                               0);

    if (!l || (l->error != EPERM && l->error != EACCES && l->error != EINVAL))
        return;
    find(f, SURE_PROVEN, "this machine or container does not let the unit make its namespaces (%s)",
         errno_name(l->error));
    launch_evidence(f, l);
    find_fix(f, "give the container CAP_SYS_ADMIN and a profile that allows mount(2)");
    find_fix_dropin(
        f, "or take the sandboxing away here",
        "[Service]\nPrivateTmp=no\nPrivateDevices=no\nProtectSystem=no\nProtectHome=no\n");
}

void judge_state_dir_conflict(struct facts *facts, struct finding *f)
{
    static const struct {
        int status;
        const char *directive, *prefix;
    } kinds[] = {
        { EXEC_STATUS_RUNTIME_DIRECTORY, "RuntimeDirectory", "/run" },
        { EXEC_STATUS_STATE_DIRECTORY, "StateDirectory", "/var/lib" },
        { EXEC_STATUS_CACHE_DIRECTORY, "CacheDirectory", "/var/cache" },
        { EXEC_STATUS_LOGS_DIRECTORY, "LogsDirectory", "/var/log" },
        { EXEC_STATUS_CONFIGURATION_DIRECTORY, "ConfigurationDirectory", "/etc" },
    };
    const struct facts_invocation *i = facts_explained(facts);

    for (size_t k = 0; i && k < ELEMENTSOF(kinds); k++) {
        auto_free char *value = NULL, *path = NULL;

        if (i->launch.status != kinds[k].status)
            continue;
        value = facts_setting(facts, "Service", kinds[k].directive);
        if (value)
            value[strcspn(value, " :\n")] = 0;
        path = format("%s/%s", kinds[k].prefix, strempty(value));
        json_t *p = path ? facts_probe(facts, "root-path", "- %s", path) : NULL;
        find(f, SURE_PROVEN, "%s=: %s is in the way: it is %s", kinds[k].directive, strempty(path),
             streq(probe_text(p, "type"), "folder") ? "of another kind or owner than asked for"
             : isempty(probe_text(p, "type"))       ? "not to be made"
                                                    : "no folder");
        find_fact(f, "path", path);
        launch_evidence(f, &i->launch);
        if (p && !isempty(probe_text(p, "type")))
            find_evidence(f, EVIDENCE_PROBE, "%s is a %s (%s:%s mode %s)", path,
                          probe_text(p, "type"), probe_text(p, "owner"), probe_text(p, "group"),
                          probe_text(p, "mode"));
        find_setting(f, facts, "Service", kinds[k].directive);
        find_fix_command(f, "move it aside", "mv %s %s.old", strempty(path), strempty(path));
        return;
    }
}

void judge_credential_missing(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_CREDENTIALS, 0, 0);

    if (!l || !facts->config)
        return;
    for (const struct credential *c = facts->config->sandbox->load_credential; c; c = c->next) {
        const char *path = c->path ? c->path : c->id;
        json_t *p = path_is_absolute(path) ? facts_probe(facts, "root-path", "r %s", path) : NULL;

        if (!p || streq(probe_text(p, "verdict"), "ok") || isempty(probe_text(p, "verdict")))
            continue;
        find(f, SURE_DECISIVE, "the credential %s cannot be read: %s %s", c->id, path,
             streq(probe_text(p, "verdict"), "missing") ? "does not exist"
                                                        : probe_text(p, "verdict"));
        find_fact(f, "path", path);
        find_fact(f, "credential", c->id);
        launch_evidence(f, l);
        find_evidence(f, EVIDENCE_PROBE, "%s: %s", probe_text(p, "object"), probe_text(p, "errno"));
        find_setting(f, facts, "Service", "LoadCredential");
        find_fix(f, "put the secret into %s", path);
        find_fix_dropin(f, "or give a fallback", "[Service]\nSetCredential=%s:VALUE\n", c->id);
        find_prevent(f, "reeve check %s", facts->unit);
        return;
    }
}

void judge_cap_setup_refused(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_CAPABILITIES,
                                               EXEC_STATUS_SECUREBITS, 0);

    if (!l || (l->error && l->error != EPERM))
        return;
    find(f, SURE_PROVEN, "the manager here may not change the unit's capabilities (%s)",
         strempty(errno_name(l->error ? l->error : EPERM)));
    launch_evidence(f, l);
    find_setting(f, facts, "Service", "CapabilityBoundingSet");
    find_setting(f, facts, "Service", "AmbientCapabilities");
    find_fix_dropin(f, "leave capabilities as they are here",
                    "[Service]\nCapabilityBoundingSet=\nAmbientCapabilities=\n");
}

/* ---- PAM
 * ------------------------------------------------------------------------------------------------
 */

/* What PAM itself said, of reeve's helper ("pam_acct_mgmt: ...") or systemd ("PAM failed: ..."). */
static const char *pam_words(const struct facts *facts)
{
    static const char *const marks[] = { "pam_acct_mgmt: ", "pam_open_session: ", "pam_start: ",
                                         "PAM failed: " };

    for (size_t i = 0; i < ELEMENTSOF(marks); i++) {
        const struct facts_line *l = judge_manager_said(facts, marks[i]);

        if (l)
            return strstr(l->text, marks[i]) + strlen(marks[i]);
    }
    return NULL;
}

static void pam_account(struct finding *f, const char *user, const char *service, json_t *p,
                        const char *words)
{
    bool expired = words && strstr(words, "expired");

    find(f, expired ? SURE_DECISIVE : SURE_PROVEN,
         "PAM refuses the account %s for the service %s%s%s", user, service, words ? ": " : "",
         strempty(words));
    find_evidence(f, EVIDENCE_PROBE, "account rules of %s: %s", probe_text(p, "file"),
                  json_string_value(json_array_get(json_object_get(p, "account"), 0)) ?: "none");
    if (expired)
        find_fix_command(f, "let the account live on", "usermod --expiredate '' %s", user);
    find_fix(f, "change what refuses it in %s (account and session lines)", probe_text(p, "file"));
}

void judge_pam_refused(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_PAM, 0, 0);
    const char *service = l && facts->config ? facts->config->sandbox->pam_name : NULL;
    const char *words = service ? pam_words(facts) : NULL;
    json_t *p = service ? facts_probe(facts, "pam", "%s", service) : NULL;
    json_t *missing = json_array_get(json_object_get(p, "missing"), 0);

    if (!service)
        return;
    if (facts->source == FACTS_REEVE && l->error == ENOENT && !probe_true(p, "helper")) {
        find(f, SURE_DECISIVE, "PAMName= needs the helper reeve-pam, which is not installed");
        find_evidence(f, EVIDENCE_PROBE, "no %s", probe_text(p, "helper_path"));
        find_fix(f, "install reeve-pam as %s (it is built where libpam0g-dev is)",
                 probe_text(p, "helper_path"));
    } else if (isempty(probe_text(p, "file"))) {
        find(f, SURE_DECISIVE,
             "there is no PAM service %s: /etc/pam.d/%s does not exist, and \"other\" "
             "refuses",
             service, service);
        find_evidence(f, EVIDENCE_PROBE, "no file %s in /etc/pam.d", service);
        find_fix(f, "install the package that has /etc/pam.d/%s, or write it", service);
    } else if (missing) {
        find(f, SURE_DECISIVE, "a module of the PAM service %s does not exist: %s", service,
             probe_text(missing, "module"));
        find_fact(f, "module", probe_text(missing, "module"));
        find_evidence(f, EVIDENCE_PROBE, "%s:%lld: %s is in no folder of modules",
                      probe_text(missing, "file"), (long long) probe_number(missing, "line"),
                      probe_text(missing, "module"));
        find_fix(f, "install the package that has %s, or take the line out of %s",
                 probe_text(missing, "module"), probe_text(missing, "file"));
    } else {
        pam_account(f, facts->config->exec->user ?: "root", service, p, words);
    }
    find_fact(f, "service", service);
    launch_evidence(f, l);
    if (words)
        find_evidence(f, EVIDENCE_JOURNAL, "PAM said: %s", words);
    find_setting(f, facts, "Service", "PAMName");
    find_fix_dropin(f, "or run it without a session", "[Service]\nPAMName=\n");
    find_prevent(f, "reeve check %s", facts->unit);
}

/* ---- the program
 * -------------------------------------------------------------------------------------- */

/* The failed EXEC step, with the program's path. */
static const struct facts_launch *failed_exec(struct facts *facts, const char **ret_path)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_EXEC, 0, 0);
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    *ret_path = l && l->object ? l->object : c ? c->path : NULL;
    return *ret_path ? l : NULL;
}

static void exec_common(struct facts *facts, struct finding *f, const struct facts_launch *l,
                        const char *path)
{
    find_fact(f, "path", path);
    launch_evidence(f, l);
    find_setting(f, facts, "Service", l->command ? l->command : "ExecStart");
    find_prevent(f, "reeve check %s", facts->unit);
}

/* The shell was found, and stumbles over the line ends of its script. */
static void judge_crlf_inside(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    if (!facts_failed_exit(facts_explained(facts)))
        return;
    STRV_FOREACH (a, c ? c->argv : NULL) {
        const char *path = a == c->argv ? c->path : *a;
        json_t *p = *path == '/' ? facts_probe(facts, "program", "%s", path) : NULL;
        auto_free char *text = NULL;

        if (!p || streq(probe_text(p, "kind"), "elf") || facts->recorded ||
            (a == c->argv ? !endswith(probe_text(p, "interpreter"), "sh")
                          : !endswith(c->path, "sh")) ||
            file_read(path, 1 << 20, &text, NULL) < 0 || !strstr(text, "\r\n"))
            continue;
        find(f, SURE_PROVEN, "%s has Windows line ends: for the shell \\r belongs to the words",
             path);
        find_fact(f, "path", path);
        find_evidence(f, EVIDENCE_PROBE, "lines of %s end in \\r\\n", path);
        judge_last_words(facts, f, 2);
        find_fix_command(f, "convert it", "sed -i 's/\\r$//' %s", path);
        find_fix(f, "dos2unix does the same; in git: .gitattributes with *.sh text eol=lf");
        return;
    }
}

void judge_exec_crlf(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    json_t *p = l ? facts_probe(facts, "program", "%s", path) : NULL;

    if (!l)
        judge_crlf_inside(facts, f);
    if (!p || !probe_true(p, "carriage_return") || l->error != ENOENT)
        return;
    find(f, SURE_DECISIVE,
         "%s has Windows line ends: the kernel looks for the interpreter \"%s\\r\"", path,
         probe_text(p, "interpreter"));
    exec_common(facts, f, l, path);
    find_evidence(f, EVIDENCE_PROBE, "the first line of %s is \"%s\\r\"", path,
                  probe_text(p, "first_line"));
    find_fix_command(f, "convert it", "sed -i 's/\\r$//' %s", path);
    find_fix(f,
             "dos2unix does the same; in git: .gitattributes with *.sh text eol=lf (CRLF to LF)");
}

void judge_exec_interpreter_missing(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    json_t *p = l ? facts_probe(facts, "program", "%s", path) : NULL;
    const char *interpreter = p ? probe_text(p, "interpreter") : "";

    if (isempty(interpreter) || !streq(probe_text(p, "kind"), "script") ||
        probe_true(p, "carriage_return") || (l->error && l->error != ENOENT))
        return;
    json_t *i = facts_probe(facts, "root-path", "x %s", interpreter);
    if (!streq(probe_text(i, "verdict"), "missing") &&
        !streq(probe_text(i, "verdict"), "dangling-link"))
        return;
    json_t *near = facts_probe(facts, "near-file", "%s", interpreter);
    find(f, SURE_DECISIVE, "%s is a script whose interpreter %s does not exist", path, interpreter);
    find_fact(f, "interpreter", interpreter);
    exec_common(facts, f, l, path);
    find_evidence(f, EVIDENCE_PROBE, "%s begins with %s", path, probe_text(p, "first_line"));
    find_evidence(f, EVIDENCE_PROBE, "%s: %s", probe_text(i, "object"), probe_text(i, "verdict"));
    if (strstr(interpreter, "venv") || strstr(interpreter, "/env/"))
        find_fix(f,
                 "make the venv anew (python3 -m venv ..., pip install ...): its python is gone");
    if (first_candidate(near))
        find_fix(f, "correct the first line of %s: #!%s", path, first_candidate(near));
    find_fix(f, "install the interpreter %s, or correct the #! line of %s", interpreter, path);
    find_not(f, "\"No such file or directory\" is not about %s, which is there", path);
}

void judge_exec_loader_missing(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    json_t *p = l ? facts_probe(facts, "program", "%s", path) : NULL;
    const char *interpreter = p ? probe_text(p, "interpreter") : "", *program = path;

    if (!isempty(interpreter)) { /* of a script: it is the interpreter's loader that counts */
        p = facts_probe(facts, "program", "%s", interpreter);
        program = interpreter;
    }
    const char *loader = p ? probe_text(p, "loader") : "";
    if (isempty(loader) || (l->error && l->error != ENOENT))
        return;
    if (!streq(probe_text(facts_probe(facts, "root-path", "x %s", loader), "verdict"), "missing"))
        return;
    find(f, SURE_DECISIVE, "%s was built for another system: its loader %s does not exist", program,
         loader);
    find_fact(f, "loader", loader);
    exec_common(facts, f, l, path);
    if (program != path)
        find_evidence(f, EVIDENCE_PROBE, "%s is a script for %s", path, program);
    find_evidence(f, EVIDENCE_PROBE, "%s (%s) wants the loader %s", program,
                  probe_text(p, "machine"), loader);
    find_evidence(f, EVIDENCE_PROBE, "%s does not exist", loader);
    find_fix(f, strstr(loader, "musl")
                    ? "take a build for glibc, or a static one (this one is for musl)"
                    : "take a build for this system, or a static one, or install the loader");
    find_not(f, "\"No such file or directory\" is not about %s, which is there", path);
}

void judge_exec_format(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    json_t *p = l ? facts_probe(facts, "program", "%s", path) : NULL;
    const char *kind = p ? probe_text(p, "kind") : "";

    if (!l || (l->error && l->error != ENOEXEC) || isempty(kind))
        return;
    if (streq(kind, "elf") && probe_true(p, "foreign")) {
        find(f, SURE_DECISIVE, "%s is a program for %s, which this machine does not run", path,
             probe_text(p, "machine"));
        find_fact(f, "machine", probe_text(p, "machine"));
        exec_common(facts, f, l, path);
        find_evidence(f, EVIDENCE_PROBE, "the ELF header of %s says %s", path,
                      probe_text(p, "machine"));
        find_fix(f, "take the build for this machine's architecture (uname -m)");
        return;
    }
    if (!streq(kind, "other") && !streq(kind, "empty"))
        return;
    find(f, SURE_DECISIVE,
         streq(kind, "empty")               ? "%s is empty"
         : probe_true(p, "byte_order_mark") ? "%s begins with a byte order mark, not with #!"
                                            : "%s is no program, and does not begin with #!",
         path);
    exec_common(facts, f, l, path);
    find_evidence(f, EVIDENCE_PROBE, "its first line is \"%s\"", probe_text(p, "first_line"));
    find_fix(f, "begin it with a line that names its interpreter, such as #!/bin/sh");
    if (!streq(kind, "empty") && !probe_true(p, "byte_order_mark"))
        find_fix_command(f, "if it is a shell script", "sed -i '1i #!/bin/sh' %s", path);
}

/* Whether the path is below a folder that ProtectHome= covers. */
static bool below_home(const char *path)
{
    return path_startswith(path, "/home") || path_startswith(path, "/root") ||
           path_startswith(path, "/run/user");
}

void judge_protecthome_hides(struct facts *facts, struct finding *f)
{
    const struct facts_launch *l = failed_step(facts, EXEC_STATUS_EXEC, EXEC_STATUS_CHDIR, 0);
    auto_free char *protect = facts_setting(facts, "Service", "ProtectHome");
    const char *path = l ? l->object : NULL;
    const struct trace_event *e = NULL;

    if (!protect || (!streq(protect, "yes") && !streq(protect, "tmpfs")))
        return;
    for (size_t i = 0; !path && i < facts->n_trace; i++)
        if (facts->trace[i].error && facts->trace[i].path && below_home(facts->trace[i].path) &&
            streq(probe_text(facts_probe(facts, "root-path", "- %s", facts->trace[i].path),
                             "verdict"),
                  "ok"))
            e = &facts->trace[i], path = e->path;
    /* Without either, what the program says itself: a path below a home in its last words. */
    auto_free char *said = path ? NULL : judge_path_in_output(facts, "/home/");
    if (!path)
        path = said;
    if (!path || !below_home(path))
        return;
    json_t *p = facts_probe(facts, "root-path", "- %s", path);
    if (!streq(probe_text(p, "verdict"), "ok"))
        return;
    find(f, said ? SURE_PROVEN - 0.05 : SURE_PROVEN + 0.02,
         "%s exists, but ProtectHome=%s hides it from the unit", path, protect);
    find_fact(f, "path", path);
    if (l)
        launch_evidence(f, l);
    find_call(f, e);
    find_setting(f, facts, "Service", "ProtectHome");
    find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is there", path);
    find_fix_dropin(f, "show the homes, read-only", "[Service]\nProtectHome=read-only\n");
    find_fix_dropin(f, "or only that path", "[Service]\nProtectHome=tmpfs\nBindPaths=%s\n", path);
    find_not(f, "ReadWritePaths= does not help while ProtectHome=%s", protect);
}

void judge_noexec_mount(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    /* Or what the program itself executes. */
    const struct trace_event *e = l ? NULL : judge_last_call(facts, "execve", EACCES);

    if (e && facts_failed_exit(facts_explained(facts)))
        path = e->path;
    json_t *p = path ? facts_probe(facts, "root-path", "x %s", path) : NULL;
    json_t *disk = path ? facts_probe(facts, "disk", "%s", path) : NULL;
    if (!p || !streq(probe_text(p, "verdict"), "noexec") || (l && l->error && l->error != EACCES))
        return;
    const char *mount = probe_text(disk, "mount");
    find(f, SURE_DECISIVE, "%s is on %s, which is mounted noexec", path, mount);
    find_fact(f, "mount", mount);
    if (l)
        exec_common(facts, f, l, path);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s (%s) has the mount option noexec", mount,
                  probe_text(disk, "type"));
    find_fix(f, "move the program to /opt or /usr/local");
    find_fix_command(f, "or mount it with exec", "mount -o remount,exec %s", mount);
    find_not(f, "chmod +x: the file has its x permission");
}

void judge_exec_user_denied(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    json_t *p = l ? facts_probe(facts, "path", "x %s", path) : NULL;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!p || (l->error && l->error != EACCES))
        return;
    bool search = streq(probe_text(p, "verdict"), "not-searchable");
    if (!search && !streq(probe_text(p, "verdict"), "no-permission"))
        return;
    /* No x bit for anybody is another cause. */
    if (!search &&
        !streq(probe_text(facts_probe(facts, "root-path", "x %s", path), "verdict"), "ok"))
        return;
    (void) unit_identity(facts, &id);
    const char *object = probe_text(p, "object");
    find(f, SURE_DECISIVE,
         search ? "the user %s cannot reach %s: it may not pass the folder %s"
                : "the user %s may not execute %s (%s)",
         strempty(id.user), path, object);
    find_fact(f, "user", id.user);
    find_fact(f, "object", object);
    exec_common(facts, f, l, path);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s", object, probe_text(p, "owner"),
                  probe_text(p, "group"), probe_text(p, "mode"));
    find_setting(f, facts, "Service", "User");
    find_fix(f, "move it to /opt or /usr/local");
    find_fix_command(f, "or open the way", search ? "chmod o+x %s" : "chmod o+rx %s", object);
    find_not(f, "running the service as root: the permission is what is wrong, not the user");
}

void judge_exec_not_executable(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);
    json_t *p = l ? facts_probe(facts, "root-path", "x %s", path) : NULL;
    const char *type = p ? probe_text(p, "type") : "";

    if (!p || (l->error && l->error != EACCES && l->error != EISDIR))
        return;
    const char *verdict = probe_text(p, "verdict");
    bool reached = streq(verdict, "ok") || streq(verdict, "no-permission");
    if (reached && !isempty(type) && !streq(type, "file")) {
        bool folder = streq(type, "folder");

        find(f, SURE_DECISIVE, "%s is %s, not a program", path,
             folder                  ? "a folder"
             : streq(type, "device") ? "a device"
             : streq(type, "socket") ? "a socket"
                                     : "no regular file");
        exec_common(facts, f, l, path);
        find_evidence(f, EVIDENCE_PROBE, "%s: type %s, mode %s", path, type, probe_text(p, "mode"));
        find_fix(f, "name a program%s%s in ExecStart=", folder ? " in " : "", folder ? path : "");
        return;
    }
    if (!streq(verdict, "no-permission"))
        return;
    find(f, SURE_DECISIVE, "%s has no x permission (mode %s)", path, probe_text(p, "mode"));
    exec_common(facts, f, l, path);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s", path, probe_text(p, "owner"),
                  probe_text(p, "group"), probe_text(p, "mode"));
    find_fix_command(f, "make it executable", "chmod 755 %s", path);
    find_fix(f, "for a script, naming its interpreter first in ExecStart= does as well");
}

void judge_exec_not_found(struct facts *facts, struct finding *f)
{
    const char *path;
    const struct facts_launch *l = failed_exec(facts, &path);

    if (!l || (l->error && l->error != ENOENT && l->error != ENOTDIR))
        return;
    json_t *p = facts_probe(facts, "root-path", "x %s", path);
    bool dangling = streq(probe_text(p, "verdict"), "dangling-link");
    if (path_is_absolute(path) && !dangling && !streq(probe_text(p, "verdict"), "missing") &&
        !isempty(probe_text(p, "verdict")))
        return;
    json_t *near = path_is_absolute(path) ? facts_probe(facts, "near-file", "%s", path)
                                          : facts_probe(facts, "command", "%s", path);
    const char *candidate = first_candidate(near), *object = probe_text(p, "object");

    find(f, SURE_DECISIVE,
         dangling
             ? "the program %s does not exist: a link on the way points at %s, which is not there"
         : candidate ? "the program %s does not exist; there is %s"
                     : "the program %s does not exist",
         path, dangling ? object : strempty(candidate));
    exec_common(facts, f, l, path);
    if (!isempty(object))
        find_evidence(f, EVIDENCE_PROBE, "%s: %s", object, probe_text(p, "verdict"));
    if (candidate)
        find_fact(f, "candidate", candidate);
    if (dangling)
        judge_dangling_link(facts, f, path, object);
    if (candidate)
        judge_other_program(facts, f, "correct the path", path, candidate);
    find_fix(f, "install the program, or correct the path in ExecStart=");
}
