/* Causes around the unit: its manager and session, how its output travels, labels, certificates and
 * the files that every system is expected to have. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"
#include "launch/exec_status.h"

static const struct facts_line *said_one_of(const struct facts *facts, const char *const *words,
                                            size_t n)
{
    const struct facts_line *l = NULL;

    for (size_t i = 0; !l && i < n; i++)
        l = facts_find_line(facts, facts_explained(facts), words[i]);
    return l;
}

/* ---- the manager
 * -------------------------------------------------------------------------------------- */

void judge_manager_absent(struct facts *facts, struct finding *f)
{
    json_t *m = facts_probe(facts, "manager", "%s",
                            facts->config && facts->config->user ? "user" : "system");

    if (!json_is_false(json_object_get(m, "running")) ||
        (facts->config && facts->config->user && !probe_true(m, "booted_without")))
        return;
    const char *first = probe_text(m, "pid1"), *policy = probe_text(m, "policy");
    find(f, SURE_LIKELY + 0.1, "no service manager runs here: process 1 is %s",
         *first ? first : "another program");
    find_fact(f, "pid1", first);
    find_evidence(f, EVIDENCE_PROBE, "process 1 is %s; there is no /run/systemd/system", first);
    if (probe_true(m, "chroot"))
        find_evidence(f, EVIDENCE_PROBE, "this is a chroot: systemctl does nothing in it");
    if (*policy)
        find_evidence(f, EVIDENCE_PROBE,
                      "/usr/sbin/policy-rc.d forbids packages to start services: %s", policy);
    if (*policy)
        find_fix_command(f, "let packages start services", "rm /usr/sbin/policy-rc.d");
    find_fix_command(f, "run the unit in the foreground", "reeve up %s", facts->unit);
    find_fix(f, "or make reeve init process 1 of the container");
}

void judge_user_bus_missing(struct facts *facts, struct finding *f)
{
    static const char *const words[] = { "XDG_RUNTIME_DIR", "No medium found",
                                         "DBUS_SESSION_BUS_ADDRESS", "Failed to connect to bus",
                                         "session bus" };
    const struct facts_line *l = said_one_of(facts, words, ELEMENTSOF(words));
    bool user = facts->config && facts->config->user;
    char *const *environment = facts->config && facts->config->type == UNIT_SERVICE
                                   ? facts->config->exec->environment
                                   : NULL;

    if (user) {
        json_t *m = facts_probe(facts, "manager", "user");

        if (!json_is_false(json_object_get(m, "running")) || probe_true(m, "booted_without"))
            return;
        const char *folder = probe_text(m, "runtime");
        find(f, SURE_PROVEN, "your own manager cannot be reached: %s",
             *folder ? "nothing answers in $XDG_RUNTIME_DIR" : "$XDG_RUNTIME_DIR is not set");
        find_fact(f, "variable", "XDG_RUNTIME_DIR");
        find_evidence(f, EVIDENCE_PROBE, "XDG_RUNTIME_DIR is %s; %s", *folder ? folder : "not set",
                      probe_true(m, "bus") ? "/run/user/UID is there"
                                           : "/run/user/UID is not there");
        find_fix_command(f, "set it", "export XDG_RUNTIME_DIR=/run/user/$(id -u)");
        find_fix(f,
                 "or log in properly (ssh, machinectl shell USER@): su and sudo make no session");
        find_fix_command(f, "and, to have it without a session", "loginctl enable-linger $USER");
        return;
    }
    if (!l || !facts_failed_exit(facts_explained(facts)) ||
        strv_env_get(environment, "XDG_RUNTIME_DIR") ||
        strv_env_get(environment, "DBUS_SESSION_BUS_ADDRESS"))
        return;
    find(f, SURE_PROVEN - 0.03,
         "it wants the bus of a user's session, which a unit of the system manager does not have");
    find_fact(f, "variable", "XDG_RUNTIME_DIR");
    find_line(f, l);
    find_evidence(f, EVIDENCE_UNIT, "%s sets no XDG_RUNTIME_DIR", facts->unit);
    find_setting(f, facts, "Service", "User");
    find_fix(f, "make it a unit of the user: ~/.config/systemd/user, and systemctl --user enable");
    find_fix_dropin(f, "or name the user's folder (and loginctl enable-linger that user)",
                    "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/UID\n");
}

