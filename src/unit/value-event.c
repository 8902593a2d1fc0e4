/* What sockets listen on, timers elapse at and paths are watched for. */
#include <errno.h>

#include "base/calendar.h"
#include "base/parse.h"
#include "base/timespan.h"
#include "unit/value-list.h"
#include "unit/value.h"

/* systemd.socket(5), ListenStream=. */

LIST_FUNCTIONS(socket_listen, free(i->address), COPY_STRING(address))

/* A port, ADDRESS:PORT, [IPV6]:PORT, a path, "@" and an abstract name, vsock:... */
static bool socket_address_is_valid(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint16_t port;

    if (path_is_absolute(text))
        return path_is_normalized(text) && strlen(text) < 108;
    if (*text == '@')
        return strlen(text) > 1 && strlen(text) < 108;
    if (startswith(text, "vsock:") || startswith(text, "vsock-stream:") ||
        startswith(text, "vsock-dgram:") || startswith(text, "vsock-seqpacket:"))
        return true;
    if (!colon)
        return parse_port(text, &port) >= 0;
    auto_free char *digits = strdup(colon + 1);
    if (digits)
        digits[strcspn(digits, "%")] = 0; /* [fe80::1]:80%eth0 */
    return digits && colon > text && parse_port(digits, &port) >= 0;
}

static int parse_socket_listen(struct assignment *a, const struct value_type *type,
                               const char *text, void *v)
{
    int kind = a->directive->name ? socket_listen_kind_from_string(a->directive->name)
                                  : LISTEN_STREAM;
    auto_free char *address = NULL;
    int r = assignment_expand(a, text, &address);

    if (r != 0)
        return r < 0 ? r : 0;
    if (kind == LISTEN_FIFO || kind == LISTEN_SPECIAL || kind == LISTEN_USB_FUNCTION ||
        kind == LISTEN_MESSAGE_QUEUE) {
        if (assignment_check_path(a, address) != 0)
            return 0;
    } else if (kind != LISTEN_NETLINK && !socket_address_is_valid(address)) {
        return assignment_fault(a, "write a port, ADDRESS:PORT, [IPV6]:PORT, a path or @NAME",
                                "\"%s\" is no address to listen on", address);
    }

    r = *address == '/' ? assignment_move_var_run(a, &address) : 0;
    if (r < 0)
        return r;
    struct socket_listen *l = new0(struct socket_listen, 1);
    if (!l)
        return -ENOMEM;
    l->address = take_ptr(address);
    l->kind = (unsigned char) kind;
    APPEND((struct socket_listen **) v, l);
    return 0;
}

static void format_socket_listen(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct socket_listen *l = *(struct socket_listen *const *) v; l; l = l->next)
        strbuf_addf(out, "%s (%s)%s", l->address,
                    socket_listen_kind_to_string(l->kind) + strlen("Listen"), l->next ? "\n" : "");
}

static void format_socket_listen_file(const struct value_type *type, const char *name,
                                      const void *v, struct strbuf *out)
{
    for (const struct socket_listen *l = *(struct socket_listen *const *) v; l; l = l->next)
        format_text_line(out, socket_listen_kind_to_string(l->kind), l->address);
}

/* systemd.timer(5). */

LIST_FUNCTIONS(timer_spec, free(i->calendar), COPY_STRING(calendar))

