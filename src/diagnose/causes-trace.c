/* Causes that a failed system call shows. Each judge looks for its call among the traced ones, then
 * asks the live machine whether it is so. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/identity.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

/* The last call that failed so: what a program gave up over stands at the end. */
static const struct trace_event *last_call(const struct facts *facts, const char *call, int error)
{
    const struct trace_event *found = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];

        if (e->error == error && (!call || streq(e->call, call)) && trace_event_is_telling(e))
            found = e;
    }
    return found;
}

static bool is_set(const struct facts *facts, const char *directive)
{
    auto_free char *value = facts_setting(facts, "Service", directive);

    return value && *value;
}

static const char *first(json_t *answer)
{
    return strempty(json_string_value(json_array_get(json_object_get(answer, "candidates"), 0)));
}

/* ---- ports
 * -------------------------------------------------------------------------------------------- */

static void explain_holder(struct facts *facts, struct finding *f, const char *protocol,
                           const char *address)
{
    json_t *p = facts_probe(facts, "port", "%s %s", protocol, address);
    const char *unit = probe_text(p, "unit"), *comm = probe_text(p, "comm");
    long long pid = probe_number(p, "pid");

    if (!probe_true(p, "held")) {
        find(f, SURE_LIKELY, "%s %s was already in use; it is free now", protocol, address);
        find_evidence(f, EVIDENCE_PROBE, "%s is free now", address);
        find_fix_command(f, "start it again", "systemctl restart %s", facts->unit);
        return;
    }
    find(f, SURE_DECISIVE, "%s %s is already in use by %s (pid %lld%s%s)", protocol, address,
         *comm ? comm : "another process", pid, *unit ? ", " : "", unit);
    find_fact(f, "protocol", protocol);
    find_fact(f, "address", address);
    if (pid)
        find_fact_number(f, "holder_pid", pid);
    if (*comm)
        find_fact(f, "holder", comm);
    if (*unit)
        find_fact(f, "holder_unit", unit);
    find_evidence(f, EVIDENCE_PROBE, "%s is held by pid %lld (%s%s%s) now",
                  probe_text(p, "address"), pid, comm, *unit ? ", " : "", unit);
    if (streq(unit, facts->unit)) {
        find_fix_command(f, "end what is left of this unit", "systemctl kill --signal=KILL %s",
                         facts->unit);
    } else if (*unit) {
        find_fix_command(f, "stop the holder", "systemctl stop %s", unit);
    } else if (pid) {
        find_fix_command(f, "end the holder", "kill %lld", pid);
    }
    find_fix(f, "or let one of the two listen elsewhere: another port");
    find_not(f, "ExecStartPre=fuser -k kills the holder, which its own manager starts again");
}

static const struct trace_event *bind_failure(const struct facts *facts, int error)
{
    const struct trace_event *e = last_call(facts, "bind", error);

    return e ? e : last_call(facts, "listen", error);
}

void judge_port_in_use(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = bind_failure(facts, EADDRINUSE);

    if (e && e->port) {
        auto_free char *address = strdup(strempty(e->address));

        explain_holder(facts, f, e->udp ? "udp" : "tcp", address);
        find_call(f, e);
        find_fact_number(f, "port", e->port);
        find_prevent(f, "ExecStartPre=reeve preflight --port=%u", e->port);
        return;
    }
    if (e && e->family == AF_UNIX) {
        find(f, SURE_PROVEN, "the socket %s is already there", strempty(e->address));
        find_call(f, e);
        find_fix_command(f, "remove the stale socket", "rm %s", strempty(e->address));
        return;
    }
    judge_port_in_words(facts, f);
    if (f->confidence > 0)
        explain_holder(facts, f, "tcp", json_string_value(json_object_get(f->facts, "address")));
}

void judge_port_privileged(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = bind_failure(facts, EACCES);
    const char *start = probe_text(
        facts_probe(facts, "sysctl", "net.ipv4.ip_unprivileged_port_start"), "value");
    unsigned limit = *start ? (unsigned) atoi(start) : 1024;
    unsigned port = e ? e->port : 0;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!port && !facts->traced)
        port = judge_port_of_command(facts);
    (void) unit_identity(facts, &id);
    bool capable = id.who.capabilities & UINT64_C(1) << 10;
    if (!port || port >= limit || capable || (!e && !facts_failed_exit(facts_explained(facts))))
        return;
    find(f, e ? SURE_DECISIVE : SURE_LIKELY,
         "the user %s may not listen on port %u: it is below %u and %s lacks CAP_NET_BIND_SERVICE",
         strempty(id.user), port, limit, strempty(id.user));
    find_fact_number(f, "port", port);
    find_fact(f, "user", id.user);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "net.ipv4.ip_unprivileged_port_start is %u", limit);
    find_setting(f, facts, "Service", "User");
    find_fix_dropin(
        f, "give it the one capability", "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n%s",
        is_set(facts, "CapabilityBoundingSet") ? "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
                                               : "");
    find_fix_command(f, "or let everybody use such ports",
                     "sysctl net.ipv4.ip_unprivileged_port_start=%u", port);
    find_not(f, "CapabilityBoundingSet= alone: it only limits, it gives nothing");
    find_prevent(f, "ExecStartPre=reeve preflight --port=%u", port);
}

void judge_network_not_online(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = bind_failure(facts, EADDRNOTAVAIL);

    if (!e)
        e = last_call(facts, "connect", ENETUNREACH);
    /* It is there by now, but the program says that it was not. */
    for (size_t i = 0; !e && i < facts->n_trace; i++)
        if (!facts->trace[i].error && streq(facts->trace[i].call, "bind") && facts->trace[i].port &&
            (judge_said(facts, "Cannot assign requested address") ||
             judge_said(facts, "EADDRNOTAVAIL")))
            e = &facts->trace[i];
    if (!e || !e->address)
        return;
    bool waits = facts->config &&
                 strv_contains(facts->config->unit->after, "network-online.target");
    find(f, SURE_PROVEN,
         e->error != ENETUNREACH ? "the address %s was not one of this machine's when it started"
                                 : "the network was not there when it wanted to reach %s",
         e->address);
    find_fact(f, "address", e->address);
    find_call(f, e);
    if (!waits)
        find_evidence(f, EVIDENCE_UNIT, "nothing orders it after network-online.target");
    find_fix_dropin(f, "start it when the network is up",
                    "[Unit]\nWants=network-online.target\nAfter=network-online.target\n");
    find_fix(f,
             "and let a wait-online service be enabled; or Restart=on-failure with RestartSec=5");
    find_not(f, "After=network.target: it does not wait for addresses");
}

