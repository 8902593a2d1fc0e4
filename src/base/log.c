#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static int max_priority = LOG_INFO;
static bool asked_for;
static log_sink current_sink;
static void *sink_userdata;
static const char *prefix;

void log_set_max_priority(int priority)
{
    max_priority = priority;
    asked_for = true;
}

void log_set_default_priority(int priority)
{
    if (!asked_for)
        max_priority = priority;
}

bool log_priority_is_asked_for(void)
{
    return asked_for;
}

int log_max_priority(void)
{
    return max_priority;
}

void log_set_sink(log_sink sink, void *userdata)
{
    current_sink = sink;
    sink_userdata = userdata;
}

void log_set_prefix(const char *program)
{
    prefix = program;
}

static void log_valist(int priority, char *const *fields, const char *fmt, va_list ap)
{
    char text[4096];
    int saved = errno;

    if (LOG_PRI(priority) > max_priority)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    if (current_sink)
        current_sink(priority, text, fields, sink_userdata);
    else
        dprintf(STDERR_FILENO, "%s%s%s\n", prefix ? prefix : "", prefix ? ": " : "", text);
    errno = saved;
}

void log_line(int priority, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_valist(priority, NULL, fmt, ap);
    va_end(ap);
}

void log_fields(int priority, char *const *fields, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_valist(priority, fields, fmt, ap);
    va_end(ap);
}
