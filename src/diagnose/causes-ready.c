/* Causes that lie in how a service becomes ready, which the manager's own record shows. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/glob.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"

void judge_notify_exited_early(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = judge_main_exit(facts);

    if (!judge_result_is(facts, "protocol") || judge_service_type(facts) < SERVICE_TYPE_NOTIFY ||
        (e && (e->code != CLD_EXITED || e->status != 0)))
        return;
    auto_free char *command = judge_command_text(facts->config->service->exec_start);
    find(f, SURE_DECISIVE,
         "the main process exited with 0 before it sent READY=1: it went to the background, or a "
         "wrapper ended");
    find_fact(f, "command", command);
    judge_exit_evidence(f, e);
    find_line(f, judge_manager_said(facts, "reception only permitted"));
    find_setting(f, facts, "Service", "Type");
    find_fix(f, "let the program stay in the foreground: its option is often --foreground, -f, -n "
                "or --no-daemon");
    find_fix(f, "in a wrapper script begin the last line with exec ");
    find_fix_dropin(f, "or, if it has to go to the background", "[Service]\nType=forking\n");
}

/* The traced call by which another process than the main one spoke to the manager; NULL. From 257
 * on the manager says no word of it. */
static const struct trace_event *notified_by_other(const struct facts *facts)
{
    const struct exec_command *c = facts->config->service->exec_start;
    const struct trace_event *found = NULL;
    /* Where the manager's own helper executes the program, that call is not seen: the first process
     * is the main one. */
    pid_t main = facts->n_trace > 0 ? facts->trace[0].pid : 0;

    for (size_t i = 0; c && i < facts->n_trace; i++) {
        const struct trace_event *e = &facts->trace[i];

        if (startswith(e->call, "execve") && !e->error && streq_ptr(e->path, c->path) && !found)
            main = e->pid;
        if (!e->error && e->family == AF_UNIX && e->address && strstr(e->address, "notify")) {
            if (e->pid == main)
                return NULL;
            found = e;
        }
    }
    return main ? found : NULL;
}

void judge_notify_wrong_pid(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = judge_manager_said(facts, "reception only permitted");

    if (judge_service_type(facts) < SERVICE_TYPE_NOTIFY || !judge_result_is(facts, "timeout"))
        return;
    auto_free char *access = facts_setting(facts, "Service", "NotifyAccess");
    const struct trace_event *e = streq_ptr(access, "all") ? NULL : notified_by_other(facts);
    if (!l && !e)
        return;
    find(f, SURE_PROVEN,
         "READY=1 was sent, but not by the main process, and so not taken (NotifyAccess=%s)",
         access ? access : "main");
    find_line(f, l);
    if (e)
        find_evidence(f, EVIDENCE_TRACE,
                      "%s = ok by the process %d (%s), which is not the main one", e->text,
                      (int) e->pid, e->comm);
    find_setting(f, facts, "Service", "Type");
    find_setting(f, facts, "Service", "NotifyAccess");
    find_setting(f, facts, "Service", "ExecStart");
    find_fix_dropin(f, "take it from every process of the unit", "[Service]\nNotifyAccess=all\n");
    find_fix(f, "or begin the last line of the wrapper script with exec , so that the program is "
                "the main process");
}

void judge_forking_but_foreground(struct facts *facts, struct finding *f)
{
    if (!judge_result_is(facts, "timeout") || judge_service_type(facts) != SERVICE_TYPE_FORKING ||
        judge_manager_said(facts, "PID file"))
        return;
    auto_free char *command = judge_command_text(facts->config->service->exec_start);
    find(f, SURE_PROVEN,
         "Type=forking waits for the program to go to the background, but it stays in the "
         "foreground");
    find_fact(f, "command", command);
    find_fact(f, "type", "forking");
    find_line(f, judge_manager_said(facts, "timed out"));
    find_setting(f, facts, "Service", "Type");
    if (command && strstr(command, "nginx"))
        find_evidence(f, EVIDENCE_UNIT, "nginx stays in the foreground by \"daemon off\"");
    find_fix_dropin(f, "say what it is", "[Service]\nType=exec\n");
    find_fix(f, "or take the option away that keeps it in the foreground (nginx: daemon off, "
                "others: --foreground, -f)");
    find_not(f, "a longer TimeoutStartSec=: it never goes to the background");
}