/* It works now: what it connects to, and was not up when this unit failed, is another unit's. */
static void judge_was_not_ready(struct facts *facts, struct finding *f)
{
    for (size_t k = 0; facts->works_now && k < facts->n_trace; k++) {
        const struct trace_event *e = &facts->trace[k];
        json_t *p = !e->error && streq(e->call, "connect") && e->port
                        ? facts_probe(facts, "port", "tcp %s", e->address)
                        : NULL;
        const char *unit = p ? probe_text(p, "unit") : "";

        if (!*unit || streq(unit, facts->unit))
            continue;
        find(f, SURE_PROVEN - 0.02,
             "%s, where %s listens now, did not answer yet when it started: it works now",
             e->address, unit);
        find_fact(f, "address", e->address);
        find_fact(f, "unit", unit);
        find_call(f, e);
        find_evidence(f, EVIDENCE_PROBE, "%s is held by %s now", e->address, unit);
        find_fix(f,
                 "let %s say when it is ready: Type=notify, or an ExecStartPost= that waits for "
                 "its port",
                 unit);
        find_fix_dropin(
            f, "or wait for it",
            "[Service]\nExecStartPre=/usr/local/bin/reeve preflight --wait=30s --tcp=%s\n",
            e->address);
        find_fix_dropin(f, "or try again later", "[Service]\nRestart=on-failure\nRestartSec=5\n");
        find_prevent(f, "ExecStartPre=reeve preflight --wait=30s --tcp=%s", e->address);
        return;
    }
}

/* A connection of a program that waits for none: it was in progress, and nothing listens there. */
static const struct trace_event *hopeless_connection(struct facts *facts)
{
    for (size_t i = facts->n_trace; i > 0; i--) {
        const struct trace_event *e = &facts->trace[i - 1];

        if (e->error == EINPROGRESS && e->port && !e->udp && e->address &&
            (startswith(e->address, "127.") || startswith(e->address, "[::1]") ||
             startswith(e->address, "0.0.0.0")) &&
            json_is_false(
                json_object_get(facts_probe(facts, "port", "tcp %s", e->address), "held")))
            return e;
    }
    return NULL;
}

/* What every program asks on its way, and goes on without. */
static bool is_optional_peer(const char *address)
{
    static const char *const peers[] = { "nscd",  "/dev/log", "systemd/", "dbus/system_bus",
                                         "avahi", "sssd",     "varlink" };

    for (size_t i = 0; i < ELEMENTSOF(peers); i++)
        if (strstr(address, peers[i]))
            return true;
    return false;
}

static const struct trace_event *refused_connection(struct facts *facts)
{
    static const int errors[] = { ECONNREFUSED, ENOENT };
    const struct trace_event *found = NULL;

    for (size_t k = 0; !found && k < ELEMENTSOF(errors); k++)
        for (size_t i = 0; i < facts->n_trace; i++) {
            const struct trace_event *e = &facts->trace[i];

            if (streq(e->call, "connect") && e->error == errors[k] && e->address &&
                !is_optional_peer(e->address))
                found = e;
        }
    return found ? found : hopeless_connection(facts);
}

/* Where a unix socket should be and is not, the units that have its folder or name. */
static char *owner_of_socket(struct facts *facts, const char *path)
{
    auto_free char *folder = strndup(path, (size_t) (path_basename(path) - path));
    const char *name = folder && strlen(folder) > 5 ? path_basename(path_simplify(folder)) : "";
    static const char *const suffixes[] = { ".service", ".socket" };

    for (size_t i = 0; *name && i < ELEMENTSOF(suffixes); i++) {
        auto_free char *unit = format("%s%s", name, suffixes[i]);

        if (unit && !streq(unit, facts->unit) &&
            streq(probe_text(facts_probe(facts, "unit", "%s", unit), "LoadState"), "loaded"))
            return take_ptr(unit);
    }
    return NULL;
}

void judge_dependency_not_ready(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = refused_connection(facts);

    if (!e)
        judge_was_not_ready(facts, f);
    if (!e)
        return;
    json_t *p = e->port ? facts_probe(facts, "port", "tcp %s", e->address) : NULL;
    const char *unit = p ? probe_text(p, "unit") : "";
    auto_free char *owner = e->port ? NULL : owner_of_socket(facts, e->address);
    if (owner)
        unit = owner;
    find(f, SURE_PROVEN - 0.02,
         p && probe_true(p, "held") ? "%s did not accept connections yet; %s listens there now"
                                    : "nothing listens on %s",
         e->address,
         *unit ? unit
         : p   ? probe_text(p, "comm")
               : "");
    find_fact(f, "address", e->address);
    if (*unit)
        find_fact(f, "unit", unit);
    if (e->error == EINPROGRESS)
        find_evidence(f, EVIDENCE_TRACE, "%s: in progress, to a port that refuses", e->text);
    else
        find_call(f, e);
    if (p)
        find_evidence(f, EVIDENCE_PROBE,
                      probe_true(p, "held") ? "%s is held by %s now" : "nobody holds %s",
                      e->address, *unit ? unit : probe_text(p, "comm"));
    if (owner)
        find_evidence(f, EVIDENCE_MANAGER, "%s: ActiveState=%s", owner,
                      probe_text(facts_probe(facts, "unit", "%s", owner), "ActiveState"));
    if (*unit)
        find_fix_dropin(
            f,
            "start after it, and let it say when it is ready (Type=notify there, or reeve guard)",
            "[Unit]\nWants=%s\nAfter=%s\n", unit, unit);
    find_fix_dropin(f, "or wait for it",
                    "[Service]\nExecStartPre=/usr/local/bin/reeve preflight --wait=30s --%s=%s\n",
                    e->port ? "tcp" : "unix", e->address);
    find_fix_dropin(f, "or try again later", "[Service]\nRestart=on-failure\nRestartSec=5\n");
    find_prevent(f, "ExecStartPre=reeve preflight --wait=30s --%s=%s", e->port ? "tcp" : "unix",
                 e->address);
}

