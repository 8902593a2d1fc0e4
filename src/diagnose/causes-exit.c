/* Causes that the manager's record of exits, stops and starts shows. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/cause.h"
#include "diagnose/judge.h"
#include "diagnose/probe.h"

void judge_watchdog_expired(struct facts *facts, struct finding *f)
{
    if (!judge_result_is(facts, "watchdog"))
        return;
    const struct facts_invocation *i = facts_explained(facts);
    bool pinged = false;
    for (size_t k = 0; i && k < i->n_notifies; k++)
        pinged = pinged || strstr(i->notifies[k].text, "WATCHDOG=1");
    find(f, SURE_DECISIVE,
         pinged ? "it stopped to ping the watchdog within WatchdogSec="
                : "WatchdogSec= is set, but the program never pinged");
    find_fact(f, "directive", "WatchdogSec");
    find_line(f, judge_manager_said(facts, "Watchdog timeout"));
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
    if (!judge_result_is(facts, "oom-kill"))
        return;
    find(f, SURE_DECISIVE, "the kernel killed it since memory was out");
    find_line(f, judge_manager_said(facts, "OOM killer"));
    find_setting(f, facts, "Service", "MemoryMax");
    judge_exit_evidence(f, judge_main_exit(facts));
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
    judge_exit_evidence(f, e);
    find_setting(f, facts, "Service", directive);
    find_fix_dropin(f, "allow more", "[Service]\n%s=infinity\n", directive);
}

/* The signal that ended the main process; 0. Of one that counts as a clean end the manager does not
 * speak, but keeps it, and says "Deactivated" only where nobody had it stopped. */
static int ending_signal(const struct facts *facts)
{
    const struct facts_exit *e = judge_main_exit(facts);

    if (e)
        return e->code == CLD_EXITED ? 0 : e->status;
    return facts_property_is(facts, "ActiveState", "inactive") &&
                   facts_property_number(facts, "ExecMainCode", 0) == CLD_KILLED &&
                   judge_manager_said(facts, "Deactivated")
               ? (int) facts_property_number(facts, "ExecMainStatus", 0)
               : 0;
}

