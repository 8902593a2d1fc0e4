/* Causes that the manager's own record shows: readiness, watchdog, exits, stops; and what programs
 * say, where a probe confirms it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

static bool result_is(const struct facts *facts, const char *result)
{
    const struct facts_invocation *i = facts_explained(facts);

    return facts_property_is(facts, "Result", result) || (i && streq_ptr(i->result, result));
}

static unsigned service_type(const struct facts *facts)
{
    return facts->config ? facts->config->service->type : SERVICE_TYPE_SIMPLE;
}

static const struct facts_line *manager_said(const struct facts *facts, const char *words)
{
    const struct facts_line *found = NULL;
    size_t at = 0;

    for (const struct facts_line *l;
         (l = facts_next_line(facts, facts_explained(facts), true, &at));)
        if (strstr(strempty(l->text), words))
            found = l;
    return found;
}

static const struct facts_exit *main_exit(const struct facts *facts)
{
    const struct facts_invocation *i = facts_explained(facts);
    const struct facts_exit *found = NULL;

    for (size_t k = 0; i && k < i->n_exits; k++)
        if (streq_ptr(i->exits[k].command, "ExecStart"))
            found = &i->exits[k];
    return found;
}

static char *command_text(const struct exec_command *c)
{
    return c ? strv_join(c->argv, " ") : NULL;
}

static void exit_evidence(struct finding *f, const struct facts_exit *e)
{
    if (!e)
        return;
    if (e->code == CLD_EXITED)
        find_evidence(f, EVIDENCE_EXIT, "%s exited with status %d", strempty(e->command),
                      e->status);
    else
        find_evidence(f, EVIDENCE_EXIT, "%s was ended by SIG%s", strempty(e->command),
                      signal_name(e->status));
}

/* ---- becoming ready
 * ----------------------------------------------------------------------------------- */

void judge_notify_exited_early(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = main_exit(facts);

    if (!result_is(facts, "protocol") || service_type(facts) < SERVICE_TYPE_NOTIFY ||
        (e && (e->code != CLD_EXITED || e->status != 0)))
        return;
    auto_free char *command = command_text(facts->config->service->exec_start);
    find(f, SURE_DECISIVE,
         "the main process exited with 0 before it sent READY=1: it went to the background, or a "
         "wrapper ended");
    find_fact(f, "command", command);
    exit_evidence(f, e);
    find_line(f, manager_said(facts, "reception only permitted"));
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
    const struct facts_line *l = manager_said(facts, "reception only permitted");

    if (service_type(facts) < SERVICE_TYPE_NOTIFY || !result_is(facts, "timeout"))
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
    if (!result_is(facts, "timeout") || service_type(facts) != SERVICE_TYPE_FORKING ||
        manager_said(facts, "PID file"))
        return;
    auto_free char *command = command_text(facts->config->service->exec_start);
    find(f, SURE_PROVEN,
         "Type=forking waits for the program to go to the background, but it stays in the "
         "foreground");
    find_fact(f, "command", command);
    find_fact(f, "type", "forking");
    find_line(f, manager_said(facts, "timed out"));
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
    const struct facts_line *l = manager_said(facts, "PID file");
    const char *path = facts->config ? facts->config->service->pid_file : NULL;

    if (!l || !path || (!result_is(facts, "timeout") && !result_is(facts, "protocol")))
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
    const struct facts_line *l = manager_said(facts, "timed out");
    const struct facts_invocation *i = facts_explained(facts);

    if (!result_is(facts, "timeout") || !l || strstr(l->text, "stop"))
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

    if (!result_is(facts, "timeout") || service_type(facts) < SERVICE_TYPE_NOTIFY ||
        !manager_said(facts, "timed out"))
        return;
    for (size_t k = 0; i && k < i->n_notifies; k++)
        if (strstr(i->notifies[k].text, "READY=1") && !i->notifies[k].refused)
            return;
    find(f, SURE_PROVEN - 0.04, "Type=notify, but READY=1 never came");
    find_line(f, manager_said(facts, "timed out"));
    find_setting(f, facts, "Service", "Type");
    find_evidence(f, EVIDENCE_NOTIFY, "no READY=1 was received");
    find_fix_dropin(f, "if the program does not know sd_notify", "[Service]\nType=exec\n");
    find_fix(
        f, "or let a probe say it: ExecStart=reeve guard --http=http://127.0.0.1:PORT/ -- PROGRAM");
    find_not(f, "TimeoutStartSec=infinity: the start would never end");
}