/* ---- files
 * -------------------------------------------------------------------------------------------- */

static bool is_secret(const char *path)
{
    static const char *const words[] = { ".key",  ".pem",        "privkey",  "/private/",  "secret",
                                         "token", "letsencrypt", "password", "credential", ".crt" };

    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strstr(path, words[i]))
            return true;
    return false;
}

/* The denied call that weighs most: the last one on a path. */
static const struct trace_event *denied_path(const struct facts *facts)
{
    const struct trace_event *found = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->family == AF_UNIX ? e->address : NULL;

        if ((e->error != EACCES && e->error != EPERM) || !path || streq(e->call, "execve") ||
            startswith(path, "/proc") || startswith(path, "/sys"))
            continue;
        found = e;
    }
    return found;
}

static bool writes(const struct trace_event *e)
{
    return (e->flags & O_ACCMODE) != O_RDONLY || (e->flags & O_CREAT) ||
           !startswith(e->call, "open");
}

/* What the unit's user lacks there, and on what. */
static json_t *judge_access(struct facts *facts, const struct trace_event *e, const char *path)
{
    bool open = startswith(e->call, "open");
    const char *want = !open                                ? "w"
                       : (e->flags & O_ACCMODE) == O_RDWR   ? "rw"
                       : (e->flags & O_ACCMODE) == O_WRONLY ? "w"
                                                            : "r";
    json_t *p = facts_probe(facts, "path", "%s %s", want, path);

    /* What is to be made needs its folder. */
    if (streq(probe_text(p, "verdict"), "missing")) {
        auto_free char *folder = strndup(path, (size_t) (path_basename(path) - path));

        if (folder && *folder)
            p = facts_probe(facts, "path", "wx %s", folder);
    }
    return p;
}

static void directories_fix(struct finding *f, const char *object)
{
    static const struct {
        const char *prefix, *directive;
    } kinds[] = { { "/var/lib/", "StateDirectory" },
                  { "/var/log/", "LogsDirectory" },
                  { "/var/cache/", "CacheDirectory" },
                  { "/run/", "RuntimeDirectory" } };

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        const char *rest = startswith(object, kinds[i].prefix);

        if (rest && *rest)
            find_fix_dropin(f, "let the manager make and own the folder", "[Service]\n%s=%.*s\n",
                            kinds[i].directive, (int) strcspn(rest, "/"), rest);
    }
}

/* Whether the invocations of the series ended in different ways: then the rerun tells of the last
 * one, and not of the first. */
static bool series_changed(const struct facts *facts)
{
    const struct facts_exit *first = facts_failed_exit(facts_explained(facts));
    const struct facts_exit *last = facts->n_invocations > 0
                                        ? facts_failed_exit(&facts->invocations[0])
                                        : NULL;

    return first && last && (first->status != last->status || first->code != last->code);
}

/* Without a call that was seen to fail: the files that the script names are looked at in its user's
 * place. */
static void judge_named_files(struct facts *facts, struct finding *f)
{
    static const char *const folders[] = { "/var/lib/", "/var/log/", "/var/cache/", "/srv/",
                                           "/opt/",     "/etc/",     "/var/spool/" };
    const struct exec_command *c = facts->config->service->exec_start;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!facts_failed_exit(facts_explained(facts)) || isempty(facts->config->exec->user) ||
        facts->recorded || (facts->traced && !series_changed(facts)))
        return;
    STRV_FOREACH (a, c ? c->argv : NULL) {
        const char *script = a == c->argv ? c->path : *a;
        auto_free char *text = NULL;

        if (*script != '/' || file_read(script, 1 << 20, &text, NULL) < 0 || text[0] == 0x7f)
            continue;
        for (const char *p = text; (p = strchr(p, '/')); p++) {
            size_t n = strcspn(p, " \t\r\n\"'`,;:()[]<>$*?{}|&");
            auto_free char *path = strndup(p, n);
            bool ours = false;

            for (size_t i = 0; path && i < ELEMENTSOF(folders); i++)
                ours = ours || startswith(path, folders[i]);
            json_t *r = ours ? facts_probe(facts, "path", "r %s", path) : NULL;
            if (r && (streq(probe_text(r, "verdict"), "no-permission") ||
                      streq(probe_text(r, "verdict"), "not-searchable"))) {
                (void) unit_identity(facts, &id);
                find(f, SURE_LIKELY + 0.1,
                     "the user %s may not use %s: it belongs to %s:%s, mode %s", strempty(id.user),
                     path, probe_text(r, "owner"), probe_text(r, "group"), probe_text(r, "mode"));
                find_fact(f, "path", path);
                find_fact(f, "user", id.user);
                find_evidence(f, EVIDENCE_PROBE, "%s, which %s names, is %s:%s mode %s",
                              probe_text(r, "object"), script, probe_text(r, "owner"),
                              probe_text(r, "group"), probe_text(r, "mode"));
                if (series_changed(facts))
                    find_evidence(f, EVIDENCE_EXIT,
                                  "the first run ended otherwise than the last: that one only met "
                                  "what the first left behind");
                find_setting(f, facts, "Service", "User");
                find_fix_command(f, "give it to the user", "chown %s: %s", strempty(id.user), path);
                directories_fix(f, path);
                return;
            }
            p += n > 0 ? n - 1 : 0;
        }
    }
}

void judge_state_permission(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = denied_path(facts);
    const char *path = e ? e->path ? e->path : e->address : NULL;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!e && facts->config) {
        judge_named_files(facts, f);
        return;
    }
    if (!e || startswith(path, "/dev/") || streq(e->call, "connect"))
        return;
    if (!writes(e) && is_secret(path))
        return;
    json_t *p = judge_access(facts, e, path);
    const char *verdict = probe_text(p, "verdict"), *object = probe_text(p, "object");
    if (streq(verdict, "ok"))
        return;
    (void) unit_identity(facts, &id);
    find(f,
         streq(verdict, "no-permission") || streq(verdict, "not-searchable") ? SURE_PROVEN
                                                                             : SURE_LIKELY,
         "the user %s may not use %s: it belongs to %s:%s, mode %s", strempty(id.user),
         *object ? object : path, probe_text(p, "owner"), probe_text(p, "group"),
         probe_text(p, "mode"));
    find_fact(f, "path", path);
    find_fact(f, "object", object);
    find_fact(f, "user", id.user);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s: %s lacks %s", object,
                  probe_text(p, "owner"), probe_text(p, "group"), probe_text(p, "mode"),
                  strempty(id.user), probe_text(p, "missing"));
    find_setting(f, facts, "Service", "User");
    find_fix_command(f, "give it to the user", "chown %s: %s", strempty(id.user),
                     *object ? object : path);
    directories_fix(f, *object ? object : path);
    find_prevent(f, "ExecStartPre=reeve preflight --file=%s:rw", path);
}