void judge_pidfile_mismatch(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = judge_manager_said(facts, "PID file");
    const char *path = facts->config ? facts->config->service->pid_file : NULL;

    if (!l || !path || (!judge_result_is(facts, "timeout") && !judge_result_is(facts, "protocol")))
        return;
    auto_strv char **found = NULL;
    auto_free char *pattern = format("/run/{,*/}%s", path_basename(path));
    if (!facts->recorded && pattern)
        (void) path_glob(pattern, &found);
    const char *other = NULL;
    STRV_FOREACH (p, found)
        if (!streq(*p, path))
            other = *p;
    const struct trace_event *e = NULL;
    for (size_t i = 0; i < facts->n_trace; i++) {
        const struct trace_event *t = &facts->trace[i];

        if (!t->path || !endswith(t->path, ".pid") || !startswith(t->call, "open"))
            continue;
        e = t->error ? t : e;
        if (!t->error && (t->flags & O_ACCMODE) != O_RDONLY && !streq(t->path, path)) {
            other = t->path;
            e = t;
        }
    }
    find(f, other || facts->traced ? SURE_PROVEN : SURE_PROVEN - 0.01,
         other ? "PIDFile=%s is not what the program writes: it writes %s"
               : "the program never wrote PIDFile=%s",
         path, strempty(other));
    find_fact(f, "pid_file", path);
    if (other)
        find_fact(f, "written", other);
    find_line(f, l);
    find_call(f, e);
    find_setting(f, facts, "Service", "PIDFile");
    if (other) {
        if (!e || e->path != other)
            find_evidence(f, EVIDENCE_PROBE, "%s exists", other);
        find_fix_dropin(f, "name the file that it writes", "[Service]\nPIDFile=%s\n", other);
    }
    find_fix_dropin(f, "or let it stay in the foreground, with its option for that",
                    "[Service]\nType=exec\nPIDFile=\n");
}

void judge_start_timeout_slow(struct facts *facts, struct finding *f)
{
    const struct facts_line *last = NULL;
    size_t at = 0, lines = 0;
    const struct facts_line *l = judge_manager_said(facts, "timed out");
    const struct facts_invocation *i = facts_explained(facts);

    if (!judge_result_is(facts, "timeout") || !l || strstr(l->text, "stop"))
        return;
    for (const struct facts_line *o; (o = facts_next_line(facts, i, false, &at)); lines++)
        last = o;
    bool busy = last && lines >= 3 && l->realtime - last->realtime < 2 * USEC_PER_SEC;
    if (!busy)
        return;
    find(f, SURE_PROVEN - 0.02,
         "it was still at work when TimeoutStartSec= had passed: its last line came %.1f s before",
         (double) (l->realtime - last->realtime) / 1e6);
    find_line(f, last);
    find_line(f, l);
    find_setting(f, facts, "Service", "TimeoutStartSec");
    find_fact(f, "directive", "TimeoutStartSec");
    find_fix_dropin(f, "give it more time", "[Service]\nTimeoutStartSec=5min\n");
    find_fix(
        f, "or let the program ask for more while it works: EXTEND_TIMEOUT_USEC= by sd_notify(3)");
}

void judge_notify_never_ready(struct facts *facts, struct finding *f)
{
    const struct facts_invocation *i = facts_explained(facts);

    if (!judge_result_is(facts, "timeout") || judge_service_type(facts) < SERVICE_TYPE_NOTIFY ||
        !judge_manager_said(facts, "timed out"))
        return;
    for (size_t k = 0; i && k < i->n_notifies; k++)
        if (strstr(i->notifies[k].text, "READY=1") && !i->notifies[k].refused)
            return;
    find(f, SURE_PROVEN - 0.04, "Type=notify, but READY=1 never came");
    find_line(f, judge_manager_said(facts, "timed out"));
    find_setting(f, facts, "Service", "Type");
    find_evidence(f, EVIDENCE_NOTIFY, "no READY=1 was received");
    find_fix_dropin(f, "if the program does not know sd_notify", "[Service]\nType=exec\n");
    find_fix(
        f, "or let a probe say it: ExecStart=reeve guard --http=http://127.0.0.1:PORT/ -- PROGRAM");
    find_not(f, "TimeoutStartSec=infinity: the start would never end");
}