/* ---- exits
 * -------------------------------------------------------------------------------------------- */

void judge_watchdog_expired(struct facts *facts, struct finding *f)
{
    if (!result_is(facts, "watchdog"))
        return;
    const struct facts_invocation *i = facts_explained(facts);
    bool pinged = false;
    for (size_t k = 0; i && k < i->n_notifies; k++)
        pinged = pinged || strstr(i->notifies[k].text, "WATCHDOG=1");
    find(f, SURE_DECISIVE,
         pinged ? "it stopped to ping the watchdog within WatchdogSec="
                : "WatchdogSec= is set, but the program never pinged");
    find_fact(f, "directive", "WatchdogSec");
    find_line(f, manager_said(facts, "Watchdog timeout"));
    find_setting(f, facts, "Service", "WatchdogSec");
    if (!pinged)
        find_evidence(f, EVIDENCE_NOTIFY, "no WATCHDOG=1 was received");
    find_fix_dropin(f,
                    pinged ? "give it more time, if the machine was only busy"
                           : "take the watchdog away, if the program does not know it",
                    pinged ? "[Service]\nWatchdogSec=60s\n" : "[Service]\nWatchdogSec=0\n");
    find_fix(
        f,
        "or let a probe ping it: ExecStart=reeve guard --http=http://127.0.0.1:PORT/ -- PROGRAM");
}

void judge_oom_kill(struct facts *facts, struct finding *f)
{
    if (!result_is(facts, "oom-kill"))
        return;
    find(f, SURE_DECISIVE, "the kernel killed it since memory was out");
    find_line(f, manager_said(facts, "OOM killer"));
    find_setting(f, facts, "Service", "MemoryMax");
    exit_evidence(f, main_exit(facts));
    find_fix_dropin(f, "allow more memory", "[Service]\nMemoryMax=infinity\n");
    find_fix(f, "or find the leak; Restart=on-failure starts it again (on-abort does not)");
}

void judge_rlimit_exceeded(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));
    bool size = e && e->code != CLD_EXITED && e->status == SIGXFSZ;
    auto_free char *seconds = facts_setting(facts, "Service", "LimitCPU");
    /* At the hard limit, which is the same where one number is given, the signal is SIGKILL. */
    bool spent = e && e->code != CLD_EXITED && e->status == SIGKILL && seconds &&
                 strtoull(strempty(facts_property(facts, "CPUUsageNSec")), NULL, 10) * 5 >=
                     strtoull(seconds, NULL, 10) * 4 * NSEC_PER_SEC;
    const struct facts_invocation *i = facts_explained(facts);
    bool long_enough = e && e->code != CLD_EXITED && e->status == SIGKILL && seconds && i &&
                       i->ended - i->started >= strtoull(seconds, NULL, 10) * USEC_PER_SEC;
    bool cpu = spent || long_enough || (e && e->code != CLD_EXITED && e->status == SIGXCPU);

    if (!size && !cpu)
        return;
    const char *directive = size ? "LimitFSIZE" : "LimitCPU";
    find(f, e->status == SIGKILL && !spent ? SURE_LIKELY + 0.1 : SURE_DECISIVE,
         "it went over %s= and was killed by SIG%s", directive, signal_name(e->status));
    find_fact(f, "directive", directive);
    exit_evidence(f, e);
    find_setting(f, facts, "Service", directive);
    find_fix_dropin(f, "allow more", "[Service]\n%s=infinity\n", directive);
}