void judge_secret_unreadable(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = denied_path(facts);
    const char *path = e ? e->path : NULL;
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!path || writes(e) || !is_secret(path))
        return;
    json_t *p = facts_probe(facts, "path", "r %s", path);
    if (streq(probe_text(p, "verdict"), "ok"))
        return;
    (void) unit_identity(facts, &id);
    find(f, SURE_PROVEN, "the user %s may not read %s (%s:%s mode %s)", strempty(id.user), path,
         probe_text(p, "owner"), probe_text(p, "group"), probe_text(p, "mode"));
    find_fact(f, "path", path);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s", probe_text(p, "object"),
                  probe_text(p, "owner"), probe_text(p, "group"), probe_text(p, "mode"));
    find_fix_dropin(f, "hand it over as a credential (below $CREDENTIALS_DIRECTORY)",
                    "[Service]\nLoadCredential=%s:%s\n", path_basename(path), path);
    find_fix_command(f, "or let the group read it", "chgrp %s %s && chmod g+r %s",
                     strempty(id.user), path, path);
    find_not(f, "making a secret readable for all");
}

void judge_group_not_member(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = last_call(facts, "connect", EACCES);
    _cleanup_(unit_identity_done) struct unit_identity id = {};

    if (!e)
        e = denied_path(facts);
    const char *path = !e ? NULL : e->family == AF_UNIX && e->address ? e->address : e->path;
    if (!path)
        return;
    json_t *p = facts_probe(facts, "path", streq(e->call, "connect") ? "w %s" : "rw %s", path);
    const char *type = probe_text(p, "type"), *mode = probe_text(p, "mode"),
               *group = probe_text(p, "group");
    if (!streq(probe_text(p, "verdict"), "no-permission") ||
        (!streq(type, "socket") && !streq(type, "device")) || strlen(mode) != 4 || mode[2] < '6' ||
        streq(group, "root"))
        return;
    (void) unit_identity(facts, &id);
    find(f, SURE_PROVEN + 0.01, "%s is for the group %s, which the user %s is not in", path, group,
         strempty(id.user));
    find_fact(f, "path", path);
    find_fact(f, "group", group);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s:%s mode %s", path, probe_text(p, "owner"), group,
                  mode);
    find_fix_dropin(f, "let the unit have the group", "[Service]\nSupplementaryGroups=%s\n", group);
    find_fix_command(f, "or make the user a member, then restart", "usermod -a -G %s %s", group,
                     strempty(id.user));
}

/* The setting that makes the path read-only. */
static const char *protecting_setting(const struct facts *facts, const char *path)
{
    static const struct {
        const char *prefix, *directive;
    } kinds[] = { { "/sys/fs/cgroup", "ProtectControlGroups" },
                  { "/proc", "ProtectKernelTunables" },
                  { "/sys", "ProtectKernelTunables" },
                  { "/home", "ProtectHome" },
                  { "/root", "ProtectHome" },
                  { "/run/user", "ProtectHome" },
                  { "/", "ReadOnlyPaths" },
                  { "/", "ProtectSystem" },
                  { "/", "DynamicUser" } };

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
        if (path_startswith(path, kinds[i].prefix) && is_set(facts, kinds[i].directive))
            return kinds[i].directive;
    return NULL;
}

void judge_fs_readonly_protect(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = last_call(facts, NULL, EROFS);
    const char *directive = e && e->path ? protecting_setting(facts, e->path) : NULL;

    if (!directive)
        return;
    auto_free char *folder = strndup(e->path, (size_t) (path_basename(e->path) - e->path));
    if (folder && strlen(folder) > 1)
        folder[strlen(folder) - 1] = 0;
    json_t *disk = facts_probe(facts, "disk", "%s", e->path);
    if (probe_true(disk, "read_only"))
        return;
    find(f, SURE_PROVEN, "%s is read-only for the unit, though not on the machine: %s= makes it so",
         e->path, directive);
    find_fact(f, "path", e->path);
    find_fact(f, "directive", directive);
    find_call(f, e);
    find_setting(f, facts, "Service", directive);
    find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is writable (%s)",
                  probe_text(disk, "mount"), probe_text(disk, "type"));
    directories_fix(f, e->path);
    if (startswith(directive, "ProtectKernel") || startswith(directive, "ProtectControl"))
        find_fix_dropin(f, "let it change the kernel's settings", "[Service]\n%s=no\n", directive);
    else
        find_fix_dropin(f, "let it write there", "[Service]\nReadWritePaths=%s\n",
                        strempty(folder));
    find_not(f, "chmod and chown: permissions are not what forbids it");
}