void judge_linger_missing(struct facts *facts, struct finding *f)
{
    size_t at = 0;
    const struct facts_line *last = NULL;

    if (!facts->config || !facts->config->user ||
        !facts_property_is(facts, "ActiveState", "inactive") ||
        facts_failed_exit(facts_explained(facts)))
        return;
    for (const struct facts_line *l; (l = facts_next_line(facts, NULL, true, &at));)
        last = l;
    json_t *linger = facts_probe(facts, "linger", "own");
    if (!last || !strstr(strempty(last->text), "Stopped") ||
        !json_is_false(json_object_get(linger, "enabled")))
        return;
    find(f, SURE_LIKELY,
         "it ended with your session: without lingering your manager stops at the last logout");
    find_fact(f, "user", probe_text(linger, "user"));
    find_line(f, last);
    find_evidence(f, EVIDENCE_PROBE, "no /var/lib/systemd/linger/%s", probe_text(linger, "user"));
    find_fix_command(f, "let your manager run without a session", "loginctl enable-linger %s",
                     probe_text(linger, "user"));
    find_fix(f, "or make it a unit of the system, with User=%s", probe_text(linger, "user"));
}

void judge_user_late(struct facts *facts, struct finding *f)
{
    const struct facts_invocation *i = facts_explained(facts);
    const char *name = facts->config && facts->config->type == UNIT_SERVICE
                           ? facts->config->exec->user
                           : NULL;

    if (!i || i->launch.status != EXEC_STATUS_USER || isempty(name) ||
        facts->config->sandbox->dynamic_user ||
        facts_property_is(facts, "NeedDaemonReload", "yes") ||
        (i->launch.object && !streq(i->launch.object, name)))
        return;
    json_t *u = facts_probe(facts, "user", "%s", name);
    if (!probe_true(u, "exists"))
        return;
    bool files = streq(probe_text(u, "source"), "/etc/passwd");
    find(f, SURE_PROVEN, "the user %s exists now, but was not known when it started", name);
    find_fact(f, "user", name);
    find_evidence(f, EVIDENCE_LAUNCH, "step USER of %s failed (exit status 217)", name);
    find_evidence(f, EVIDENCE_PROBE, "%s is known now, from %s", name, probe_text(u, "source"));
    find_setting(f, facts, "Service", "User");
    if (files)
        find_fix_command(f, "start it again", "systemctl restart %s", facts->unit);
    find_fix_dropin(f, "start it when users can be looked up",
                    "[Unit]\nAfter=nss-user-lookup.target\nWants=nss-user-lookup.target\n");
    find_fix(f, "and order the service that provides them (sssd, nslcd, winbind) before "
                "nss-user-lookup.target");
}

/* ---- output
 * ------------------------------------------------------------------------------------------- */

void judge_log_lines_lost(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = NULL;

    for (size_t i = 0; i < facts->n_lines; i++)
        if (startswith(strempty(facts->lines[i].text), "Suppressed ") &&
            strstr(facts->lines[i].text, " messages from "))
            l = &facts->lines[i];
    if (!l)
        return;
    find(f, facts_failed_exit(facts_explained(facts)) ? SURE_POSSIBLE : SURE_PROVEN,
         "lines of it were dropped, since it wrote too many at once: %s", l->text);
    find_fact(f, "directive", "LogRateLimitBurst");
    find_line(f, l);
    find_setting(f, facts, "Service", "LogRateLimitBurst");
    find_setting(f, facts, "Service", "LogRateLimitIntervalSec");
    find_fix_dropin(f, "drop none", "[Service]\nLogRateLimitIntervalSec=0\n");
    find_fix(f, "or let it write less: a lower log level");
}

/* Whether the script prints on its way, before or in the loop that it stays in; its output then is
 * in its buffer, if none of it came. */
static bool prints_unflushed(const char *text)
{
    static const char *const writers[] = { "print(", "print ", "say ", "printf ", "puts " };
    static const char *const flushers[] = {
        "flush", "line_buffering", "write_through", "unbuffered", "$|", "sync = true"
    };
    bool in_loop = false;

    for (size_t i = 0; i < ELEMENTSOF(flushers); i++)
        if (strstr(text, flushers[i]))
            return false;
    auto_strv char **lines = strv_split(text, "\n");
    STRV_FOREACH (l, lines) {
        const char *s = *l + strspn(*l, " \t");

        for (size_t i = 0; i < ELEMENTSOF(writers) && !strcasestr(s, "stderr"); i++)
            if (startswith(s, writers[i]) && (s == *l || in_loop))
                return true;
        in_loop = startswith(*l, "while ") || startswith(*l, "loop ") || (in_loop && s != *l);
    }
    return false;
}