void judge_killed_by_outsider(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = main_exit(facts);

    if (!e || e->code == CLD_EXITED || (e->status != SIGKILL && e->status != SIGTERM) ||
        (!result_is(facts, "signal") && e->status == SIGKILL) || result_is(facts, "timeout") ||
        result_is(facts, "oom-kill") || result_is(facts, "watchdog") ||
        manager_said(facts, "Stopping"))
        return;
    find(f, SURE_LIKELY + 0.05,
         "somebody else sent it SIG%s: the manager did not, and memory was not out",
         signal_name(e->status));
    find_fact(f, "signal", signal_name(e->status));
    exit_evidence(f, e);
    find_evidence(f, EVIDENCE_MANAGER, "Result=%s: no stop, no timeout, no watchdog, no OOM kill",
                  strempty(facts_property(facts, "Result")));
    find_fix(f, "look for what kills by name: cron jobs, pkill, killall, other units (grep -r kill "
                "/etc/cron* /etc/systemd)");
    find_fix_dropin(f, "and let it come back", "[Service]\nRestart=on-failure\n");
}

static bool begins_panic(const char *text)
{
    auto_free char *word = strndup(text, strcspn(text, ":"));

    /* "SIGSEGV: segmentation violation": a signal from outside. */
    return startswith(text, "panic: ") || startswith(text, "fatal error: ") ||
           (word && startswith(word, "SIG") && signal_from_name(word) > 0);
}

/* Go turns a wrong memory access into a panic, which exits with 2 (and not by a signal); its first
 * own frame is the line behind the first function of package main. */
static void judge_panic(struct facts *facts, const struct facts_exit *e, struct finding *f)
{
    const struct facts_line *panic = NULL, *frame = NULL, *l;
    bool in_main = false;
    size_t at = 0;

    if (!e || e->code != CLD_EXITED || e->status != 2)
        return;
    while ((l = facts_next_line(facts, facts_explained(facts), false, &at))) {
        if (begins_panic(l->text))
            panic = panic ? panic : l;
        if (panic && !frame && in_main && strstr(l->text, ".go:"))
            frame = l;
        in_main = in_main || (panic && startswith(l->text, "main."));
    }
    if (!panic)
        return;
    size_t n = strcspn(panic->text, "\n");
    find(f, SURE_PROVEN, "it crashed: %.*s", (int) n, panic->text);
    find_fact(f, "runtime", "go");
    exit_evidence(f, e);
    find_line(f, panic);
    if (frame)
        find_line(f, frame);
    find_fix(f, "correct the program where the panic says; Go exits with 2 after a panic");
}

void judge_crash_signal(struct facts *facts, struct finding *f)
{
    static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));
    bool crash = false;

    for (size_t i = 0; e && e->code != CLD_EXITED && i < ELEMENTSOF(signals); i++)
        crash = crash || e->status == signals[i];
    if (!crash && !result_is(facts, "watchdog"))
        judge_panic(facts, e, f);
    if (!crash || result_is(facts, "watchdog"))
        return;
    find(f, SURE_LIKELY + 0.05, "it crashed: SIG%s%s", signal_name(e->status),
         e->code == CLD_DUMPED ? ", with a core dump" : "");
    auto_free char *name = format("SIG%s", signal_name(e->status));
    find_fact(f, "signal", name);
    exit_evidence(f, e);
    judge_last_words(facts, f, 3);
    find_fix(f, "get a backtrace (coredumpctl gdb, or gdb with the core) and report it to the "
                "program's authors; try an update");
    if (e->status == SIGILL)
        find_fix(f, "an illegal instruction is often a build for a newer processor");
}

void judge_stop_143(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = main_exit(facts);
    bool stopped = manager_said(facts, "Stopping") || manager_said(facts, "Stopped");

    if (!e || e->code != CLD_EXITED || (e->status != 143 && e->status != 130 && e->status != 137))
        return;
    find(f, stopped ? SURE_PROVEN : SURE_LIKELY,
         "exit status %d is 128 + %d: it ended by the SIG%s that stopped it, which is no failure",
         e->status, e->status - 128, signal_name(e->status - 128));
    find_fact_number(f, "status", e->status);
    exit_evidence(f, e);
    find_fix_dropin(f, "say so", "[Service]\nSuccessExitStatus=%d\n", e->status);
}