void judge_disk_full(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = last_call(facts, NULL, ENOSPC);

    if (!e)
        e = last_call(facts, NULL, EDQUOT);
    if (e && startswith(e->call, "inotify"))
        return;
    auto_free char *said = e ? NULL : judge_path_after(facts, "No space left on device");
    const char *path = e ? e->path : said;
    /* write() is not watched, but what it writes to is known. */
    for (size_t i = 0; !path && i < facts->n_trace; i++) {
        const struct trace_event *t = &facts->trace[i];
        json_t *d = !t->error && t->path && (t->flags & O_ACCMODE) != O_RDONLY
                        ? facts_probe(facts, "disk", "%s", t->path)
                        : NULL;

        if (d && probe_number(d, "total_bytes") > 0 &&
            (probe_number(d, "free_bytes") < 65536 ||
             probe_number(d, "free_bytes") * 100 < probe_number(d, "total_bytes"))) {
            e = t;
            path = t->path;
        }
    }
    if (!path || *path != '/')
        return;
    json_t *disk = facts_probe(facts, "disk", "%s", path);
    bool inodes = probe_number(disk, "total_inodes") > 0 && probe_number(disk, "free_inodes") == 0;
    long long mib = probe_number(disk, "free_bytes") >> 20;
    if (!inodes && !e && mib > 16)
        return;
    find(f, SURE_PROVEN,
         inodes ? "the file system %s has no inodes left (%s): no file can be made there"
                : "the file system %s is full (%s)",
         probe_text(disk, "mount"), path);
    find_fact(f, "path", path);
    find_fact(f, "mount", probe_text(disk, "mount"));
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s (%s): %lld MiB free, %lld of %lld inodes free",
                  probe_text(disk, "mount"), probe_text(disk, "type"), mib,
                  probe_number(disk, "free_inodes"), probe_number(disk, "total_inodes"));
    find_fix(f, inodes ? "delete files there, or make a file system with more inodes"
                       : "free space there, or make it larger");
    find_prevent(f, "ExecStartPre=reeve preflight --disk=%s:100M", probe_text(disk, "mount"));
}

void judge_run_dir_missing(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->family == AF_UNIX ? e->address : NULL;
        const char *rest = path ? startswith(path, "/run/") : NULL;

        if (!rest && path)
            rest = startswith(path, "/var/run/");
        if (e->error != ENOENT || !rest || !strchr(rest, '/') || startswith(rest, "nscd/") ||
            startswith(rest, "systemd/") || streq(e->call, "connect") ||
            (startswith(e->call, "open") && !(e->flags & O_CREAT)) || strstr(e->call, "stat") ||
            strstr(e->call, "unlink") || strstr(e->call, "access") || strstr(e->call, "readlink"))
            continue;
        auto_free char *folder = strndup(path, (size_t) (rest - path) + strcspn(rest, "/"));
        if (!folder ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", folder), "verdict"),
                   "missing"))
            continue;
        find(f, SURE_PROVEN, "the folder %s does not exist: /run is empty after every boot",
             folder);
        find_fact(f, "path", folder);
        find_call(f, e);
        find_evidence(f, EVIDENCE_PROBE, "%s does not exist", folder);
        find_fix_dropin(f, "let the manager make it at every start",
                        "[Service]\nRuntimeDirectory=%.*s\n", (int) strcspn(rest, "/"), rest);
        find_fix(f, "or a line for tmpfiles.d: d %s 0755 USER GROUP", folder);
        find_not(f, "mkdir by hand: it is gone after the next boot");
        return;
    }
}

static bool is_config_name(const char *path)
{
    static const char *const ends[] = { ".conf",   ".cfg", ".json",   ".yaml", ".yml",
                                        ".toml",   ".ini", ".xml",    ".env",  ".properties",
                                        ".config", ".db",  ".sqlite", ".pem",  ".html" };

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        if (endswith(path, ends[i]))
            return true;
    return false;
}

/* A file the program looked for by a path relative to its current folder, which is /. */
void judge_cwd_is_root(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    if (!c || is_set(facts, "WorkingDirectory"))
        return;
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *quote = e->text ? strchr(e->text, '"') : NULL;

        if (e->error != ENOENT || !e->path || !quote || quote[1] == '/' || !*e->path)
            continue;
        auto_free char *relative = strndup(quote + 1, strcspn(quote + 1, "\""));
        /* Beside the program, or beside the script that an interpreter runs. */
        for (size_t k = 0;
             relative && *relative && (k == 0 || (c->argv && k < strv_length(c->argv))); k++) {
            const char *program = k == 0 ? c->path : c->argv[k];
            auto_free char *folder = *program == '/'
                                         ? strndup(program,
                                                   (size_t) (path_basename(program) - program))
                                         : NULL;

            for (unsigned up = 0; folder && up < 2; up++) {
                auto_free char *path = path_join(folder, relative, NULL);

                if (path &&
                    streq(probe_text(facts_probe(facts, "root-path", "- %s", path), "verdict"),
                          "ok")) {
                    size_t n = strlen(folder);

                    if (n > 1 && folder[n - 1] == '/')
                        folder[n - 1] = 0;
                    find(f, SURE_PROVEN,
                         "it looks for %s in its working directory, which is /; the file is %s",
                         relative, path);
                    find_fact(f, "path", relative);
                    find_fact(f, "found", path);
                    find_call(f, e);
                    find_evidence(f, EVIDENCE_PROBE, "%s exists", path);
                    find_evidence(f, EVIDENCE_UNIT, "WorkingDirectory= is not set: units run in /");
                    find_fix_dropin(f, "start it where its files are",
                                    "[Service]\nWorkingDirectory=%s\n", folder);
                    return;
                }
                size_t n = strlen(folder);
                while (n > 1 && folder[n - 1] == '/')
                    folder[--n] = 0;
                char *slash = strrchr(folder, '/');
                if (!slash || slash == folder)
                    break;
                slash[1] = 0;
            }
        }
    }
}

/* What runtimes look for beside themselves on every start. */
static bool is_runtime_search(const char *path)
{
    static const char *const ends[] = { "pyvenv.cfg",     "._pth",       ".zip",
                                        "pybuilddir.txt", "Setup.local", "openssl.cnf",
                                        "gai.conf",       ".so",         ".pyc" };

    for (size_t i = 0; i < ELEMENTSOF(ends); i++)
        if (endswith(path, ends[i]))
            return true;
    return startswith(path, "/usr/") || startswith(path, "/lib") || startswith(path, "/bin/") ||
           startswith(path, "/var/lib/gems/") || endswith(path, "/package.json");
}

