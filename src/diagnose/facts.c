#include "diagnose/facts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/directive.h"
#include "unit/load.h"

void facts_line_done(struct facts_line *l)
{
    free(l->identifier);
    free(l->text);
    free(l->message_id);
    free(l->invocation);
    free(l->cursor);
    json_decref(l->fields);
}

static void invocation_done(struct facts_invocation *i)
{
    free(i->id);
    free(i->result);
    free(i->launch.step);
    free(i->launch.object);
    free(i->launch.directive);
    free(i->launch.command);
    for (size_t k = 0; k < i->n_exits; k++) {
        free(i->exits[k].command);
        free(i->exits[k].argv);
    }
    free(i->exits);
    for (size_t k = 0; k < i->n_notifies; k++) {
        free(i->notifies[k].text);
        free(i->notifies[k].refused);
    }
    free(i->notifies);
}

void facts_done(struct facts *f)
{
    free(f->unit);
    json_decref(f->properties);
    json_decref(f->probes_owner);
    if (f->config)
        unit_config_free(f->config);
    if (f->loader)
        unit_loader_free(f->loader);
    for (size_t i = 0; i < f->n_invocations; i++)
        invocation_done(&f->invocations[i]);
    free(f->invocations);
    for (size_t i = 0; i < f->n_lines; i++)
        facts_line_done(&f->lines[i]);
    free(f->lines);
    tracer_free(f->tracer);
    strv_free(f->blind);
    *f = (struct facts){};
}

const char *facts_property(const struct facts *f, const char *name)
{
    return json_string_value(json_object_get(f->properties, name));
}

bool facts_property_is(const struct facts *f, const char *name, const char *value)
{
    return streq_ptr(facts_property(f, name), value);
}

long facts_property_number(const struct facts *f, const char *name, long fallback)
{
    const char *text = facts_property(f, name);
    char *end;

    if (isempty(text))
        return fallback;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || *end ? fallback : n;
}

const struct facts_invocation *facts_explained(const struct facts *f)
{
    return f->explained < f->n_invocations ? &f->invocations[f->explained] : NULL;
}

const struct facts_exit *facts_failed_exit(const struct facts_invocation *i)
{
    for (size_t k = 0; i && k < i->n_exits; k++) {
        const struct facts_exit *e = &i->exits[k];

        if (!e->ignored && (e->code != CLD_EXITED || e->status != 0))
            return e;
    }
    return NULL;
}

const struct facts_line *facts_next_line(const struct facts *f, const struct facts_invocation *i,
                                         bool manager, size_t *position)
{
    size_t end = i ? i->first_line + i->n_lines : f->n_lines;

    if (i && *position < i->first_line)
        *position = i->first_line;
    while (*position < end) {
        const struct facts_line *l = &f->lines[(*position)++];

        if (l->manager == manager)
            return l;
    }
    return NULL;
}

/* strcasestr(3) prepares itself for long texts, at a cost that many short lines feel. */
static bool has_words(const char *text, const char *words)
{
    const char first[] = { (char) tolower((unsigned char) *words),
                           (char) toupper((unsigned char) *words), 0 };
    size_t n = strlen(words);

    for (const char *at = text; (at = strpbrk(at, first)); at++)
        if (strncasecmp(at, words, n) == 0)
            return true;
    return n == 0;
}

const struct facts_line *facts_find_line(const struct facts *f, const struct facts_invocation *i,
                                         const char *text)
{
    const struct facts_line *found = NULL;
    size_t at = 0;

    for (const struct facts_line *l; (l = facts_next_line(f, i, false, &at));)
        if (has_words(strempty(l->text), text))
            found = l;
    return found;
}

const struct trace_event *facts_find_call(const struct facts *f, const char *call, int error)
{
    for (size_t i = 0; i < f->n_trace; i++)
        if ((!call || streq(f->trace[i].call, call)) &&
            (error ? f->trace[i].error == error : f->trace[i].error != 0))
            return &f->trace[i];
    return NULL;
}

static const struct directive *find_directive(const struct facts *f, const char *section,
                                              const char *directive)
{
    const struct directive *d = f->config
                                    ? directive_find(f->config->type, section, directive, NULL)
                                    : NULL;

    return d && directive_is_set(f->config, d) ? d : NULL;
}

