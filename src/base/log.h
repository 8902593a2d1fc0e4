/* base/log.h -- what the program itself has to say.
 *
 * A line goes to standard error with a priority (syslog(3) LOG_*); the manager installs a sink that
 * carries structured fields to the collector as well. The function that decides what a failure
 * means logs it, once; library code returns errors and stays silent. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <syslog.h>

#include "base/macro.h"

/* One line: `fields` is NULL or a NULL-terminated array of "NAME=value" that belong to it. */
typedef void (*log_sink)(int priority, const char *text, char *const *fields, void *userdata);

/* Lines above this priority number are dropped; LOG_INFO at first. The second is for what a
 * configuration says: it has no effect once somebody has asked for another. */
void log_set_max_priority(int priority);
void log_set_default_priority(int priority);
bool log_priority_is_asked_for(void);
int log_max_priority(void);
/* Replaces the sink; NULL restores standard error. */
void log_set_sink(log_sink sink, void *userdata);
/* What standard-error lines begin with ("reeve"), or NULL for nothing. The string is not copied. */
void log_set_prefix(const char *program);

void log_line(int priority, const char *fmt, ...) _printf_(2, 3);
/* With fields: an array as log_sink takes it. */
void log_fields(int priority, char *const *fields, const char *fmt, ...) _printf_(3, 4);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