static int parse_timer_spec(struct assignment *a, const struct value_type *type, const char *text,
                            void *v)
{
    int kind = a->directive->name ? timer_kind_from_string(a->directive->name) : TIMER_CALENDAR;
    auto_free char *expanded = NULL, *normal = NULL;
    usec_t value = 0;
    int r = assignment_expand(a, text, &expanded);

    if (r != 0)
        return r < 0 ? r : 0;
    if (kind == TIMER_CALENDAR) {
        struct calendar *c = NULL;

        r = calendar_parse(expanded, &c);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            return assignment_fault(a, "write an expression as Mon..Fri 09:00, or daily",
                                    "\"%s\" is no calendar event", expanded);
        normal = calendar_format(c);
        calendar_free(c);
        if (!normal)
            return -ENOMEM;
    } else if (timespan_parse(expanded, &value) < 0) {
        return assignment_fault(a, "write a time span as 15min", "\"%s\" is no time span",
                                expanded);
    }

    struct timer_spec *t = new0(struct timer_spec, 1);
    if (!t)
        return -ENOMEM;
    *t = (struct timer_spec){ .calendar = take_ptr(normal),
                              .value = value,
                              .kind = (unsigned char) kind };
    APPEND((struct timer_spec **) v, t);
    return 0;
}

/* As TimersMonotonic= and TimersCalendar= are shown, without the times that only the manager knows.
 */
static void format_timer_spec(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct timer_spec *t = *(struct timer_spec *const *) v; t; t = t->next) {
        char text[TIMESPAN_TEXT_MAX];
        const char *name = timer_kind_to_string(t->kind);

        if (t->kind == TIMER_CALENDAR)
            strbuf_addf(out, "{ OnCalendar=%s }%s", t->calendar, t->next ? "\n" : "");
        else
            strbuf_addf(out, "{ %.*sUSec=%s }%s", (int) (strlen(name) - strlen("Sec")), name,
                        timespan_format(text, t->value, 1), t->next ? "\n" : "");
    }
}

static void format_timer_spec_file(const struct value_type *type, const char *name, const void *v,
                                   struct strbuf *out)
{
    for (const struct timer_spec *t = *(struct timer_spec *const *) v; t; t = t->next) {
        char text[TIMESPAN_TEXT_MAX];

        format_text_line(out, timer_kind_to_string(t->kind),
                         t->calendar ? t->calendar : timespan_format(text, t->value, 1));
    }
}

/* systemd.path(5). */

LIST_FUNCTIONS(path_spec, free(i->path), COPY_STRING(path))

static int parse_path_spec(struct assignment *a, const struct value_type *type, const char *text,
                           void *v)
{
    int kind = a->directive->name ? path_kind_from_string(a->directive->name) : PATH_EXISTS;
    auto_free char *path = NULL;
    int r = assignment_expand(a, text, &path);

    if (r != 0)
        return r < 0 ? r : 0;
    if (assignment_check_path(a, path) != 0)
        return 0;
    struct path_spec *p = new0(struct path_spec, 1);
    if (!p)
        return -ENOMEM;
    p->path = take_ptr(path);
    p->kind = (unsigned char) kind;
    APPEND((struct path_spec **) v, p);
    return 0;
}

static void format_path_spec(const struct value_type *type, const void *v, struct strbuf *out)
{
    for (const struct path_spec *p = *(struct path_spec *const *) v; p; p = p->next)
        strbuf_addf(out, "%s (%s)%s", p->path, path_kind_to_string(p->kind), p->next ? "\n" : "");
}

static void format_path_spec_file(const struct value_type *type, const char *name, const void *v,
                                  struct strbuf *out)
{
    for (const struct path_spec *p = *(struct path_spec *const *) v; p; p = p->next)
        format_text_line(out, path_kind_to_string(p->kind), p->path);
}

#define EVENT(type_name, tag) \
    const struct value_type type_##type_name = { .name = #type_name, \
                                                 .size = sizeof(struct tag *), \
                                                 .parse = parse_##tag, \
                                                 .format = format_##tag, \
                                                 .format_file = format_##tag##_file, \
                                                 .clear = clear_##tag, \
                                                 .copy = copy_##tag }
EVENT(socket_listen, socket_listen);
EVENT(socket_listens, socket_listen);
EVENT(timer_spec, timer_spec);
EVENT(timer_specs, timer_spec);
EVENT(path_spec, path_spec);
EVENT(path_specs, path_spec);