/* The last of the assignments that count, or of those that do not, as "file:line". */
static char *last_assignment(const struct facts *f, const char *section, const char *directive,
                             bool overridden)
{
    const struct directive *d = find_directive(f, section, directive);
    const struct provenance *found[64];
    unsigned n = d ? directive_provenance(f->config, d, overridden, found, ELEMENTSOF(found)) : 0;

    if (n == 0)
        return NULL;
    const struct provenance *last = found[MIN(n, (unsigned) ELEMENTSOF(found)) - 1];
    return format("%s:%u", unit_config_file(f->config, last->file), last->line);
}

char *facts_where(const struct facts *f, const char *section, const char *directive)
{
    return last_assignment(f, section, directive, false);
}

char *facts_overridden(const struct facts *f, const char *section, const char *directive)
{
    return last_assignment(f, section, directive, true);
}

/* "Name=value" lines without the names, one behind the other. */
char *facts_setting(const struct facts *f, const char *section, const char *directive)
{
    const struct directive *d = find_directive(f, section, directive);
    auto_strbuf struct strbuf lines = {}, b = {};

    if (!d)
        return NULL;
    directive_format_file(f->config, d, &lines);
    auto_strv char **all = strv_split(strbuf_text(&lines), "\n");
    STRV_FOREACH (line, all) {
        const char *value = strchr(*line, '=');

        if (!value)
            continue;
        if (b.length > 0)
            strbuf_add_char(&b, ' ');
        strbuf_add(&b, value + 1);
    }
    return strbuf_take(&b);
}

/* ---- recorded documents
 * ------------------------------------------------------------------------------- */

static char *copy_text(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? strdup(text) : NULL;
}

static usec_t get_usec(json_t *object, const char *key)
{
    return (usec_t) json_integer_value(json_object_get(object, key));
}

static int get_int(json_t *object, const char *key)
{
    return (int) json_integer_value(json_object_get(object, key));
}

static int load_lines(json_t *list, struct facts *f)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (!grow(&f->lines, &f->lines_allocated, f->n_lines + 1))
            return -ENOMEM;
        f->lines[f->n_lines++] = (struct facts_line){
            .realtime = get_usec(item, "realtime"),
            .priority = json_object_get(item, "priority") ? get_int(item, "priority") : 6,
            .pid = get_int(item, "pid"),
            .manager = json_is_true(json_object_get(item, "manager")),
            .identifier = copy_text(item, "identifier"),
            .text = copy_text(item, "text"),
            .message_id = copy_text(item, "message_id"),
            .invocation = copy_text(item, "invocation"),
            .cursor = copy_text(item, "cursor"),
            .fields = json_incref(json_object_get(item, "fields")),
        };
    }
    return 0;
}

static int load_exits(json_t *list, struct facts_invocation *inv)
{
    size_t i;
    json_t *item;

    inv->exits = new0(struct facts_exit, json_array_size(list) + 1);
    if (!inv->exits)
        return -ENOMEM;
    json_array_foreach(list, i, item)
    {
        const char *code = strempty(json_string_value(json_object_get(item, "code")));

        inv->exits[inv->n_exits++] = (struct facts_exit){
            .command = copy_text(item, "command"),
            .index = (unsigned) get_int(item, "index"),
            .argv = copy_text(item, "argv"),
            .pid = get_int(item, "pid"),
            .code = streq(code, "dumped")   ? CLD_DUMPED
                    : streq(code, "killed") ? CLD_KILLED
                                            : CLD_EXITED,
            .status = get_int(item, "status"),
            .started = get_usec(item, "started"),
            .ended = get_usec(item, "ended"),
            .ignored = json_is_true(json_object_get(item, "ignored")),
        };
    }
    return 0;
}

static int load_notifies(json_t *list, struct facts_invocation *inv)
{
    size_t i;
    json_t *item;

    inv->notifies = new0(struct facts_notify, json_array_size(list) + 1);
    if (!inv->notifies)
        return -ENOMEM;
    json_array_foreach(list, i, item) inv->notifies[inv->n_notifies++] = (struct facts_notify){
        .realtime = get_usec(item, "realtime"),
        .pid = get_int(item, "pid"),
        .text = copy_text(item, "text"),
        .refused = copy_text(item, "refused"),
    };
    return 0;
}