/* Languages whose standard output is in a buffer where no terminal is. */
static const struct buffered {
    const char *name, *interpreter, *dropin, *fix;
} buffered[] = {
    { "Python", "python", "[Service]\nEnvironment=PYTHONUNBUFFERED=1\n",
      "or python3 -u, or print(..., flush=True)" },
    { "Perl", "perl", NULL, "let the program write at once: $| = 1; at its beginning" },
    { "Ruby", "ruby", NULL, "let the program write at once: $stdout.sync = true at its beginning" },
};

/* The language of the script, by what runs it; NULL. */
static const struct buffered *language_of(const struct exec_command *c, const char *text)
{
    for (size_t i = 0; i < ELEMENTSOF(buffered); i++) {
        const char *in_text = startswith(text, "#!") ? strstr(text, buffered[i].interpreter) : NULL;

        if (strstr(c->path, buffered[i].interpreter) || (in_text && in_text < text + 64))
            return &buffered[i];
    }
    return NULL;
}

/* Whether its output goes elsewhere than to the journal. */
static bool is_set_output(const struct facts *facts)
{
    auto_free char *value = facts_setting(facts, "Service", "StandardOutput");

    return !isempty(value) && !streq(value, "journal") && !streq(value, "inherit");
}

void judge_output_buffered(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = judge_main_command(facts);
    const struct facts_invocation *i = facts->n_invocations > 0 ? &facts->invocations[0] : NULL;
    size_t at = 0;
    const char *script = NULL;
    const struct buffered *language = NULL;

    if (!c || !i || facts->recorded || !facts_property_is(facts, "ActiveState", "active") ||
        facts_property_number(facts, "MainPID", 0) == 0 || facts_next_line(facts, i, false, &at) ||
        strv_env_get(facts->config->exec->environment, "PYTHONUNBUFFERED") || is_set_output(facts))
        return;
    STRV_FOREACH (a, c->argv) {
        auto_free char *text = NULL;
        const char *path = a == c->argv ? c->path : *a;

        if (streq(*a, "-u"))
            return;
        if (!script && *path == '/' && file_read(path, 1 << 20, &text, NULL) >= 0 &&
            (language = language_of(c, text)) && prints_unflushed(text))
            script = path;
    }
    if (!script)
        return;
    find(f, SURE_LIKELY,
         "%s prints, but nothing of it has come: %s keeps output that goes to no terminal until "
         "some kilobytes are there",
         script, language->name);
    find_fact(f, "path", script);
    find_evidence(f, EVIDENCE_JOURNAL, "no line of it since it started");
    find_evidence(f, EVIDENCE_PROBE, "%s prints and never flushes", script);
    if (language->dropin)
        find_fix_dropin(f, "let it write at once", "%s", language->dropin);
    find_fix(f, "%s", language->fix);
}

/* What in the command takes the variables away that the manager has set, as text; NULL. */
static const char *clears_environment(const struct exec_command *c)
{
    static const char *const changing[] = { "sudo", "su", "runuser" };
    const char *program = path_basename(c->path);
    const char *first = c->argv[0] ? c->argv[1] : NULL;

    if (streq(program, "env") && first &&
        (streq(first, "-i") || streq(first, "-") || streq(first, "--ignore-environment")))
        return "env -i";
    for (size_t i = 0; i < ELEMENTSOF(changing); i++)
        if (streq(program, changing[i]))
            return changing[i];
    return NULL;
}