void judge_stop_timeout(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = manager_said(facts, "State 'stop-sigterm' timed out");

    if (!l)
        l = manager_said(facts, "State 'final-sigterm' timed out");
    if (!l)
        return;
    find(f, SURE_PROVEN, "it did not end on SIGTERM within TimeoutStopSec=, and was killed");
    find_fact(f, "signal", "SIGTERM");
    find_line(f, l);
    find_setting(f, facts, "Service", "TimeoutStopSec");
    find_setting(f, facts, "Service", "KillSignal");
    find_fix_dropin(f, "if another signal ends it", "[Service]\nKillSignal=SIGINT\n");
    find_fix_dropin(f, "if it only needs longer", "[Service]\nTimeoutStopSec=60s\n");
    find_fix(f, "a shell script that waits for a program holds the signal back: begin that line "
                "with exec ");
}

void judge_runtime_max(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = manager_said(facts, "runtime time limit");

    if (!l)
        return;
    find(f, SURE_DECISIVE, "RuntimeMaxSec= was reached, so the manager stopped it");
    find_line(f, l);
    find_setting(f, facts, "Service", "RuntimeMaxSec");
    find_fix_dropin(f, "let it run on", "[Service]\nRuntimeMaxSec=infinity\n");
    find_fix_dropin(f, "or start it anew each time, if that is meant",
                    "[Service]\nRestart=always\n");
}

void judge_startpre_failed(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = facts_failed_exit(facts_explained(facts));

    if (!e || !streq_ptr(e->command, "ExecStartPre") || e->code != CLD_EXITED || e->status >= 200 ||
        main_exit(facts))
        return;
    const struct exec_command *c = facts->config ? facts->config->service->exec_start_pre : NULL;
    for (unsigned k = 0; c && k < e->index; k++)
        c = c->next;
    auto_free char *command = command_text(c);
    find(f, SURE_LIKELY + 0.15,
         "ExecStartPre= (%s) exited with status %d, so the program was never started",
         strempty(command), e->status);
    find_fact(f, "command", command);
    find_fact(f, "directive", "ExecStartPre");
    exit_evidence(f, e);
    find_setting(f, facts, "Service", "ExecStartPre");
    judge_last_words(facts, f, 4);
    const struct facts_line *last = NULL, *l;
    for (size_t at = 0; (l = facts_next_line(facts, facts_explained(facts), false, &at));)
        last = l;
    find_fix(f, "make the check pass%s%s", last ? ": " : "", last ? strempty(last->text) : "");
    find_fix_dropin(f, "or start all the same", "[Service]\nExecStartPre=\nExecStartPre=-%s\n",
                    strempty(command));
}

/* ---- ended well, but gone
 * ----------------------------------------------------------------------------- */

static bool ended_well(const struct facts *facts)
{
    const struct facts_exit *e = main_exit(facts);
    unsigned type = service_type(facts);

    bool well = e ? e->code == CLD_EXITED && e->status == 0
                  : manager_said(facts, "Deactivated successfully") != NULL;

    return well && (type == SERVICE_TYPE_SIMPLE || type == SERVICE_TYPE_EXEC) &&
           facts_property_is(facts, "ActiveState", "inactive") &&
           facts_property_is(facts, "Result", "success") && !manager_said(facts, "Stopping");
}

/* A setting in the command or in a configuration file that it names that sends the program to the
 * background; a new string. */
static char *daemonize_setting(const struct facts *facts)
{
    static const char *const words[] = { "daemonize yes", "daemon on;", "daemonize=yes",
                                         "daemon = yes", "daemonize = yes" };
    static const char *const options[] = { "-d",           "--daemon", "--daemonize", "-D",
                                           "--background", "-B",       "--fork" };
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;

    STRV_FOREACH (a, c ? c->argv : NULL) {
        auto_free char *text = NULL;

        for (size_t i = 0; a != c->argv && i < ELEMENTSOF(options); i++)
            if (streq(*a, options[i]) || (startswith(*a, options[i]) && endswith(*a, "=yes")))
                return strdup(*a);
        if (facts->recorded || **a != '/' || a == c->argv ||
            file_read(*a, 1 << 20, &text, NULL) < 0)
            continue;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
            if (strstr(text, words[i]))
                return format("%s in %s", words[i], *a);
    }
    auto_free char *all = command_text(c);
    return all && strstr(all, "--daemonize yes") ? strdup("--daemonize yes") : NULL;
}

