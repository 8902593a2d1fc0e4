#include "manager/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "journal/client.h"
#include "manager/private.h"
#include "unit/config.h"

#define PRIORITY_EMERG LOG_EMERG
#define PRIORITY_ERR LOG_ERR
#define PRIORITY_WARNING LOG_WARNING
#define PRIORITY_NOTICE LOG_NOTICE
#define PRIORITY_INFO LOG_INFO
#define PRIORITY_DEBUG LOG_DEBUG

static const struct {
    const char *id;
    int priority;
    const char *text;
} rows[MESSAGE_MAX] = {
#define MSG(name, id, level, text) [MSG_##name] = { id, PRIORITY_##level, text },
#include "manager/messages.def"
#undef MSG
};

/* Replaces {NAME} by the field of that name. */
static char *expand(const char *text, char *const *fields)
{
    auto_strbuf struct strbuf b = { 0 };

    while (*text) {
        const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL;

        if (!close) {
            strbuf_add(&b, text);
            break;
        }
        strbuf_add_n(&b, text, (size_t) (open - text));
        auto_free char *name = memdup0(open + 1, (size_t) (close - open - 1));
        const char *value = name ? strv_env_get(fields, name) : NULL;
        strbuf_add(&b, strempty(value));
        text = close + 1;
    }
    return strbuf_take(&b);
}

static void add_unit_fields(char ***fields, struct unit *u)
{
    char id[ID128_TEXT_MAX];
    bool user = u->manager->user;

    strv_addf(fields, "%s=%s", user ? "USER_UNIT" : "UNIT", u->id);
    /* Empty where there was none: of a start that was skipped, as systemd has it. */
    strv_addf(fields, "%s=%s", user ? "USER_INVOCATION_ID" : "INVOCATION_ID",
              id128_is_null(u->invocation) ? "" : id128_format(u->invocation, id));
}

/* To the journal with all fields; the collector writes it to the console as one line. Without a
 * collector that writes there it goes to standard error. */
static void emit(struct unit *u, int priority, const char *text, char ***fields)
{
    struct manager *m = u->manager;
    bool sent = false;

    if (m->collector && !m->test) {
        strv_addf(fields, "MESSAGE=%s", text);
        strv_addf(fields, "PRIORITY=%d", priority);
        /* systemd.exec(5), LogExtraFields=: of what the manager says of the unit, too. */
        if (u->config && u->config->exec)
            (void) strv_extend(fields, u->config->exec->log_extra_fields, false);
        sent = collector_send_message(m->collector, *fields) >= 0;
    }
    if (!sent || !m->console || streq(m->console, "none"))
        log_line(priority, "%s", text);
}

/* systemd.exec(5), LogLevelMax=: of what the manager says of the unit, too. */
bool unit_says(const struct unit *u, int priority)
{
    if (priority > log_max_priority() && priority >= LOG_DEBUG)
        return false;
    return !u->config || !u->config->exec || u->config->exec->log_level_max < 0 ||
           priority <= u->config->exec->log_level_max;
}

/* The message with these fields, and those that all have. `part` is {PART} of its text; NULL. */
static void say(struct unit *u, enum message msg, int priority, int error, const char *part,
                char ***fields)
{
    if (*rows[msg].id)
        strv_addf(fields, "MESSAGE_ID=%s", rows[msg].id);
    add_unit_fields(fields, u);
    if (u->job && msg <= MSG_JOB_LAST) {
        strv_addf(fields, "JOB_ID=%u", u->job->id);
        strv_addf(fields, "JOB_TYPE=%s", job_type_name(u->job->type));
    }
    if (error)
        strv_addf(fields, "ERRNO=%d", abs(error));

    /* For the text alone, and not sent. */
    auto_strv char **words = strv_copy(*fields);
    strv_addf(&words, "UNIT=%s", u->id);
    strv_addf(&words, "STATUS_NAME=%s", unit_status_string(u));
    if (part)
        strv_addf(&words, "PART=%s", part);
    if (error)
        strv_addf(&words, "ERROR=%s", strerror(abs(error)));
    auto_free char *text = expand(rows[msg].text, words);
    emit(u, priority, text ? text : rows[msg].text, fields);
}

static void log_message(struct unit *u, enum message msg, int priority, int error, va_list ap)
{
    auto_strv char **fields = NULL;
    const char *name;

    if (!unit_says(u, priority))
        return;
    while ((name = va_arg(ap, const char *))) {
        const char *value = va_arg(ap, const char *);

        if (value)
            strv_addf(&fields, "%s=%s", name, value);
    }
    say(u, msg, priority, error, NULL, &fields);
}

int unit_log(struct unit *u, enum message msg, int error, ...)
{
    va_list ap;

    va_start(ap, error);
    log_message(u, msg, rows[msg].priority, error, ap);
    va_end(ap);
    return error;
}

int unit_log_at(struct unit *u, enum message msg, int priority, int error, ...)
{
    va_list ap;

    va_start(ap, error);
    log_message(u, msg, priority, error, ap);
    va_end(ap);
    return error;
}

void unit_log_fields(struct unit *u, enum message msg, int priority, const char *part,
                     char ***fields)
{
    if (unit_says(u, priority))
        say(u, msg, priority, 0, part, fields);
}

void unit_log_text(struct unit *u, int priority, const char *fmt, ...)
{
    auto_strv char **fields = NULL;
    va_list ap;

    if (!unit_says(u, priority))
        return;
    va_start(ap, fmt);
    auto_free char *body = vformat(fmt, ap);
    va_end(ap);
    auto_free char *text = body ? format("%s: %s", u->id, body) : NULL;
    add_unit_fields(&fields, u);
    emit(u, priority, text ? text : fmt, &fields);
}