void judge_notify_socket_unset(struct facts *facts, struct finding *f)
{
    static const char *const words[] = { "NOTIFY_SOCKET", "notify systemd",         "sd_notify",
                                         "sd-notify",     "notify service manager", "SdNotify" };
    const struct facts_line *l = said_one_of(facts, words, ELEMENTSOF(words));
    const struct exec_command *c = judge_main_command(facts);
    auto_free char *access = facts_setting(facts, "Service", "NotifyAccess");

    const char *cleared = c ? clears_environment(c) : NULL;

    if (!c ||
        (!cleared && (facts->config->service->type >= SERVICE_TYPE_NOTIFY || !isempty(access))) ||
        !facts_failed_exit(facts_explained(facts)) ||
        facts_property_number(facts, "WatchdogUSec", 0) > 0)
        return;
    bool uses = judge_program_has(facts, "NOTIFY_SOCKET") || judge_program_has(facts, "sdnotify") ||
                judge_program_has(facts, "sd_notify");
    if (!l && !uses)
        return;
    find(f, judge_said_or_used(l, uses),
         cleared ? "it wants to notify the manager, but %s takes NOTIFY_SOCKET away"
                 : "it wants to notify the manager, but NOTIFY_SOCKET is set only for Type=notify",
         cleared);
    find_fact(f, "variable", "NOTIFY_SOCKET");
    find_line(f, l);
    find_setting(f, facts, "Service", "Type");
    if (uses)
        find_evidence(f, EVIDENCE_PROBE, "the program's text uses NOTIFY_SOCKET");
    find_setting(f, facts, "Service", cleared ? "ExecStart" : "NotifyAccess");
    if (cleared)
        find_fix(f, "start the program without %s, or hand NOTIFY_SOCKET on to it", cleared);
    else
        find_fix_dropin(f, "say that it notifies", "[Service]\nType=notify\n");
    find_fix(f, "or, in the program: that it is not set is no error");
}

/* ---- labels
 * ------------------------------------------------------------------------------------------- */

void judge_exec_selinux_denied(struct facts *facts, struct finding *f)
{
    static const char *const foreign[] = { "user_home_t", "data_home_t", "admin_home_t",
                                           "default_t",   "tmp_t",       "user_tmp_t",
                                           "var_t",       "etc_t",       "unlabeled_t",
                                           "home_root_t" };
    const struct facts_invocation *i = facts_explained(facts);
    const struct exec_command *c = judge_main_command(facts);
    const char *path = i && i->launch.object ? i->launch.object : c ? c->path : NULL;

    if (!i || i->launch.status != EXEC_STATUS_EXEC || i->launch.error != EACCES || !path ||
        !streq(probe_text(facts_probe(facts, "path", "x %s", path), "verdict"), "ok"))
        return;
    json_t *l = facts_probe(facts, "label", "%s", path);
    const char *label = probe_text(l, "label");
    bool wrong = false;
    for (size_t k = 0; k < ELEMENTSOF(foreign); k++)
        wrong = wrong || strstr(label, foreign[k]);
    if (!*label || !probe_true(l, "enforcing"))
        return;
    find(f, wrong ? SURE_PROVEN : SURE_LIKELY, "SELinux forbids to execute %s: its label is %s",
         path, label);
    find_fact(f, "path", path);
    find_fact(f, "label", label);
    find_evidence(f, EVIDENCE_LAUNCH, "step EXEC of %s failed: EACCES (exit status 203)", path);
    find_evidence(f, EVIDENCE_PROBE, "%s has the label %s, and SELinux is enforcing", path, label);
    find_evidence(f, EVIDENCE_PROBE, "its permissions and those of its folders are well");
    find_fix_command(f, "move it to where programs are, and label it",
                     "mv %s /usr/local/bin/ && restorecon -v /usr/local/bin/%s", path,
                     path_basename(path));
    find_fix_command(f, "or give it the label of a program",
                     "semanage fcontext -a -t bin_t %s && restorecon -v %s", path, path);
    find_not(f, "setenforce 0: it takes the protection from the whole machine");
}

/* ---- certificates
 * ------------------------------------------------------------------------------------- */

static bool may_be_certificate(const char *path)
{
    static const char *const ends[] = { ".pem", ".crt", ".cer", ".cert", ".chain", ".bundle" };

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        if (endswith(path, ends[i]))
            return true;
    return false;
}

/* The files that the program was seen to read, that its command line names, or its words. */
static char **certificates(const struct facts *facts)
{
    const struct exec_command *c = judge_main_command(facts);
    char **all = new0(char *, 2);
    size_t at = 0;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];

        if (!e->error && e->path && startswith(e->call, "open") && may_be_certificate(e->path))
            (void) strv_add(&all, e->path);
    }
    STRV_FOREACH (a, c ? c->argv : NULL) {
        const char *p = strchr(*a, '/');

        if (p && may_be_certificate(p))
            (void) strv_add(&all, p);
    }
    for (const struct facts_line *l;
         (l = facts_next_line(facts, facts_explained(facts), false, &at));)
        for (const char *p = strempty(l->text); (p = strchr(p, '/')); p++) {
            size_t n = strcspn(p, " \t\"'`,;:()[]<>");
            auto_free char *path = strndup(p, n);

            if (path && n > 4 && may_be_certificate(path))
                (void) strv_add(&all, path);
            p += n > 0 ? n - 1 : 0;
        }
    return all;
}

