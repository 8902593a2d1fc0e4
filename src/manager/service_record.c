/* What is kept of an invocation that has ended: at most 2 KiB. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/service.h"

/* Three texts and the notification history (at most 12 lines of some 150 bytes, usually far less)
 * are what makes a record large. */
#define RECORD_TEXT_MAX 200
#define RECORD_NOTIFICATIONS_MAX 1200

/* A copy cut to what a record may hold, at the end of a character; NULL for NULL. */
static char *copy_bounded(const char *text)
{
    if (!text)
        return NULL;
    size_t n = strlen(text);
    if (n > RECORD_TEXT_MAX) {
        n = RECORD_TEXT_MAX;
        while (n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80)
            n--;
    }
    return memdup0(text, n);
}

/* The newest lines that fit. */
static char **bounded_history(const struct service *s)
{
    auto_strv char **all = service_notify_history(s);
    size_t n = strv_length(all), first = n, size = 0;

    while (first > 0 && (size += strlen(all[first - 1]) + 1) <= RECORD_NOTIFICATIONS_MAX)
        first--;
    return n > first ? strv_copy(all + first) : NULL;
}

static void add_texts(struct invocation_record *r, const struct service *s)
{
    auto_strv char **notifications = bounded_history(s);

    if (!s->failed_object && !s->failed_directive && !s->status_text && !notifications)
        return;
    struct record_texts *texts = invocation_record_texts(r);
    if (!texts)
        return;
    texts->object = copy_bounded(s->failed_object);
    texts->directive = copy_bounded(s->failed_directive);
    texts->status_text = copy_bounded(s->status_text);
    texts->notifications = take_ptr(notifications);
}

void service_record_end(struct service *s)
{
    struct invocation_record *r = invocation_record_new();

    if (!r)
        return; /* evidence is lost, the service goes on */
    r->id = s->unit.invocation;
    r->started = s->unit.inactive_exit;
    r->ended = dual_now();
    r->result = service_result_name(s->result);
    r->failed = s->result != RESULT_SUCCESS && s->result != RESULT_EXEC_CONDITION;
    r->main_pid = s->main_exec.pid;
    r->exit_code = (unsigned) s->main_exec.code & 15;
    r->exit_status = (uint8_t) s->main_exec.status;
    if (s->failed_phase != NO_PHASE) {
        r->command = service_phase_name(s->failed_phase);
        r->command_index = s->failed_index;
        if (s->failed_phase != SPAWN_START || s->main_exec.pid == 0) {
            r->exit_code = (unsigned) s->control_exec.code & 15;
            r->exit_status = (uint8_t) s->control_exec.status;
        }
    }
    r->exec_status = (uint8_t) s->failed_step;
    r->error = (int16_t) s->failed_error;
    r->notify_errno = s->status_errno;
    add_texts(r, s);
    unit_add_record(UNIT(s), r);
}