void judge_file_missing(struct facts *facts, struct finding *f)
{
    const struct trace_event *found = NULL;
    bool said = false;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *quote = e->text ? strchr(e->text, '"') : NULL;

        if (e->error != ENOENT || !e->path || !startswith(e->call, "open") ||
            (e->flags & O_CREAT) || !trace_event_is_telling(e) || !quote || quote[1] != '/' ||
            startswith(e->path, "/run/") || startswith(e->path, "/proc/") ||
            startswith(e->path, "/dev/"))
            continue;
        bool named = judge_said(facts, e->path);
        if (!named && (is_runtime_search(e->path) || said || (e->flags & O_DIRECTORY)))
            continue;
        found = e;
        said = named;
    }
    if (!found || !facts_failed_exit(facts_explained(facts)) ||
        !streq(probe_text(facts_probe(facts, "root-path", "- %s", found->path), "verdict"),
               "missing"))
        return;
    json_t *near = facts_probe(facts, "near-file", "%s", found->path);
    find(f,
         said                                 ? SURE_PROVEN - 0.05
         : !judge_gave_up_after(facts, found) ? SURE_POSSIBLE
         : is_config_name(found->path)        ? SURE_LIKELY
                                              : SURE_ENOUGH,
         *first(near) ? "the file %s does not exist; there is %s" : "the file %s does not exist",
         found->path, first(near));
    find_fact(f, "path", found->path);
    if (*first(near))
        find_fact(f, "candidate", first(near));
    find_call(f, found);
    judge_last_words(facts, f, 2);
    find_fix(f, *first(near) ? "put it there, or point the program to %s" : "put the file %s there",
             *first(near) ? first(near) : found->path);
    find_prevent(f, "ExecStartPre=reeve preflight --file=%s", found->path);
}

/* What it wants lies in the private /tmp of another unit. */
static void judge_peer_tmp(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; i < facts->n_trace && !facts->recorded; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->address;
        const char *rest = path ? startswith(path, "/tmp/") : NULL;
        auto_strv char **found = NULL;

        if (e->error != ENOENT || isempty(rest))
            continue;
        auto_free char *pattern = format("/tmp/systemd-private-*/tmp/%s", rest);
        if (!pattern || path_glob(pattern, &found) <= 0)
            continue;
        /* systemd-private-BOOTID-UNIT-XXXXXX */
        const char *unit = found[0] + strlen("/tmp/systemd-private-") + 33;
        auto_free char *name = strndup(unit, strcspn(unit, "/"));
        char *dash = name ? strrchr(name, '-') : NULL;
        if (!dash)
            continue;
        *dash = 0;
        find(f, SURE_DECISIVE,
             "%s is in the own /tmp of %s (PrivateTmp=), where this unit does not see it", path,
             name);
        find_fact(f, "path", path);
        find_fact(f, "unit", name);
        find_call(f, e);
        find_evidence(f, EVIDENCE_PROBE, "%s is there: PrivateTmp= of %s", found[0], name);
        find_fix_dropin(f, "share its /tmp",
                        "[Unit]\nJoinsNamespaceOf=%s\n[Service]\nPrivateTmp=yes\n", name);
        find_fix(f, "or meet in /run: RuntimeDirectory= of %s", name);
        return;
    }
}

void judge_private_tmp_split(struct facts *facts, struct finding *f)
{
    judge_peer_tmp(facts, f);
    if (f->confidence > 0 || (!is_set(facts, "PrivateTmp") && !is_set(facts, "DynamicUser")))
        return;
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        const char *path = e->path ? e->path : e->address;

        if (e->error != ENOENT || !path ||
            (!startswith(path, "/tmp/") && !startswith(path, "/var/tmp/")) ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", path), "verdict"), "ok"))
            continue;
        find(f, SURE_DECISIVE, "%s exists, but not in the unit's own /tmp (PrivateTmp=)", path);
        find_fact(f, "path", path);
        find_call(f, e);
        find_setting(f, facts, "Service", "PrivateTmp");
        find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is there", path);
        find_fix(f, "meet in /run instead: RuntimeDirectory= of the one who makes it");
        find_fix_dropin(f, "or share the machine's /tmp", "[Service]\nPrivateTmp=no\n");
        find_fix(f, "or JoinsNamespaceOf= the unit that makes it, if that has PrivateTmp=yes");
        return;
    }
}

void judge_device_denied(struct facts *facts, struct finding *f)
{
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];
        bool gone = e->error == ENOENT && is_set(facts, "PrivateDevices");

        if (!e->path || !startswith(e->path, "/dev/") || startswith(e->path, "/dev/shm/") ||
            startswith(e->path, "/dev/pts/") || (!gone && e->error != EPERM) ||
            !streq(probe_text(facts_probe(facts, "root-path", "- %s", e->path), "type"), "device"))
            continue;
        find(f, SURE_PROVEN,
             gone ? "the device %s exists, but PrivateDevices= hides it from the unit"
                  : "the unit's device policy forbids %s",
             e->path);
        find_fact(f, "path", e->path);
        find_call(f, e);
        find_setting(f, facts, "Service", "PrivateDevices");
        find_setting(f, facts, "Service", "DevicePolicy");
        find_setting(f, facts, "Service", "DeviceAllow");
        find_evidence(f, EVIDENCE_PROBE, "outside of the unit %s is there", e->path);
        find_fix_dropin(f, gone ? "show the devices, but only this one" : "allow it",
                        "[Service]\nPrivateDevices=no\nDevicePolicy=closed\nDeviceAllow=%s rw\n",
                        e->path);
        return;
    }
}

/* ---- limits
 * ------------------------------------------------------------------------------------------- */

void judge_nofile_limit(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = NULL;

    for (size_t i = 0; i < facts->n_trace; i++)
        if (facts->trace[i].error == EMFILE && !startswith(facts->trace[i].call, "inotify"))
            e = &facts->trace[i];
    if (!e)
        return;
    auto_free char *limit = facts_setting(facts, "Service", "LimitNOFILE");
    find(f, SURE_PROVEN, "it ran out of file descriptors (LimitNOFILE=%s)",
         limit ? limit : "1024, the default");
    find_fact(f, "limit", "NOFILE");
    find_call(f, e);
    find_setting(f, facts, "Service", "LimitNOFILE");
    find_fix_dropin(f, "allow more", "[Service]\nLimitNOFILE=65536\n");
    find_not(f, "/etc/security/limits.conf and fs.file-max: neither is for units");
}

