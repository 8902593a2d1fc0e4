#include "cli/output_lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/str.h"
#include "base/utf8.h"
#include "cli/log.h"
#include "cli/term.h"

json_t *output_lines_fetch(struct systemctl *c, const char *unit, unsigned n)
{
    auto_control_error struct control_error e = { 0 };
    json_t *lines = json_array(), *reply;
    int r = control_call_more(c->client, "ReadOutput",
                              json_pack("{s:s, s:i}", "unit", unit, "lines", (int) n));

    while (r >= 0 && (r = control_next(c->client, USEC_INFINITY, &reply, &e)) >= 0) {
        json_t *line = json_object_get(reply, "line");

        if (json_is_object(line))
            json_array_append(lines, line);
        json_decref(reply);
        if (r == 0)
            break;
    }
    return lines;
}

static enum color priority_color(json_int_t priority)
{
    return priority <= 3 ? COLOR_RED : priority == 4 ? COLOR_YELLOW : COLOR_NONE;
}

static void print_line(const struct systemctl *c, const json_t *line, const char *host,
                       size_t width)
{
    time_t seconds = (time_t) (json_integer_value(json_object_get(line, "realtime")) / 1000000);
    json_int_t pid = json_integer_value(json_object_get(line, "pid"));
    enum color color = priority_color(json_integer_value(json_object_get(line, "priority")));
    auto_free char *text = NULL;
    auto_free char *identifier = NULL;
    auto_free char *shown = NULL;
    auto_free char *cut = NULL;
    auto_strbuf struct strbuf head = { 0 };
    char when[32];
    struct tm tm;
    size_t size, used;

    if (json_text_get(json_object_get(line, "text"), &text, &size) < 0 ||
        json_text_get(json_object_get(line, "identifier"), &identifier, NULL) < 0)
        return;
    if (c->output_name && streq(c->output_name, "cat")) {
        printf("%s\n", text);
        return;
    }
    localtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%b %d %H:%M:%S", &tm);
    strbuf_addf(&head, "%s %s %s", when, host, identifier);
    if (pid > 0)
        strbuf_addf(&head, "[%lld]", pid);
    strbuf_add(&head, ": ");
    used = utf8_width(strbuf_text(&head));
    shown = utf8_sanitize(text, size, true);
    cut = shown ? utf8_ellipsize(shown, width > used + 20 ? width - used : 20, 100) : NULL;
    printf("%s%s%s%s\n", strbuf_text(&head), term_color(color), strempty(cut),
           color == COLOR_NONE ? "" : term_reset());
}

/* ---- the journal ---- */

/* Whether there is an entry to be shown: what is before them is only printed then. */
static bool any_entry(const struct log_options *o, struct journal *j)
{
    journal_seek_tail(j);
    return journal_step(j, false) > 0 &&
           (o->since == USEC_INFINITY || journal_current(j)->realtime >= o->since);
}

static bool print_journal(struct systemctl *c, const char *unit, usec_t since, unsigned n)
{
    char *units[] = { (char *) unit, NULL };
    struct log_options o = {
        LOG_OPTIONS_NONE,
        .program = c->program,
        .lines = (long) n,
        .quiet = true,
        .no_pager = true,
        .output = { .mode = ENTRY_SHORT, .full = c->full || !term_has_color(), .all = c->all },
    };
    struct journal *j = journal_new();
    struct match *match = NULL;
    bool found = false;

    if (since > 0)
        o.since = since;
    if (c->scope == SCOPE_USER)
        o.user_units = units;
    else
        o.units = units;
    if (c->output_name)
        (void) entry_mode_from_name(c->output_name, &o.output.mode);
    if (j && log_open(&o, j) >= 0 && journal_n_files(j) > 0 &&
        log_build_match(&o, j, &match) >= 0) {
        found = journal_set_match(j, match) >= 0 && any_entry(&o, j);
        if (found) {
            putchar('\n');
            fflush(stdout);
            log_show(&o, j);
        }
    }
    journal_free(j);
    return found;
}

void output_lines_print(struct systemctl *c, const char *unit, usec_t since, unsigned n,
                        size_t width)
{
    json_t *lines, *line;
    struct utsname name;
    size_t i;

    if (print_journal(c, unit, since, n))
        return;
    lines = output_lines_fetch(c, unit, n);
    uname(&name);
    name.nodename[strcspn(name.nodename, ".")] = '\0';
    json_array_foreach(lines, i, line)
    {
        if (i == 0)
            putchar('\n');
        print_line(c, line, name.nodename, width);
    }
    json_decref(lines);
}
