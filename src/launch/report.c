/* launch/report.c -- the launch report: records written by the child, read by the manager. */
#include "launch/report.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/time.h"

enum record_type {
    RECORD_STEP,
    RECORD_DEGRADED,
    RECORD_IDENTITY,
    RECORD_DYNAMIC_USER,
    RECORD_FAILED,
    RECORD_EXECVE,
    RECORD_TYPE_MAX,
};

/* Followed by object, directive and detail, each with its NUL. */
struct record {
    uint16_t size; /* of all of it */
    uint8_t type, exec;
    int32_t step, error;
    uint32_t uid, gid;
    uint64_t at; /* CLOCK_MONOTONIC, usec */
};

#define TEXTS_MAX (PIPE_BUF - sizeof(struct record))

/* ---- the child's side ---- */

static void add_text(char *texts, size_t *used, const char *text, size_t reserve)
{
    size_t room = TEXTS_MAX - *used - reserve - 1, n = strnlen(strempty(text), room);

    memcpy(texts + *used, strempty(text), n);
    texts[*used + n] = 0;
    *used += n + 1;
}

static void send_record(int fd, struct record *r, const char *object, const char *directive,
                        const char *detail)
{
    struct {
        struct record record;
        char texts[TEXTS_MAX];
    } whole;
    size_t used = 0;

    if (fd < 0)
        return;
    add_text(whole.texts, &used, object, 600);
    add_text(whole.texts, &used, directive, 520);
    add_text(whole.texts, &used, detail, 0);
    r->size = (uint16_t) (sizeof *r + used);
    r->at = now_usec(CLOCK_MONOTONIC);
    whole.record = *r;
    ssize_t n;
    do
        n = write(fd, &whole, r->size);
    while (n < 0 && errno == EINTR);
}

void report_step(int fd, enum exec_status step)
{
    struct record r = { .type = RECORD_STEP, .step = (int32_t) step };

    send_record(fd, &r, NULL, NULL, NULL);
}

void report_degraded(int fd, const char *directive, int error, const char *object)
{
    struct record r = { .type = RECORD_DEGRADED, .error = error };

    send_record(fd, &r, object, directive, NULL);
}

void report_identity(int fd, uid_t uid, gid_t gid)
{
    struct record r = { .type = RECORD_IDENTITY, .uid = uid, .gid = gid };

    send_record(fd, &r, NULL, NULL, NULL);
}

void report_dynamic_user(int fd, uid_t uid)
{
    struct record r = { .type = RECORD_DYNAMIC_USER, .uid = uid };

    send_record(fd, &r, NULL, NULL, NULL);
}

void report_failed(int fd, const struct failure *f)
{
    struct record r = { .type = RECORD_FAILED,
                        .exec = (uint8_t) f->exec,
                        .step = (int32_t) f->step,
                        .error = f->error };

    send_record(fd, &r, f->object, f->directive, f->detail);
}

void report_execve(int fd)
{
    struct record r = { .type = RECORD_EXECVE };

    send_record(fd, &r, NULL, NULL, NULL);
}

/* ---- the manager's side ---- */

static int set_text(char **p, const char *text)
{
    return str_replace(p, isempty(text) ? NULL : text);
}

static int add_degraded(struct spawn_report *r, const struct record *record, const char *object,
                        const char *directive)
{
    for (size_t i = 0; i < r->n_degraded; i++)
        if (streq(r->degraded[i].directive, directive) &&
            streq_ptr(r->degraded[i].object, isempty(object) ? NULL : object))
            return 0;
    struct spawn_degraded *all = reallocarray(r->degraded, r->n_degraded + 1, sizeof *r->degraded);
    if (!all)
        return -ENOMEM;
    r->degraded = all;

    struct spawn_degraded d = { .error = record->error, .directive = strdup(directive) };
    if (!d.directive || set_text(&d.object, object) < 0) {
        free(d.directive);
        return -ENOMEM;
    }
    r->degraded[r->n_degraded++] = d;
    return 0;
}

static int take_record(struct spawn_report *r, const struct record *record, const char *texts)
{
    const char *object = texts, *directive = object + strlen(object) + 1,
               *detail = directive + strlen(directive) + 1;

    switch ((enum record_type) record->type) {
    case RECORD_STEP:
        r->step = (enum exec_status) record->step;
        return 0;
    case RECORD_DEGRADED:
        r->lost |= add_degraded(r, record, object, directive) < 0;
        return 0;
    case RECORD_IDENTITY:
        r->uid = record->uid;
        r->gid = record->gid;
        return 0;
    case RECORD_DYNAMIC_USER:
        r->dynamic_uid = record->uid;
        return 0;
    case RECORD_FAILED:
        r->state = SPAWN_FAILED;
        r->step = (enum exec_status) record->step;
        r->error = record->error;
        r->exec = (enum spawn_exec_failure) record->exec;
        r->at = record->at;
        /* That it failed counts, also where there is no memory for what it failed with. */
        r->lost |= set_text(&r->object, object) < 0;
        r->lost |= set_text(&r->directive, directive) < 0;
        r->lost |= set_text(&r->detail, detail) < 0;
        return 0;
    case RECORD_EXECVE:
        r->state = SPAWN_EXECUTED;
        r->step = EXEC_STATUS_EXEC;
        r->at = record->at;
        return 0;
    case RECORD_TYPE_MAX:
        break;
    }
    return -EBADMSG;
}