void judge_inotify_limit(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = last_call(facts, "inotify_init1", EMFILE);
    bool instances = e;

    if (!e)
        e = last_call(facts, "inotify_add_watch", ENOSPC);
    if (!e)
        return;
    const char *name = instances ? "fs.inotify.max_user_instances" : "fs.inotify.max_user_watches";
    find(f, SURE_DECISIVE, "its user has no inotify %s left (%s)",
         instances ? "instances" : "watches", name);
    find_fact(f, "limit", name);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE, "%s is %s", name,
                  probe_text(facts_probe(facts, "sysctl", "%s", name), "value"));
    find_fix_command(f, "allow more", "sysctl %s=%s", name, instances ? "1024" : "524288");
    find_not(f, "LimitNOFILE= and free disk space: the error only reads like it");
}

void judge_tasks_limit(struct facts *facts, struct finding *f)
{
    static const char *const calls[] = { "clone", "clone3", "fork", "vfork" };
    const struct trace_event *e = NULL;

    for (size_t i = 0; i < facts->n_trace; i++)
        for (size_t k = 0; k < ELEMENTSOF(calls); k++)
            if (facts->trace[i].error == EAGAIN && streq(facts->trace[i].call, calls[k]))
                e = &facts->trace[i];
    if (!e)
        return;
    bool nproc = is_set(facts, "LimitNPROC");
    find(f, SURE_PROVEN, "it may make no more processes or threads (%s)",
         nproc ? "LimitNPROC=" : "TasksMax=");
    find_fact(f, "limit", nproc ? "NPROC" : "TasksMax");
    find_call(f, e);
    find_setting(f, facts, "Service", "LimitNPROC");
    find_setting(f, facts, "Service", "TasksMax");
    find_fix_dropin(f, "allow more",
                    nproc ? "[Service]\nLimitNPROC=infinity\n" : "[Service]\nTasksMax=infinity\n");
    if (nproc)
        find_evidence(f, EVIDENCE_PROBE,
                      "LimitNPROC= counts all processes of the user, not only the unit's");
}

/* ---- sandboxes
 * ---------------------------------------------------------------------------------------- */

void judge_af_restricted(struct facts *facts, struct finding *f)
{
    static const struct {
        int family;
        const char *name;
    } names[] = { { AF_UNIX, "AF_UNIX" },     { AF_INET, "AF_INET" },
                  { AF_INET6, "AF_INET6" },   { AF_NETLINK, "AF_NETLINK" },
                  { AF_PACKET, "AF_PACKET" }, { AF_ALG, "AF_ALG" } };
    const struct trace_event *e = last_call(facts, "socket", EAFNOSUPPORT);
    const char *name = NULL;

    if (!e || !is_set(facts, "RestrictAddressFamilies"))
        return;
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (names[i].family == e->family)
            name = names[i].name;
    find(f, SURE_DECISIVE, "RestrictAddressFamilies= forbids sockets of the family %s",
         name ? name : "it wants");
    find_fact(f, "family", name);
    find_call(f, e);
    find_setting(f, facts, "Service", "RestrictAddressFamilies");
    find_fix_dropin(f, "allow it as well", "[Service]\nRestrictAddressFamilies=%s\n",
                    strempty(name));
}

void judge_seccomp_kill(struct facts *facts, struct finding *f)
{
    const struct facts_exit *x = facts_failed_exit(facts_explained(facts));
    bool killed = x && x->code != CLD_EXITED && x->status == SIGSYS;
    const struct trace_event *e = NULL;

    if (!is_set(facts, "SystemCallFilter"))
        return;
    for (size_t i = 0; i < facts->n_trace; i++)
        if (facts->trace[i].killed_by_filter ||
            (!killed && (facts->trace[i].error == EPERM || facts->trace[i].error == ENOSYS) &&
             !facts->trace[i].path && !facts->trace[i].address))
            e = &facts->trace[i];
    if (!killed && !e)
        return;
    auto_free char *name = e ? strndup(e->text, strcspn(e->text, "(")) : NULL;
    find(f, killed ? (e ? SURE_DECISIVE : SURE_PROVEN - 0.1) : SURE_PROVEN - 0.05,
         killed ? "SystemCallFilter= killed it%s%s"
                : "SystemCallFilter= refuses a call that it needs: %s%s",
         killed && name ? " over the call " : "", strempty(name));
    find_fact(f, "syscall", name);
    find_call(f, e);
    if (killed)
        find_evidence(f, EVIDENCE_EXIT, "ended by SIGSYS, which is the filter's signal");
    find_setting(f, facts, "Service", "SystemCallFilter");
    if (name)
        find_fix_dropin(f, "allow the call", "[Service]\nSystemCallFilter=%s\n", name);
    if (killed)
        find_fix_dropin(f, "or refuse calls instead of killing",
                        "[Service]\nSystemCallErrorNumber=EPERM\n");
}

void judge_mdwe_jit(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = last_call(facts, "mprotect", EPERM);
    const struct facts_exit *x = facts_failed_exit(facts_explained(facts));

    static const struct {
        const char *call;
        int error;
    } others[] = { { "mprotect", EACCES }, { "mmap", EPERM }, { "mmap", EACCES } };

    for (size_t i = 0; !e && i < ELEMENTSOF(others); i++)
        e = last_call(facts, others[i].call, others[i].error);
    if (!is_set(facts, "MemoryDenyWriteExecute") || (!e && (!x || x->code == CLD_EXITED)))
        return;
    find(f, e ? SURE_DECISIVE : SURE_LIKELY - 0.05,
         "MemoryDenyWriteExecute= forbids memory that is written and executed, which this program "
         "(a just-in-time compiler) needs");
    find_call(f, e);
    find_setting(f, facts, "Service", "MemoryDenyWriteExecute");
    find_fix_dropin(f, "allow it", "[Service]\nMemoryDenyWriteExecute=no\n");
}