/* What keeps well-known programs in the foreground, which go to the background without. */
static const char *foreground_option(const char *program)
{
    static const struct {
        const char *program, *option;
    } known[] = {
        { "dnsmasq", "-k" },
        { "lighttpd", "-D" },
        { "sshd", "-D" },
        { "nginx", "-g 'daemon off;'" },
        { "apache2", "-DFOREGROUND" },
        { "httpd", "-DFOREGROUND" },
        { "redis-server", "--daemonize no" },
        { "memcached", "without -d" },
        { "haproxy", "-db, or -Ws, without -D" },
        { "named", "-f" },
        { "ntpd", "-n" },
        { "chronyd", "-d" },
        { "rsyslogd", "-n" },
        { "cron", "-f" },
        { "crond", "-f" },
        { "atd", "-f" },
        { "smbd", "-F" },
        { "nmbd", "-F" },
        { "squid", "-N" },
        { "snmpd", "-f" },
        { "proftpd", "-n" },
        { "stunnel", "foreground = yes" },
        { "stunnel4", "foreground = yes" },
        { "vsftpd", "background=NO" },
        { "slapd", "-d 0" },
        { "avahi-daemon", "without -D" },
        { "dbus-daemon", "--nofork" },
        { "mosquitto", "without -d" },
        { "unbound", "-d" },
        { "php-fpm", "--nodaemonize" },
        { "uwsgi", "without --daemonize" },
        { "gunicorn", "without --daemon" },
        { "supervisord", "-n" },
        { "inetd", "-d" },
        { "xinetd", "-dontfork" },
    };
    const char *name = path_basename(program);

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (streq(known[i].program, name))
            return known[i].option;
    return NULL;
}

void judge_simple_but_daemonizes(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    const struct trace_event *detached = NULL, *left = NULL;

    if (!ended_well(facts) || !c)
        return;
    auto_free char *setting = daemonize_setting(facts);
    const char *option = foreground_option(c->path);
    for (size_t i = 0; !detached && i < facts->n_trace; i++)
        if (streq(facts->trace[i].call, "setsid") && !facts->trace[i].error)
            detached = &facts->trace[i];
    /* It may be killed before it comes to that. */
    for (size_t i = 0; i < facts->n_trace; i++)
        if (streq(facts->trace[i].call, "exit_group") && facts->trace[i].pid == facts->trace[0].pid)
            left = &facts->trace[i];
    if (!detached)
        detached = left;
    if (!setting && !detached)
        return;
    find(f, SURE_PROVEN,
         "%s goes to the background%s%s%s and its first process ends: for the manager the service "
         "is over",
         c->path, setting ? " (" : "", strempty(setting), setting ? ")" : "");
    find_fact(f, "program", c->path);
    find_fact(f, "setting", setting);
    if (left)
        find_evidence(f, EVIDENCE_TRACE,
                      "the first process (%s) ended with 0, and %lld that it had started ran on",
                      left->comm, (long long) left->result);
    if (detached && detached != left)
        find_evidence(f, EVIDENCE_TRACE,
                      "setsid() = ok in the process %d (%s), which the first one left behind",
                      (int) detached->pid, detached->comm);
    exit_evidence(f, main_exit(facts));
    find_setting(f, facts, "Service", "ExecStart");
    if (setting)
        find_evidence(f, EVIDENCE_PROBE, "%s", setting);
    if (option)
        find_fix(f, "let it stay in the foreground: %s %s", path_basename(c->path), option);
    else
        find_fix(f, "let it stay in the foreground: %s",
                 setting && strstr(setting, "daemonize") ? "daemonize no"
                 : setting
                     ? "without that option"
                     : "its option is often --foreground, --no-daemon, --nofork, -f, -n or -D");
    find_fix_dropin(f, "or say that it goes to the background", "[Service]\nType=forking\n");
}