/* Whether the three texts end within the record: a child gone wild must not lead us astray. */
static bool texts_end(const char *texts, size_t n)
{
    int ends = 0;

    for (size_t i = 0; i < n; i++)
        ends += texts[i] == 0;
    return ends >= 3;
}

/* Leaves in the buffer the part of a record that it ends with. */
static int take_records(struct spawn_report *r, char *buffer, size_t *buffered)
{
    size_t at = 0;
    int result = 0;

    while (*buffered - at >= sizeof(struct record)) {
        struct record record;

        memcpy(&record, buffer + at, sizeof record);
        if (record.size < sizeof record || record.size > PIPE_BUF)
            return -EBADMSG;
        if (*buffered - at < record.size)
            break;
        const char *texts = buffer + at + sizeof record;
        if (!texts_end(texts, record.size - sizeof record))
            return -EBADMSG;
        result = take_record(r, &record, texts);
        if (result < 0)
            return result;
        at += record.size;
    }
    *buffered -= at;
    memmove(buffer, buffer + at, *buffered);
    return 0;
}

static int keep_part(struct spawn_report *r, const char *buffer, size_t n)
{
    r->part = memdup0(buffer, n);
    r->n_part = r->part ? n : 0;
    return r->part ? 0 : -ENOMEM;
}

int spawn_report_read(struct spawn_report *r, int report_fd)
{
    /* Of all reports: a record is written at once, so that no part of one is left but by a child
     * gone wild. Thousands of launches have no buffers of their own. */
    static char buffer[16UL * PIPE_BUF];
    size_t buffered = r->n_part;
    int result;

    if (!r->begun)
        r->uid = r->gid = r->dynamic_uid = (uid_t) -1;
    r->begun = true;
    if (r->part)
        memcpy(buffer, r->part, r->n_part);
    free(take_ptr(r->part));
    r->n_part = 0;
    for (;;) {
        ssize_t n = read(report_fd, buffer + buffered, sizeof buffer - buffered);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return -errno;
            return buffered > 0 ? keep_part(r, buffer, buffered) : 0;
        }
        if (n == 0)
            break;
        buffered += (size_t) n;
        result = take_records(r, buffer, &buffered);
        if (result < 0)
            return result;
    }
    /* The end. Without the marker the child has died on its way. */
    if (r->state == SPAWN_SETTING_UP)
        r->state = SPAWN_GONE;
    return 1;
}

void spawn_report_done(struct spawn_report *r)
{
    for (size_t i = 0; i < r->n_degraded; i++) {
        free(r->degraded[i].directive);
        free(r->degraded[i].object);
    }
    free(r->degraded);
    free(r->object);
    free(r->directive);
    free(r->detail);
    free(r->part);
    *r = (struct spawn_report){ 0 };
}

struct spawn_report *spawn_report_new(void)
{
    return new0(struct spawn_report, 1);
}

struct spawn_report *spawn_report_free(struct spawn_report *r)
{
    if (r)
        spawn_report_done(r);
    free(r);
    return NULL;
}

static const char *phrase(const struct spawn_report *r)
{
    if (r->step == EXEC_STATUS_CHDIR)
        return "Changing to the requested working directory failed";
    if (r->step == EXEC_STATUS_EXEC)
        return r->exec == SPAWN_EXEC_LOCATE ? "Failed to locate executable" : "Failed to execute";
    if (r->step == 0)
        return "Failed before the set-up of the process";
    return NULL;
}

char *spawn_report_message(const struct spawn_report *r)
{
    auto_strbuf struct strbuf b = { 0 };
    const char *words = phrase(r), *does = exec_status_text((int) r->step);

    if (words)
        strbuf_add(&b, words);
    else
        strbuf_addf(&b, "Failed at step %s: %s", strempty(exec_status_name((int) r->step)),
                    strempty(does));
    if (r->exec != SPAWN_EXEC_NONE && r->object)
        strbuf_addf(&b, " %s", r->object);
    else if (r->object)
        strbuf_addf(&b, ": %s", r->object);
    strbuf_addf(&b, ": %s", strerror(-r->error));
    if (r->directive || r->detail)
        strbuf_addf(&b, " (%s%s%s%s)", strempty(r->directive), r->directive ? "=" : "",
                    r->directive && r->detail ? ": " : "", strempty(r->detail));
    return strbuf_take(&b);
}
