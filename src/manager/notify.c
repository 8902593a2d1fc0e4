#include "manager/notify.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/utf8.h"

#define ERRNO_LAST 4095 /* errno(3): the largest that the kernel gives */

static const char *const field_names[] = {
#define FIELD(id, name) [NOTIFY_##id] = name,
    NOTIFY_FIELDS(FIELD)
#undef FIELD
};
static_assert(ELEMENTSOF(field_names) == NOTIFY_FIELD_MAX, "a name for every field");
static_assert(NOTIFY_FIELD_MAX <= 32, "the bits fit");

const char *notify_field_name(enum notify_field field)
{
    return field_names[field];
}

bool notify_fd_name_is_valid(const char *name)
{
    size_t n = 0;

    for (; name[n]; n++)
        if (name[n] < ' ' || name[n] >= 127 || name[n] == ':' || n >= 255)
            return false;
    return n > 0;
}

/* D-Bus error names: dotted, at least two elements of [A-Za-z0-9_], none beginning with a digit;
 * Varlink error names: the same, with "-" inside of elements but the last. */
static bool error_name_is_valid(const char *s)
{
    size_t dots = 0;
    bool begins = true;

    if (strlen(s) > 255)
        return false;
    for (; *s; s++) {
        if (*s == '.') {
            if (begins)
                return false;
            dots++;
            begins = true;
            continue;
        }
        bool digit = *s >= '0' && *s <= '9';
        bool letter = (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') || *s == '_';
        if (!letter && (begins || (!digit && *s != '-')))
            return false;
        begins = false;
    }
    return dots > 0 && !begins;
}

/* The value if it is the whole token, as READY=1 has to be; a field of another value is none. */
static int parse_switch(const char *value, const char *on)
{
    return streq(value, on) ? 0 : -EINVAL;
}

static int parse_error_name(const char *value, const char **ret)
{
    if (*value && !error_name_is_valid(value))
        return -EINVAL;
    *ret = value;
    return 0;
}

static int parse_bounded(const char *value, int last, int *ret)
{
    int number, r = parse_int(value, &number);

    if (r < 0)
        return r;
    if (number < 0 || number > last)
        return -ERANGE;
    *ret = number;
    return 0;
}

static int parse_watchdog(const char *value, struct notify_message *m)
{
    if (streq(value, "trigger")) {
        m->watchdog_trigger = true;
        return 0;
    }
    return parse_switch(value, "1");
}

static int parse_field(struct notify_message *m, enum notify_field field, const char *value)
{
    switch (field) {
    case NOTIFY_READY:
    case NOTIFY_RELOADING:
    case NOTIFY_STOPPING:
    case NOTIFY_FDSTORE:
    case NOTIFY_FDSTOREREMOVE:
    case NOTIFY_BARRIER:
        return parse_switch(value, "1");
    case NOTIFY_MONOTONIC_USEC:
        return parse_u64(value, &m->monotonic);
    case NOTIFY_STATUS:
        if (!utf8_is_valid(value))
            return -EINVAL;
        m->status = value;
        return 0;
    case NOTIFY_NOTIFYACCESS: {
        int r = notify_access_from_string(value);
        if (r < 0)
            return r;
        m->access = (enum notify_access) r;
        return 0;
    }
    case NOTIFY_ERRNO:
        return parse_bounded(value, ERRNO_LAST, &m->error);
    case NOTIFY_BUSERROR:
        return parse_error_name(value, &m->bus_error);
    case NOTIFY_VARLINKERROR:
        return parse_error_name(value, &m->varlink_error);
    case NOTIFY_EXIT_STATUS:
        return parse_bounded(value, 255, &m->exit_status);
    case NOTIFY_MAINPID:
        return parse_pid(value, &m->main_pid);
    case NOTIFY_MAINPIDFDID:
        return parse_u64(value, &m->main_pidfd_id);
    case NOTIFY_WATCHDOG:
        return parse_watchdog(value, m);
    case NOTIFY_WATCHDOG_USEC:
        return parse_u64(value, &m->watchdog_usec);
    case NOTIFY_EXTEND_TIMEOUT_USEC:
        return parse_u64(value, &m->extend_timeout);
    case NOTIFY_FDNAME:
        if (!notify_fd_name_is_valid(value))
            return -EINVAL;
        m->fd_name = value;
        return 0;
    case NOTIFY_FDPOLL:
        if (parse_switch(value, "0") < 0)
            return -EINVAL;
        m->fd_poll = false;
        return 0;
    case NOTIFY_FIELD_MAX:
        break;
    }
    assert_unreachable();
}

static enum notify_state field_state(enum notify_field field)
{
    return field == NOTIFY_READY       ? NOTIFY_STATE_READY
           : field == NOTIFY_RELOADING ? NOTIFY_STATE_RELOADING
           : field == NOTIFY_STOPPING  ? NOTIFY_STATE_STOPPING
                                       : NOTIFY_STATE_UNKNOWN;
}

/* The field that a line assigns and its value, or NOTIFY_FIELD_MAX. */
static enum notify_field line_field(const char *line, size_t length, const char **ret_value)
{
    const char *equals = memchr(line, '=', length);

    for (enum notify_field f = 0; equals && f < NOTIFY_FIELD_MAX; f++)
        if (strlen(field_names[f]) == (size_t) (equals - line) &&
            memcmp(field_names[f], line, (size_t) (equals - line)) == 0) {
            *ret_value = equals + 1;
            return f;
        }
    return NOTIFY_FIELD_MAX;
}

void notify_parse(char *text, struct notify_message *ret)
{
    struct notify_message m = { .monotonic = USEC_INFINITY, .fd_poll = true };

    for (char *line = text; line;) {
        size_t length = strcspn(line, "\n\r");
        char *next = line[length] ? line + length + 1 : NULL;
        const char *value;
        enum notify_field field = line_field(line, length, &value);

        line[length] = 0;
        line = next;
        if (field == NOTIFY_FIELD_MAX ||
            ((m.fields | m.bad) & (1u << field) && !field_state(field)))
            continue;
        if (parse_field(&m, field, value) < 0) {
            m.bad |= 1u << field;
            continue;
        }
        m.fields |= 1u << field;
        if (field_state(field))
            m.state = field_state(field);
    }
    *ret = m;
}

const char *notify_field_value(const char *text, enum notify_field field, char *value, size_t size)
{
    value[0] = 0;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n\r");
        const char *begin;

        if (line_field(line, length, &begin) == field) {
            size_t n = MIN((size_t) (line + length - begin), size - 1);

            memcpy(value, begin, n);
            value[n] = 0;
            break;
        }
        line += length + (line[length] != 0);
    }
    return value;
}