/* sh -c 'PROGRAM & ...' in the unit itself. */
static bool judge_inline_background(const struct facts *facts, struct finding *f,
                                    const struct exec_command *c)
{
    const char *script = strv_length(c->argv) > 2 && endswith(c->path, "sh") &&
                                 streq(c->argv[1], "-c")
                             ? c->argv[2]
                             : NULL;
    const char *at = script;

    while (at && (at = strchr(at, '&')) &&
           (at[1] == '&' || at[1] == '>' || isdigit((unsigned char) at[1]) ||
            (at > script && (at[-1] == '>' || at[-1] == '&'))))
        at += 1 + (at[1] == '&');
    if (!at || strstr(at, "wait"))
        return false;
    find(f, SURE_PROVEN + 0.01,
         "the shell starts the program in the background (&) and ends: for the manager the service "
         "is over");
    find_fact(f, "command", script);
    exit_evidence(f, main_exit(facts));
    find_setting(f, facts, "Service", "ExecStart");
    find_evidence(f, EVIDENCE_UNIT, "what stands before the & is left behind: %.*s&",
                  (int) (at - script), script);
    find_fix_dropin(f, "run it in the foreground, without a shell",
                    "[Service]\nExecStart=\nExecStart=%.*s\n", (int) (at - script), script);
    return true;
}

void judge_backgrounded_by_wrapper(struct facts *facts, struct finding *f)
{
    const struct exec_command *c = facts->config ? facts->config->service->exec_start : NULL;
    auto_free char *text = NULL, *last = NULL;

    if (!ended_well(facts) || !c || facts->recorded)
        return;
    if (judge_inline_background(facts, f, c))
        return;
    const char *path = c->path;
    STRV_FOREACH (a, c->argv)
        if (a != c->argv && **a == '/' && (strstr(c->path, "sh") || strstr(c->path, "env")))
            path = *a;
    if (!streq(probe_text(facts_probe(facts, "program", "%s", path), "kind"), "script") ||
        file_read(path, 1 << 20, &text, NULL) < 0)
        return;
    auto_strv char **lines = strv_split(text, "\n");
    STRV_FOREACH (line, lines) {
        char *s = strstrip(*line);

        if (*s && *s != '#' && !streq(s, "exit 0") && !startswith(s, "echo "))
            (void) str_replace(&last, s);
    }
    size_t n = last ? strlen(last) : 0;
    bool background = n > 1 &&
                      ((last[n - 1] == '&' && last[n - 2] != '&') || startswith(last, "nohup ") ||
                       strstr(last, "tmux new") || strstr(last, "screen -d"));
    if (!background)
        return;
    find(f, SURE_PROVEN + 0.01,
         "%s starts the program in the background and ends: for the manager the service is over",
         path);
    find_fact(f, "path", path);
    exit_evidence(f, main_exit(facts));
    find_evidence(f, EVIDENCE_PROBE, "its last command is: %s", last);
    find_fix(f, "begin the last line of %s with exec and take the & away: exec %.*s", path,
             (int) (last[n - 1] == '&' ? n - 1 : n), last);
    if (last[n - 1] == '&')
        find_fix_command(f, "let it wait for the program", "sed -i '$ s/ *& *$//' %s", path);
}

void judge_clean_exit_not_restarted(struct facts *facts, struct finding *f)
{
    if (!ended_well(facts) || !facts->config ||
        (facts->config->service->restart != RESTART_ON_FAILURE &&
         facts->config->service->restart != RESTART_ON_ABNORMAL &&
         facts->config->service->restart != RESTART_ON_ABORT))
        return;
    auto_free char *restart = facts_setting(facts, "Service", "Restart");
    find(f, SURE_LIKELY, "it ended with status 0, which Restart=%s does not take for a failure",
         strempty(restart));
    auto_free char *fact = format("Restart=%s", strempty(restart));
    find_fact(f, "setting", fact);
    exit_evidence(f, main_exit(facts));
    find_setting(f, facts, "Service", "Restart");
    judge_last_words(facts, f, 2);
    find_fix_dropin(f, "start it again whatever its status",
                    "[Service]\nRestart=always\nRestartSec=1\n");
    find_fix_dropin(f, "or, if it is done then", "[Service]\nType=oneshot\nRemainAfterExit=yes\n");
}

