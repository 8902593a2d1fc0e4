/* Causes that a call shows which a limit or a sandbox refused. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/str.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

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
    const struct trace_event *e = judge_last_call(facts, "inotify_init1", EMFILE);
    bool instances = e;

    if (!e)
        e = judge_last_call(facts, "inotify_add_watch", ENOSPC);
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
    bool nproc = judge_is_set(facts, "LimitNPROC");
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

void judge_af_restricted(struct facts *facts, struct finding *f)
{
    static const struct {
        int family;
        const char *name;
    } names[] = { { AF_UNIX, "AF_UNIX" },     { AF_INET, "AF_INET" },
                  { AF_INET6, "AF_INET6" },   { AF_NETLINK, "AF_NETLINK" },
                  { AF_PACKET, "AF_PACKET" }, { AF_ALG, "AF_ALG" } };
    const struct trace_event *e = judge_last_call(facts, "socket", EAFNOSUPPORT);
    const char *name = NULL;

    if (!e || !judge_is_set(facts, "RestrictAddressFamilies"))
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

    if (!judge_is_set(facts, "SystemCallFilter"))
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
    const struct trace_event *e = judge_last_call(facts, "mprotect", EPERM);
    const struct facts_exit *x = facts_failed_exit(facts_explained(facts));

    static const struct {
        const char *call;
        int error;
    } others[] = { { "mprotect", EACCES }, { "mmap", EPERM }, { "mmap", EACCES } };

    for (size_t i = 0; !e && i < ELEMENTSOF(others); i++)
        e = judge_last_call(facts, others[i].call, others[i].error);
    if (!judge_is_set(facts, "MemoryDenyWriteExecute") || (!e && (!x || x->code == CLD_EXITED)))
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
    bool bounded = judge_is_set(facts, "CapabilityBoundingSet");
    find(f,
         !judge_gave_up_after(facts, found)                    ? SURE_POSSIBLE
         : judge_is_set(facts, "SystemCallFilter") && !bounded ? SURE_LIKELY
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
