/* manager/message.h -- what the manager says about units, as rows of messages.def. */
#pragma once

#include <stdbool.h>
#include <syslog.h>

#include "base/macro.h"

struct unit;

enum message {
#define MSG(name, id, level, text) MSG_##name,
#include "manager/messages.def"
#undef MSG
    MESSAGE_MAX,
    MSG_JOB_LAST = MSG_UNIT_RELOAD_TIMEOUT, /* up to here a job begins or has ended */
};

/* Says it: to the journal with UNIT=, INVOCATION_ID=, MESSAGE_ID=, in the messages of jobs those of
 * the job, and the fields given ("NAME", value, ... NULL; a NULL value leaves the field out), and
 * to the console. `error` is a negative errno for {ERROR} and ERRNO=, or 0. Returns `error`. Never
 * fails: where memory is out the line goes out without its fields. */
int unit_log(struct unit *u, enum message m, int error, ... /* field, value, NULL */)
    __attribute__((sentinel));
/* The same at another priority (syslog(3)) than the row's. */
int unit_log_at(struct unit *u, enum message m, int priority, int error, ...)
    __attribute__((sentinel));

/* The same with a list of fields ("NAME=value"), which grows; `part` is {PART} in the row's text.
 */
void unit_log_fields(struct unit *u, enum message m, int priority, const char *part,
                     char ***fields);
/* Whether the unit says anything of this priority. */
bool unit_says(const struct unit *u, int priority);

/* A line of its own: "nginx.service: " and the text, with UNIT= and INVOCATION_ID=. */
void unit_log_text(struct unit *u, int priority, const char *fmt, ...) _printf_(3, 4);

/* That the start which the unit's job is about begins, before anything is done: of one that takes
 * time. */
void unit_message_start_begins(struct unit *u);
/* The unit has ended well: said to those who debug it alone where the manager is a user's. */
void unit_message_success(struct unit *u);