/* ---- what programs say, confirmed
 * --------------------------------------------------------------------- */

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
    exit_evidence(f, e);
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
        auto_free char *command = command_text(facts->config ? facts->config->service->exec_start
                                                             : NULL);
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

void judge_start_limit_mask(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = manager_said(facts, "Start request repeated too quickly");
    const struct facts_invocation *i = facts_explained(facts);
    bool refused = result_is(facts, "start-limit-hit");
    bool none_failed = refused && i && !i->launch.status && !facts_failed_exit(i);
    auto_free char *burst = facts_setting(facts, "Unit", "StartLimitBurst");
    auto_free char *interval = facts_setting(facts, "Unit", "StartLimitIntervalSec");

    if (!l && !refused)
        return;
    find(f, none_failed ? SURE_PROVEN : SURE_POSSIBLE,
         none_failed
             ? "no run of it failed, but it was started more often than %s times in %s, so the "
               "manager refused the last start"
             : "it was started more often than %s times in %s, so the manager refuses more; the "
               "first failure is what counts",
         burst ? burst : "5", interval ? interval : "10s");
    auto_free char *limit = format("StartLimitBurst=%s StartLimitIntervalSec=%s",
                                   burst ? burst : "5", interval ? interval : "10s");
    find_fact(f, "limit", limit);
    find_line(f, l);
    find_evidence(f, EVIDENCE_MANAGER, "Result=%s", strempty(facts_property(facts, "Result")));
    find_setting(f, facts, "Unit", "StartLimitBurst");
    find_setting(f, facts, "Unit", "StartLimitIntervalSec");
    find_fix_command(f, none_failed ? "let it start again" : "after the cause is mended",
                     "systemctl reset-failed %s", facts->unit);
    if (none_failed)
        find_fix_dropin(f, "and allow as many starts as it is meant to have",
                        "[Unit]\nStartLimitIntervalSec=0\n");
    else
        find_not(f, "raising StartLimitBurst=: it only hides the cause longer");
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

    if ((!l && !e) || !facts_failed_exit(facts_explained(facts)))
        return;
    json_t *p = port ? facts_probe(facts, "port", "tcp 0.0.0.0:%u", port) : NULL;
    bool ours = p && streq(probe_text(p, "unit"), facts->unit);
    if (!l && !ours)
        return;
    find(f, ours || !port ? SURE_DECISIVE + 0.002 : SURE_LIKELY,
         "processes of an earlier run were still there (KillMode=%s), and hold what the new one "
         "wants",
         mode ? mode : "control-group");
    auto_free char *fact = format("KillMode=%s", mode ? mode : "control-group");
    find_fact(f, "setting", fact);
    find_line(f, l);
    find_call(f, e);
    if (port)
        find_fact_number(f, "port", port);
    if (ours)
        find_evidence(f, EVIDENCE_PROBE, "port %u is held by pid %lld (%s) of this unit", port,
                      probe_number(p, "pid"), probe_text(p, "comm"));
    judge_last_words(facts, f, 1);
    find_setting(f, facts, "Service", "KillMode");
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

/* ---- runs, but serves nothing
 * ------------------------------------------------------------------------- */

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

void judge_running_not_serving(struct facts *facts, struct finding *f)
{
    unsigned port;

    if (!facts_property_is(facts, "ActiveState", "active") ||
        facts_property_number(facts, "MainPID", 0) == 0)
        return;
    port = judge_port_of_command(facts);
    if (!port || !(judge_said(facts, "in use") || judge_program_has(facts, "listen") ||
                   judge_program_has(facts, "bind") || judge_program_has(facts, "create_server") ||
                   serves_nobody(facts, port)))
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
