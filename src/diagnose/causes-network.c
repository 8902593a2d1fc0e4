/* Causes that a failed call about addresses and ports shows; the live machine is asked whether it
 * is so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/identity.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

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
    const struct trace_event *e = judge_last_call(facts, "bind", error);

    return e ? e : judge_last_call(facts, "listen", error);
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
    find_fix_dropin(f, "give it the one capability",
                    "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n%s",
                    judge_is_set(facts, "CapabilityBoundingSet")
                        ? "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
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
        e = judge_last_call(facts, "connect", ENETUNREACH);
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