static int load_invocations(json_t *list, struct facts *f)
{
    size_t i;
    json_t *item;
    int r = 0;

    f->invocations = new0(struct facts_invocation, json_array_size(list) + 1);
    if (!f->invocations)
        return -ENOMEM;
    json_array_foreach(list, i, item)
    {
        struct facts_invocation *inv = &f->invocations[f->n_invocations++];
        json_t *launch = json_object_get(item, "launch");

        inv->id = copy_text(item, "id");
        inv->started = get_usec(item, "started");
        inv->ended = get_usec(item, "ended");
        inv->result = copy_text(item, "result");
        inv->launch = (struct facts_launch){
            .status = get_int(launch, "status"),
            .step = copy_text(launch, "step"),
            .error = get_int(launch, "error"),
            .object = copy_text(launch, "object"),
            .directive = copy_text(launch, "directive"),
            .at_locate = json_is_true(json_object_get(launch, "at_locate")),
            .command = copy_text(launch, "command"),
            .index = (unsigned) get_int(launch, "index"),
        };
        inv->n_lines = f->n_lines;
        r = load_exits(json_object_get(item, "exits"), inv);
        if (r >= 0)
            r = load_notifies(json_object_get(item, "notifies"), inv);
        if (r < 0)
            return r;
    }
    f->explained = (size_t) json_integer_value(json_object_get(f->properties, "explained"));
    return 0;
}

/* The one call of trace-calls.def, or the text itself: names of events are static. */
static const char *static_call(const char *name)
{
    static const char *const known[] = {
#define CALL(call, arguments, keep) #call,
#include "diagnose/trace-calls.def"
#undef CALL
    };

    for (size_t i = 0; i < ELEMENTSOF(known); i++)
        if (streq(known[i], name))
            return known[i];
    return "?";
}

static int load_trace(json_t *list, struct facts *f)
{
    size_t i;
    json_t *item;
    struct trace_event *events = new0(struct trace_event, json_array_size(list) + 1);

    if (!events)
        return -ENOMEM;
    json_array_foreach(list, i, item) events[i] = (struct trace_event){
        .call = static_call(strempty(json_string_value(json_object_get(item, "call")))),
        .text = copy_text(item, "text"),
        .error = get_int(item, "error"),
        .result = json_integer_value(json_object_get(item, "result")),
        .pid = get_int(item, "pid"),
        .since_exec = get_usec(item, "since_exec"),
        .count = 1,
        .path = copy_text(item, "path"),
        .flags = get_int(item, "flags"),
        .address = copy_text(item, "address"),
        .family = get_int(item, "family"),
        .port = (unsigned) get_int(item, "port"),
        .udp = json_is_true(json_object_get(item, "udp")),
        .killed_by_filter = json_is_true(json_object_get(item, "killed_by_filter")),
        .object = json_object_get(item, "path")      ? TRACE_PATH
                  : json_object_get(item, "address") ? TRACE_ADDRESS
                                                     : TRACE_NOTHING,
    };
    int r = tracer_adopt(events, json_array_size(list), &f->tracer);
    if (r < 0)
        return r;
    f->trace = tracer_events(f->tracer, &f->n_trace, NULL);
    f->traced = true;
    return 0;
}

/* The unit's own text and those of its drop-ins, loaded as files of a folder that has nothing else.
 */
static int load_unit(json_t *files, bool user, struct facts *f)
{
    auto_strbuf struct strbuf all = {};
    struct unit_paths paths = {};
    const char *path, *first = NULL;
    json_t *text;
    int r;

    json_object_foreach(files, path, text)
    {
        if (!first)
            first = path;
        strbuf_add(&all, strempty(json_string_value(text)));
        strbuf_add_char(&all, '\n');
    }
    if (!first)
        return 0;
    r = unit_loader_new(&(struct unit_loader_options){ .user = user }, &paths, &f->loader);
    if (r < 0)
        return r;
    return unit_load_text(f->loader, f->unit, first, strbuf_text(&all), &f->config);
}

int facts_load(json_t *document, struct facts *ret)
{
    _cleanup_(facts_done) struct facts f = { .source = FACTS_RECORDED, .recorded = true };
    json_t *properties = json_object_get(document, "properties");
    json_t *probes = json_object_get(document, "probes");
    json_t *trace = json_object_get(document, "trace");
    int r;

    f.unit = copy_text(document, "unit");
    if (!f.unit)
        return -EINVAL;
    f.properties = properties ? json_incref(properties) : json_object();
    f.probes_owner = probes ? json_incref(probes) : json_object();
    r = load_lines(json_object_get(document, "journal"), &f);
    if (r >= 0)
        r = load_invocations(json_object_get(document, "invocations"), &f);
    if (r >= 0 && trace)
        r = load_trace(trace, &f);
    if (r >= 0)
        r = load_unit(json_object_get(document, "files"),
                      json_is_true(json_object_get(document, "user")), &f);
    if (r < 0)
        return r;
    *ret = f;
    f = (struct facts){};
    return 0;
}