void judge_tls_invalid(struct facts *facts, struct finding *f)
{
    auto_strv char **paths = certificates(facts);

    if (!facts_failed_exit(facts_explained(facts)))
        return;
    STRV_FOREACH (path, paths) {
        json_t *t = facts_probe(facts, "certificate", "%s", *path);
        const char *problem = probe_text(t, "problem");

        if (!*problem)
            continue;
        find(f, SURE_PROVEN, "the certificate %s %s", *path, problem);
        find_fact(f, "path", *path);
        find_fact(f, "problem", problem);
        find_evidence(f, EVIDENCE_PROBE, "%s: %s, valid from %s to %s", *path,
                      probe_text(t, "subject"), probe_text(t, "from"), probe_text(t, "to"));
        if (!isempty(probe_text(t, "key")))
            find_evidence(f, EVIDENCE_PROBE, "the key beside it is %s", probe_text(t, "key"));
        judge_last_words(facts, f, 2);
        find_fix(f,
                 strstr(problem, "key") ? "put the key that belongs to %s beside it"
                                        : "renew the certificate %s",
                 *path);
        find_fix_command(f, "look at it", "openssl x509 -in %s -noout -subject -dates", *path);
        return;
    }
}

/* ---- base files
 * --------------------------------------------------------------------------------------- */

void judge_base_files_missing(struct facts *facts, struct finding *f)
{
    static const struct {
        const char *path, *words, *package;
    } all[] = {
        { "/etc/ssl/certs/ca-certificates.crt", "unknown authority", "ca-certificates" },
        { "/etc/ssl/certs/ca-certificates.crt", "unable to get local issuer", "ca-certificates" },
        { "/etc/ssl/certs/ca-certificates.crt", "CERTIFICATE_VERIFY_FAILED", "ca-certificates" },
        { "/etc/ssl/certs/ca-certificates.crt", "certificate", "ca-certificates" },
        { "/usr/share/zoneinfo", "time zone", "tzdata" },
        { "/usr/share/zoneinfo", "timezone", "tzdata" },
        { "/usr/share/zoneinfo", "zoneinfo", "tzdata" },
        { "/etc/passwd", "unknown userid", "base-passwd" },
        { "/etc/passwd", "getpwuid", "base-passwd" },
        { "/etc/nsswitch.conf", "resolve", "libc-bin" },
        { "/etc/protocols", "protocol", "netbase" },
        { "/etc/services", "service", "netbase" },
        { "/etc/mime.types", "mime", "media-types" },
    };
    auto_free char *root = facts_setting(facts, "Service", "RootDirectory");

    if (!facts_failed_exit(facts_explained(facts)))
        return;
    for (size_t i = 0; i < ELEMENTSOF(all); i++) {
        auto_free char *path = isempty(root) ? strdup(all[i].path)
                                             : path_join(root, all[i].path, NULL);
        const struct trace_event *e = NULL;

        for (size_t k = 0; k < facts->n_trace; k++)
            if (facts->trace[k].error == ENOENT && facts->trace[k].path &&
                path_startswith(facts->trace[k].path, all[i].path))
                e = &facts->trace[k];
        const struct facts_line *l = facts_find_line(facts, facts_explained(facts), all[i].words);
        if (!path || (!l && !(e && judge_gave_up_after(facts, e))) ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", path), "verdict"), "missing"))
            continue;
        find(f, l && e ? SURE_PROVEN : SURE_LIKELY,
             "%s does not exist: this root lacks what programs expect of every system", path);
        find_fact(f, "path", path);
        find_fact(f, "package", all[i].package);
        find_call(f, e);
        find_line(f, l);
        find_evidence(f, EVIDENCE_PROBE, "%s: missing", path);
        find_fix_command(f, "install it", "apt-get install %s", all[i].package);
        if (!isempty(root))
            find_fix_dropin(f, "or show the machine's own in the unit's root",
                            "[Service]\nBindReadOnlyPaths=%s\n", all[i].path);
        return;
    }
}