/* The capability that a refused call wants. */
static const char *wanted_capability(const struct trace_event *e)
{
    static const struct {
        const char *call, *capability;
    } calls[] = {
        { "chown", "CAP_CHOWN" },
        { "fchown", "CAP_CHOWN" },
        { "lchown", "CAP_CHOWN" },
        { "fchownat", "CAP_CHOWN" },
        { "setuid", "CAP_SETUID" },
        { "setresuid", "CAP_SETUID" },
        { "setreuid", "CAP_SETUID" },
        { "setgid", "CAP_SETGID" },
        { "setresgid", "CAP_SETGID" },
        { "setregid", "CAP_SETGID" },
        { "setgroups", "CAP_SETGID" },
        { "chroot", "CAP_SYS_CHROOT" },
        { "mount", "CAP_SYS_ADMIN" },
        { "umount2", "CAP_SYS_ADMIN" },
        { "unshare", "CAP_SYS_ADMIN" },
        { "setns", "CAP_SYS_ADMIN" },
        { "sethostname", "CAP_SYS_ADMIN" },
        { "mlock", "CAP_IPC_LOCK" },
        { "mlockall", "CAP_IPC_LOCK" },
        { "kill", "CAP_KILL" },
        { "mknod", "CAP_MKNOD" },
        { "mknodat", "CAP_MKNOD" },
        { "setpriority", "CAP_SYS_NICE" },
        { "sched_setscheduler", "CAP_SYS_NICE" },
        { "setrlimit", "CAP_SYS_RESOURCE" },
        { "prlimit64", "CAP_SYS_RESOURCE" },
        { "ptrace", "CAP_SYS_PTRACE" },
        { "bpf", "CAP_BPF" },
        { "perf_event_open", "CAP_PERFMON" },
    };

    if (streq(e->call, "socket"))
        return strstr(e->text, "SOCK_RAW") || strstr(e->text, "AF_PACKET") ? "CAP_NET_RAW" : NULL;
    for (size_t i = 0; i < ELEMENTSOF(calls); i++)
        if (streq(calls[i].call, e->call))
            return calls[i].capability;
    return NULL;
}

void judge_cap_missing(struct facts *facts, struct finding *f)
{
    const struct trace_event *found = NULL;
    const char *capability = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];

        if ((e->error == EPERM || e->error == EACCES) && wanted_capability(e)) {
            found = e;
            capability = wanted_capability(e);
        }
    }
    if (!found || !facts_failed_exit(facts_explained(facts)))
        return;
    bool bounded = is_set(facts, "CapabilityBoundingSet");
    find(f,
         !judge_gave_up_after(facts, found)              ? SURE_POSSIBLE
         : is_set(facts, "SystemCallFilter") && !bounded ? SURE_LIKELY
                                                         : SURE_PROVEN,
         "%s was refused: the unit lacks %s", found->call, capability);
    find_fact(f, "capability", capability);
    find_call(f, found);
    find_setting(f, facts, "Service", "CapabilityBoundingSet");
    find_setting(f, facts, "Service", "User");
    if (bounded)
        find_fix_dropin(f, "leave it in the bounding set", "[Service]\nCapabilityBoundingSet=%s\n",
                        capability);
    else
        find_fix_dropin(f, "give it to the unit", "[Service]\nAmbientCapabilities=%s\n",
                        capability);
    find_fix(f, "in a container: it may have to be allowed there as well (--cap-add)");
}

/* ---- locks
 * -------------------------------------------------------------------------------------------- */

/* A lock or pid file that the program read, and gave up then. */
static const struct trace_event *lock_read(const struct facts *facts)
{
    for (size_t i = facts->n_trace; i > 0; i--) {
        const struct trace_event *e = &facts->trace[i - 1];

        if (!e->error && e->path && startswith(e->call, "open") &&
            (e->flags & O_ACCMODE) == O_RDONLY &&
            (endswith(e->path, ".pid") || strcasestr(path_basename(e->path), "lock")) &&
            judge_gave_up_after(facts, e))
            return e;
    }
    return NULL;
}

void judge_stale_lock(struct facts *facts, struct finding *f)
{
    const struct trace_event *e = NULL;

    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *t = &facts->trace[i];

        if (t->error == EEXIST && t->path &&
            ((startswith(t->call, "open") && (t->flags & O_EXCL)) || startswith(t->call, "link") ||
             startswith(t->call, "symlink") ||
             (startswith(t->call, "mkdir") && strstr(t->path, "lock"))))
            e = t;
    }
    auto_free char *said = e ? NULL : judge_lock_in_output(facts);
    const struct trace_event *read = e || said ? NULL : lock_read(facts);
    const char *path = e ? e->path : said ? said : read ? read->path : NULL;
    if (!path || !facts_failed_exit(facts_explained(facts)))
        return;
    json_t *lock = facts_probe(facts, "lock", "%s", path);
    if (!probe_true(lock, "exists"))
        return;
    const char *content = probe_text(lock, "content");
    long pid = strtol(content, NULL, 10);
    json_t *process = facts_probe(facts, "process", "%ld", pid);
    bool alive = pid > 0 && probe_true(process, "alive");
    /* The number may have gone to another program since. */
    bool reused = alive && !streq(probe_text(process, "unit"), facts->unit) && facts->config &&
                  facts->config->service->exec_start &&
                  !strstr(probe_text(process, "cmdline"),
                          path_basename(facts->config->service->exec_start->path));
    if (reused)
        alive = false;
    if (alive || probe_number(lock, "pid") > 0) {
        long holder = probe_number(lock, "pid") > 0 ? (long) probe_number(lock, "pid") : pid;

        find(f, SURE_LIKELY, "%s is held by pid %ld: it runs already", path, holder);
        find_fact(f, "path", path);
        find_call(f, e);
        find_fix_command(f, "end the other one", "kill %ld", holder);
        return;
    }
    /* In a restart series a later run may fail over what the first one left behind. */
    bool first_said = judge_said(facts, "lock") || judge_said(facts, "already") ||
                      facts->n_invocations < 2;
    find(f, first_said ? SURE_PROVEN : SURE_LIKELY - 0.1,
         reused    ? "the lock file %s was left behind: its pid %ld is another program's by now"
         : pid > 0 ? "the lock file %s was left behind by pid %ld, which is gone"
                   : "the lock file %s was left behind",
         path, pid);
    if (reused)
        find_evidence(f, EVIDENCE_PROBE, "pid %ld is %s", pid, probe_text(process, "comm"));
    find_call(f, read);
    find_fact(f, "path", path);
    find_call(f, e);
    find_evidence(f, EVIDENCE_PROBE,
                  reused    ? "%s says pid %ld"
                  : pid > 0 ? "%s says pid %ld; there is no such process"
                            : "%s exists and nobody holds it",
                  path, pid);
    judge_last_words(facts, f, 1);
    find_fix_command(f, "remove it", "rm %s", path);
    find_fix(f, "keep it in RuntimeDirectory=, which is emptied when the unit stops");
}
