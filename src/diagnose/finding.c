#include "diagnose/cause.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/str.h"

static const char *const source_names[] = {
    [EVIDENCE_LAUNCH] = "launch", [EVIDENCE_EXIT] = "exit",       [EVIDENCE_TRACE] = "trace",
    [EVIDENCE_PROBE] = "probe",   [EVIDENCE_UNIT] = "unit",       [EVIDENCE_JOURNAL] = "journal",
    [EVIDENCE_NOTIFY] = "notify", [EVIDENCE_MANAGER] = "manager",
};
static_assert(ELEMENTSOF(source_names) == EVIDENCE_SOURCE_MAX, "a name for each source");

static const char *const fix_names[] = {
    [FIX_COMMAND] = "command",
    [FIX_DROPIN] = "dropin",
    [FIX_TEXT] = "text",
    [FIX_NOT] = "not",
};
static_assert(ELEMENTSOF(fix_names) == FIX_KIND_MAX, "a name for each kind");

void finding_done(struct finding *f)
{
    free(f->summary);
    free(f->prevent);
    json_decref(f->facts);
    json_decref(f->evidence);
    json_decref(f->fixes);
    *f = (struct finding){};
}

/* Journals and paths hold bytes that are no UTF-8, which JSON cannot: they become U+FFFD. */
static json_t *json_text(const char *text)
{
    json_t *j = json_string(text);

    if (j)
        return j;
    auto_strbuf struct strbuf b = {};
    for (const unsigned char *p = (const unsigned char *) text; *p; p++)
        if (*p < 0x80)
            strbuf_add_char(&b, (char) *p);
        else
            strbuf_add(&b, "\xef\xbf\xbd");
    return json_string(strbuf_text(&b));
}

static void append(json_t **array, json_t *item)
{
    if (!*array)
        *array = json_array();
    if (!item || json_array_append_new(*array, item) < 0)
        return;
}

void find(struct finding *f, double confidence, const char *summary, ...)
{
    va_list ap;

    f->confidence = confidence;
    free(f->summary);
    va_start(ap, summary);
    f->summary = vformat(summary, ap);
    va_end(ap);
}

void find_fact(struct finding *f, const char *name, const char *value)
{
    if (!f->facts)
        f->facts = json_object();
    if (value && f->facts)
        (void) json_object_set_new_nocheck(f->facts, name, json_text(value));
}

void find_fact_number(struct finding *f, const char *name, long long value)
{
    if (!f->facts)
        f->facts = json_object();
    if (f->facts)
        (void) json_object_set_new_nocheck(f->facts, name, json_integer(value));
}

static void add_evidence(struct finding *f, enum evidence_source source, const char *text,
                         const char *cursor)
{
    json_t *e = json_object();

    if (!e)
        return;
    (void) json_object_set_new_nocheck(e, "source", json_string(source_names[source]));
    (void) json_object_set_new_nocheck(e, "text", json_text(text));
    if (cursor)
        (void) json_object_set_new_nocheck(e, "cursor", json_text(cursor));
    append(&f->evidence, e);
}

void find_evidence(struct finding *f, enum evidence_source source, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *text = vformat(fmt, ap);
    va_end(ap);
    if (text)
        add_evidence(f, source, text, NULL);
}

void find_line(struct finding *f, const struct facts_line *line)
{
    if (line)
        add_evidence(f, EVIDENCE_JOURNAL, strempty(line->text), line->cursor);
}

void find_call(struct finding *f, const struct trace_event *e)
{
    const char *name = e ? errno_name(e->error) : NULL;

    if (!e)
        return;
    find_evidence(f, EVIDENCE_TRACE, "%s = %s", e->text,
                  e->killed_by_filter ? "killed by the system call filter"
                  : name              ? name
                  : e->error          ? "error"
                                      : "ok");
}

void find_setting(struct finding *f, const struct facts *facts, const char *section,
                  const char *directive)
{
    auto_free char *where = facts_where(facts, section, directive);
    auto_free char *former = facts_overridden(facts, section, directive);
    auto_free char *value = facts_setting(facts, section, directive);

    if (where && value)
        find_evidence(f, EVIDENCE_UNIT, former ? "%s: %s=%s (in place of %s)" : "%s: %s=%s", where,
                      directive, value, former);
    else if (value)
        find_evidence(f, EVIDENCE_UNIT, "%s=%s", directive, value);
}

static void add_fix(struct finding *f, enum fix_kind kind, const char *text, const char *key,
                    const char *value)
{
    json_t *fix = json_object();

    if (!fix)
        return;
    /* "or ..." reads well only behind another. */
    if (json_array_size(f->fixes) == 0 && startswith(text, "or "))
        text += strlen("or ");
    (void) json_object_set_new_nocheck(fix, "kind", json_string(fix_names[kind]));
    (void) json_object_set_new_nocheck(fix, "text", json_text(text));
    if (key)
        (void) json_object_set_new_nocheck(fix, key, json_text(value));
    if (kind == FIX_COMMAND || kind == FIX_DROPIN)
        (void) json_object_set_new_nocheck(fix, "verified", json_false());
    append(&f->fixes, fix);
}

void find_fix_command(struct finding *f, const char *text, const char *command, ...)
{
    va_list ap;

    va_start(ap, command);
    auto_free char *value = vformat(command, ap);
    va_end(ap);
    if (value)
        add_fix(f, FIX_COMMAND, text, "command", value);
}

void find_fix_dropin(struct finding *f, const char *text, const char *dropin, ...)
{
    va_list ap;

    va_start(ap, dropin);
    auto_free char *value = vformat(dropin, ap);
    va_end(ap);
    if (value)
        add_fix(f, FIX_DROPIN, text, "dropin", value);
}

void find_fix(struct finding *f, const char *text, ...)
{
    va_list ap;

    va_start(ap, text);
    auto_free char *value = vformat(text, ap);
    va_end(ap);
    if (value)
        add_fix(f, FIX_TEXT, value, NULL, NULL);
}

void find_not(struct finding *f, const char *text, ...)
{
    va_list ap;

    va_start(ap, text);
    auto_free char *value = vformat(text, ap);
    va_end(ap);
    if (value)
        add_fix(f, FIX_NOT, value, NULL, NULL);
}

void find_prevent(struct finding *f, const char *line, ...)
{
    va_list ap;

    free(f->prevent);
    va_start(ap, line);
    f->prevent = vformat(line, ap);
    va_end(ap);
}
