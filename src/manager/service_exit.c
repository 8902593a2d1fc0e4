#include "manager/service_exit.h"

#include <signal.h>
#include <stdio.h>

#include "base/names.h"
#include "launch/exec_status.h"

/* Names of exit statuses: of the C library, of LSB init scripts, of sysexits.h, and systemd's. */
static const char *const status_names[256] = {
    [0] = "SUCCESS",      [1] = "FAILURE",      [2] = "INVALIDARGUMENT", [3] = "NOTIMPLEMENTED",
    [4] = "NOPERMISSION", [5] = "NOTINSTALLED", [6] = "NOTCONFIGURED",   [7] = "NOTRUNNING",
    [64] = "USAGE",       [65] = "DATAERR",     [66] = "NOINPUT",        [67] = "NOUSER",
    [68] = "NOHOST",      [69] = "UNAVAILABLE", [70] = "SOFTWARE",       [71] = "OSERR",
    [72] = "OSFILE",      [73] = "CANTCREAT",   [74] = "IOERR",          [75] = "TEMPFAIL",
    [76] = "PROTOCOL",    [77] = "NOPERM",      [78] = "CONFIG",         [255] = "EXCEPTION",
};

static bool has_status(const struct exit_status_set *set, int status)
{
    return set && status >= 0 && status <= 255 && (set->statuses[status / 64] >> (status % 64) & 1);
}

static bool has_signal(const struct exit_status_set *set, int signo)
{
    return set && signo > 0 && signo <= 64 && (set->signals >> (signo % 64) & 1);
}

enum service_result service_exit_result(int code, int status, bool daemon,
                                        const struct exit_status_set *success)
{
    if (code == CLD_EXITED)
        return status == 0 || has_status(success, status) ? RESULT_SUCCESS : RESULT_EXIT_CODE;
    if (code == CLD_DUMPED)
        return RESULT_CORE_DUMP;
    if (daemon && (status == SIGHUP || status == SIGINT || status == SIGTERM || status == SIGPIPE))
        return RESULT_SUCCESS;
    return has_signal(success, status) ? RESULT_SUCCESS : RESULT_SIGNAL;
}

bool service_exit_matches(int code, int status, const struct exit_status_set *set)
{
    if (code == CLD_EXITED)
        return has_status(set, status);
    return (code == CLD_KILLED || code == CLD_DUMPED) && has_signal(set, status);
}

const char *service_exit_code_name(int code)
{
    return code == CLD_EXITED   ? "exited"
           : code == CLD_KILLED ? "killed"
           : code == CLD_DUMPED ? "dumped"
                                : "invalid";
}

const char *service_exit_status_text(int code, int status, char text[static EXIT_TEXT_MAX])
{
    if (code == CLD_EXITED)
        snprintf(text, EXIT_TEXT_MAX, "%d", status);
    else
        snprintf(text, EXIT_TEXT_MAX, "%s", signal_name(status));
    return text;
}

const char *service_exit_long_text(int code, int status, char text[static EXIT_TEXT_MAX])
{
    const char *name;

    if (code != CLD_EXITED)
        name = signal_name(status);
    else if ((name = exec_status_name(status)) == NULL)
        name = status >= 0 && status <= 255 && status_names[status] ? status_names[status] : "n/a";
    snprintf(text, EXIT_TEXT_MAX, "%d/%s", status, name);
    return text;
}