/* ---- jobs ---- */

static enum message begin_message(enum job_type t)
{
    return t == JOB_START    ? MSG_UNIT_STARTING
           : t == JOB_RELOAD ? MSG_UNIT_RELOADING
                             : MSG_UNIT_STOPPING;
}

/* Only where something is under way: what is up at once has one message, at its end. */
void unit_message_job_begin(struct unit *u, enum job_type t)
{
    enum active_state s = unit_active_state(u);

    if (u->type == UNIT_TARGET || u->type == UNIT_SLICE || u->type == UNIT_DEVICE ||
        (u->job && u->job->begun))
        return;
    if ((t == JOB_START && s != ACTIVE_ACTIVATING) ||
        ((t == JOB_STOP || t == JOB_RESTART) && s != ACTIVE_DEACTIVATING && !unit_stop_pending(u)))
        return;
    unit_log(u, begin_message(t), 0, NULL);
}

void unit_message_start_begins(struct unit *u)
{
    if (!u->job || u->job->type != JOB_START || u->job->state != JOB_RUNNING || u->job->begun)
        return;
    unit_log(u, begin_message(JOB_START), 0, NULL);
    u->job->begun = true;
}

static enum message done_message(const struct unit *u, enum job_type t)
{
    if (t == JOB_RELOAD || t == JOB_TRY_RELOAD)
        return MSG_UNIT_RELOADED;
    bool start = t == JOB_START || t == JOB_VERIFY_ACTIVE;

    switch ((enum unit_type) u->type) {
    case UNIT_TARGET:
        return start ? MSG_UNIT_REACHED : MSG_UNIT_STOPPED_TARGET;
    case UNIT_SLICE:
        return start ? MSG_UNIT_CREATED_SLICE : MSG_UNIT_REMOVED_SLICE;
    case UNIT_SOCKET:
        return start ? MSG_UNIT_LISTENING : MSG_UNIT_CLOSED;
    case UNIT_MOUNT:
        return start ? MSG_UNIT_MOUNTED : MSG_UNIT_UNMOUNTED;
    case UNIT_SERVICE:
    case UNIT_SWAP:
    case UNIT_DEVICE:
    case UNIT_AUTOMOUNT:
    case UNIT_TIMER:
    case UNIT_PATH:
    case UNIT_SCOPE:
    case UNIT_TYPE_MAX:
        break;
    }
    if (start && u->ops->starts_finish && u->ops->starts_finish(u))
        return MSG_UNIT_FINISHED;
    return start ? MSG_UNIT_STARTED : MSG_UNIT_STOPPED;
}

static int end_message(const struct unit *u, enum job_type t, enum job_result r)
{
    static const signed char start[JOB_RESULT_MAX] = {
        [JOB_DONE] = -2,
        [JOB_CANCELED] = -1,
        [JOB_TIMEOUT] = MSG_UNIT_START_TIMEOUT,
        [JOB_FAILED] = MSG_UNIT_START_FAILED,
        [JOB_DEPENDENCY] = MSG_UNIT_START_DEPENDENCY,
        [JOB_SKIPPED] = -1,
        [JOB_INVALID] = -1,
        [JOB_ASSERT] = MSG_UNIT_START_ASSERT,
        [JOB_UNSUPPORTED] = MSG_UNIT_START_UNSUPPORTED,
        [JOB_COLLECTED] = -1,
        [JOB_ONCE] = MSG_UNIT_START_ONCE,
        [JOB_FROZEN] = -1,
        [JOB_CONCURRENCY] = -1,
    };

    if (r == JOB_DONE)
        return done_message(u, t);
    if (r == JOB_FAILED && u->type == UNIT_SOCKET && t == JOB_START)
        return MSG_UNIT_LISTEN_FAILED;
    if (t == JOB_START || t == JOB_VERIFY_ACTIVE)
        return start[r];
    if (t == JOB_STOP || t == JOB_RESTART)
        return r == JOB_TIMEOUT  ? MSG_UNIT_STOP_TIMEOUT
               : r == JOB_FAILED ? MSG_UNIT_STOP_FAILED
                                 : -1;
    return r == JOB_TIMEOUT  ? MSG_UNIT_RELOAD_TIMEOUT
           : r == JOB_FAILED ? MSG_UNIT_RELOAD_FAILED
                             : -1;
}

void unit_message_job_end(struct unit *u, struct job *j, enum job_type t, enum job_result r)
{
    if (t == JOB_NOP || t == JOB_VERIFY_ACTIVE)
        return;
    if (r == JOB_DONE && t == JOB_START && u->condition_result == TRIED_FALSE &&
        inactive_or_failed(unit_active_state(u))) {
        /* Else it was a command of ExecCondition=. */
        unit_log(u, u->condition_failed ? MSG_UNIT_START_SKIPPED : MSG_UNIT_START_CHECKED, 0,
                 "CONDITION", strempty(u->condition_failed), "JOB_RESULT", job_result_name(r),
                 NULL);
        return;
    }

    int msg = end_message(u, t, r);
    if (msg < 0)
        return;
    unit_log(u, (enum message) msg, 0, "JOB_RESULT", job_result_name(r), "ASSERT",
             r == JOB_ASSERT ? u->assert_failed : NULL, NULL);
    if (t == JOB_START && r == JOB_FAILED)
        unit_log_text(u, LOG_DEBUG, "See 'reeve status %s' and 'reeve why %s'.", u->id, u->id);
}

void unit_message_success(struct unit *u)
{
    unit_log_at(u, MSG_UNIT_SUCCESS, u->manager->user ? LOG_DEBUG : LOG_INFO, 0, NULL);
}
