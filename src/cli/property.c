#include "cli/property.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/timespan.h"
#include "control/json.h"

/* ---- what a number means ---- */

enum number_kind { NUMBER_PLAIN, NUMBER_TIME, NUMBER_SPAN };

static enum number_kind number_kind(const char *name)
{
    static const char *const times[] = { "NextElapseUSecRealtime", "LastTriggerUSec" };

    if (endswith(name, "Timestamp"))
        return NUMBER_TIME;
    for (size_t i = 0; i < ELEMENTSOF(times); i++)
        if (streq(name, times[i]))
            return NUMBER_TIME;
    return strstr(name, "USec") ? NUMBER_SPAN : NUMBER_PLAIN;
}

/* What the largest number stands for. */
static const char *unset_text(const char *name)
{
    static const char *const not_set_ends[] = { "Current",    "Peak",   "Available", "NSec",
                                                "Operations", "Weight", "Shares",    "ExitStatus" };
    static const char *const not_set[] = { "UID", "GID", "IOReadBytes", "IOWriteBytes",
                                           "ManagedOOMMemoryPressureDurationUSec" };

    if (startswith(name, "IP") && (endswith(name, "Bytes") || endswith(name, "Packets")))
        return "[no data]";
    for (size_t i = 0; i < ELEMENTSOF(not_set_ends); i++)
        if (endswith(name, not_set_ends[i]))
            return "[not set]";
    for (size_t i = 0; i < ELEMENTSOF(not_set); i++)
        if (streq(name, not_set[i]))
            return "[not set]";
    return "infinity";
}

static char *format_number(const char *name, const json_t *value, enum timestamp_style style)
{
    char text[TIMESTAMP_TEXT_MAX > TIMESPAN_TEXT_MAX ? TIMESTAMP_TEXT_MAX : TIMESPAN_TEXT_MAX];
    json_int_t n = json_integer_value(value);

    switch (number_kind(name)) {
    case NUMBER_TIME:
        return strdup(strempty(timestamp_format(text, (usec_t) n, style)));
    case NUMBER_SPAN:
        return strdup(timespan_format(text, (usec_t) n, 1));
    case NUMBER_PLAIN:
        break;
    }
    return format("%" JSON_INTEGER_FORMAT, n);
}

static char *format_array(const json_t *value)
{
    auto_strbuf struct strbuf b = { 0 };
    json_t *element;
    size_t i;

    json_array_foreach(value, i, element)
    {
        auto_free char *text = NULL;
        auto_free char *quoted = NULL;

        if (json_text_get(element, &text, NULL) < 0)
            continue;
        quoted = shell_quote(text, SHELL_QUOTE_EMPTY);
        if (!quoted)
            return NULL;
        if (i > 0)
            strbuf_add_char(&b, ' ');
        strbuf_add(&b, quoted);
    }
    return strbuf_take(&b);
}

char *property_format(const char *name, const json_t *value, enum timestamp_style style)
{
    char *text;

    switch (json_typeof(value)) {
    case JSON_TRUE:
        return strdup("yes");
    case JSON_FALSE:
        return strdup("no");
    case JSON_NULL:
        return strdup(number_kind(name) == NUMBER_TIME ? "" : unset_text(name));
    case JSON_INTEGER:
        return format_number(name, value, style);
    case JSON_REAL:
        return format("%g", json_real_value(value));
    case JSON_ARRAY:
        return format_array(value);
    case JSON_STRING:
    case JSON_OBJECT:
        return json_text_get(value, &text, NULL) < 0 ? strdup("") : text;
    }
    assert_unreachable();
}

bool property_is_empty(const char *name, const json_t *value)
{
    if (json_is_string(value))
        /* "~": all but nothing. */
        return json_string_length(value) == 0 || streq(json_string_value(value), "~") ||
               (endswith(name, "ActionExitStatus") && streq(json_string_value(value), "[not set]"));
    if (json_is_array(value))
        return json_array_size(value) == 0;
    return number_kind(name) == NUMBER_TIME &&
           (json_is_null(value) || json_integer_value(value) == 0);
}

/* ---- order ---- */

#define P(name) #name,
static const char *const unit_order[] = {
#define UNIT_PROPERTIES
#include "cli/show_order.def"
#undef UNIT_PROPERTIES
};
static const char *const manager_order[] = {
#define MANAGER_PROPERTIES
#include "cli/show_order.def"
#undef MANAGER_PROPERTIES
};
#undef P

const char **property_order(const json_t *properties, bool manager)
{
    const char *const *order = manager ? manager_order : unit_order;
    size_t n_order = manager ? ELEMENTSOF(manager_order) : ELEMENTSOF(unit_order);
    const char **names = new0(const char *, json_object_size(properties) + 1);
    /* Each member is taken out of the copy when it gets its place; the rest has none. */
    json_t *rest = json_copy((json_t *) properties);
    const char *key;
    json_t *value;
    size_t n = 0;

    if (!names || !rest) {
        free(names);
        json_decref(rest);
        return NULL;
    }
    for (size_t i = 0; i < n_order; i++)
        if (json_object_get(rest, order[i])) {
            names[n++] = order[i];
            json_object_del(rest, order[i]);
        }
    json_object_foreach((json_t *) properties, key, value)
    {
        if (json_object_get(rest, key))
            names[n++] = key;
    }
    json_decref(rest);
    return names;
}