void judge_killed_by_outsider(struct facts *facts, struct finding *f)
{
    /* Others than these come from within: of a fault, a limit, a filter, a timer. */
    static const int sent[] = { SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
    int signo = ending_signal(facts);
    bool is_sent = false;

    for (size_t i = 0; i < ELEMENTSOF(sent); i++)
        is_sent = is_sent || signo == sent[i];
    if (!is_sent || (!judge_result_is(facts, "signal") && signo == SIGKILL) ||
        judge_result_is(facts, "timeout") || judge_result_is(facts, "oom-kill") ||
        judge_result_is(facts, "watchdog") || judge_manager_said(facts, "Stopping"))
        return;
    find(f, SURE_LIKELY + 0.05,
         "somebody else sent it SIG%s: the manager did not, and memory was not out",
         signal_name(signo));
    find_fact(f, "signal", signal_name(signo));
    if (judge_main_exit(facts))
        judge_exit_evidence(f, judge_main_exit(facts));
    else
        find_evidence(f, EVIDENCE_EXIT, "ExecStart was ended by SIG%s, which counts as clean",
                      signal_name(signo));
    find_evidence(f, EVIDENCE_MANAGER, "Result=%s: no stop, no timeout, no watchdog, no OOM kill",
                  strempty(facts_property(facts, "Result")));
    find_fix(f, "look for what kills by name: cron jobs, pkill, killall, other units (grep -r kill "
                "/etc/cron* /etc/systemd)");
    bool clean = facts_property_is(facts, "Result", "success");
    find_fix_dropin(f, "and let it come back",
                    clean ? "[Service]\nRestart=always\n" : "[Service]\nRestart=on-failure\n");
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
    judge_exit_evidence(f, e);
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
    if (!crash && !judge_result_is(facts, "watchdog"))
        judge_panic(facts, e, f);
    if (!crash || judge_result_is(facts, "watchdog"))
        return;
    find(f, SURE_LIKELY + 0.05, "it crashed: SIG%s%s", signal_name(e->status),
         e->code == CLD_DUMPED ? ", with a core dump" : "");
    auto_free char *name = format("SIG%s", signal_name(e->status));
    find_fact(f, "signal", name);
    judge_exit_evidence(f, e);
    judge_last_words(facts, f, 3);
    find_fix(f, "get a backtrace (coredumpctl gdb, or gdb with the core) and report it to the "
                "program's authors; try an update");
    if (e->status == SIGILL)
        find_fix(f, "an illegal instruction is often a build for a newer processor");
}

void judge_stop_143(struct facts *facts, struct finding *f)
{
    const struct facts_exit *e = judge_main_exit(facts);
    bool stopped = judge_manager_said(facts, "Stopping") || judge_manager_said(facts, "Stopped");

    if (!e || e->code != CLD_EXITED || (e->status != 143 && e->status != 130 && e->status != 137))
        return;
    find(f, stopped ? SURE_PROVEN : SURE_LIKELY,
         "exit status %d is 128 + %d: it ended by the SIG%s that stopped it, which is no failure",
         e->status, e->status - 128, signal_name(e->status - 128));
    find_fact_number(f, "status", e->status);
    judge_exit_evidence(f, e);
    find_fix_dropin(f, "say so", "[Service]\nSuccessExitStatus=%d\n", e->status);
}

void judge_stop_timeout(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = judge_manager_said(facts, "State 'stop-sigterm' timed out");

    if (!l)
        l = judge_manager_said(facts, "State 'final-sigterm' timed out");
    if (!l)
        return;
    find(f, SURE_PROVEN, "it did not end on SIGTERM within TimeoutStopSec=, and was %s",
         strstr(l->text, "Skipping") ? "left running" : "killed");
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
    const struct facts_line *l = judge_manager_said(facts, "runtime time limit");

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
        judge_main_exit(facts))
        return;
    const struct exec_command *c = facts->config ? facts->config->service->exec_start_pre : NULL;
    for (unsigned k = 0; c && k < e->index; k++)
        c = c->next;
    auto_free char *command = judge_command_text(c);
    find(f, SURE_LIKELY + 0.15,
         "ExecStartPre= (%s) exited with status %d, so the program was never started",
         strempty(command), e->status);
    find_fact(f, "command", command);
    find_fact(f, "directive", "ExecStartPre");
    judge_exit_evidence(f, e);
    find_setting(f, facts, "Service", "ExecStartPre");
    judge_last_words(facts, f, 4);
    const struct facts_line *last = NULL, *l;
    for (size_t at = 0; (l = facts_next_line(facts, facts_explained(facts), false, &at));)
        last = l;
    find_fix(f, "make the check pass%s%s", last ? ": " : "", last ? strempty(last->text) : "");
    find_fix_dropin(f, "or start all the same", "[Service]\nExecStartPre=\nExecStartPre=-%s\n",
                    strempty(command));
}

static bool ended_well(const struct facts *facts)
{
    const struct facts_exit *e = judge_main_exit(facts);
    unsigned type = judge_service_type(facts);

    bool well = e ? e->code == CLD_EXITED && e->status == 0
                  : judge_manager_said(facts, "Deactivated successfully") != NULL;

    return well && (type == SERVICE_TYPE_SIMPLE || type == SERVICE_TYPE_EXEC) &&
           facts_property_is(facts, "ActiveState", "inactive") &&
           facts_property_is(facts, "Result", "success") && !judge_manager_said(facts, "Stopping");
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
    auto_free char *all = judge_command_text(c);
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
    judge_exit_evidence(f, judge_main_exit(facts));
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
    judge_exit_evidence(f, judge_main_exit(facts));
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
    judge_exit_evidence(f, judge_main_exit(facts));
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
    judge_exit_evidence(f, judge_main_exit(facts));
    find_setting(f, facts, "Service", "Restart");
    judge_last_words(facts, f, 2);
    find_fix_dropin(f, "start it again whatever its status",
                    "[Service]\nRestart=always\nRestartSec=1\n");
    find_fix_dropin(f, "or, if it is done then", "[Service]\nType=oneshot\nRemainAfterExit=yes\n");
}

void judge_start_limit_mask(struct facts *facts, struct finding *f)
{
    const struct facts_line *l = judge_manager_said(facts, "Start request repeated too quickly");
    const struct facts_invocation *i = facts_explained(facts);
    bool refused = judge_result_is(facts, "start-limit-hit");
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
