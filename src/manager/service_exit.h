/* manager/service_exit.h -- what the end of a process means (systemd.service(5), SuccessExitStatus=
 * and Restart=; systemd.exec(5), PROCESS EXIT CODES).
 *
 * `code` and `status` are what waitid(2) gives: CLD_EXITED and the exit status, or CLD_KILLED or
 * CLD_DUMPED and the signal. */
#pragma once

#include <stdbool.h>

#include "manager/service_state.h"

/* RESULT_SUCCESS, _EXIT_CODE, _SIGNAL or _CORE_DUMP. A process of a `daemon` (all but those of
 * Type=oneshot) may be ended by SIGHUP, SIGINT, SIGTERM and SIGPIPE and was successful; a core dump
 * never is success, whatever `success` holds. `success` may be NULL. */
enum service_result service_exit_result(int code, int status, bool daemon,
                                        const struct exit_status_set *success);

/* Whether RestartPreventExitStatus= or RestartForceExitStatus= name this end. `set` may be NULL;
 * code 0 (no process has ended) is in no set. */
bool service_exit_matches(int code, int status, const struct exit_status_set *set);

/* "exited", "killed", "dumped": EXIT_CODE= of the journal and $EXIT_CODE. */
const char *service_exit_code_name(int code);

#define EXIT_TEXT_MAX 24
/* What $EXIT_STATUS holds: "1", or "TERM". Returns `text`. */
const char *service_exit_status_text(int code, int status, char text[static EXIT_TEXT_MAX]);
/* "1/FAILURE", "15/TERM", "9/n/a": as messages and `status` show it. Returns `text`. */
const char *service_exit_long_text(int code, int status, char text[static EXIT_TEXT_MAX]);
