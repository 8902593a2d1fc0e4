#include "unit/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "unit/specifier.h"

int64_t value_number(const struct value_type *type, const void *value)
{
    switch (type->size) {
    case 1:
        return type->unset < 0 ? *(const int8_t *) value : *(const uint8_t *) value;
    case 2:
        return type->unset < 0 ? *(const int16_t *) value : *(const uint16_t *) value;
    case 4:
        return type->unset < 0 ? (int64_t) * (const int32_t *) value : *(const uint32_t *) value;
    case 8:
        return *(const int64_t *) value;
    }
    assert_unreachable();
}

void value_set_number(const struct value_type *type, void *value, int64_t number)
{
    switch (type->size) {
    case 1:
        *(int8_t *) value = (int8_t) number;
        return;
    case 2:
        *(int16_t *) value = (int16_t) number;
        return;
    case 4:
        *(int32_t *) value = (int32_t) number;
        return;
    case 8:
        *(int64_t *) value = number;
        return;
    }
    assert_unreachable();
}

void value_init(const struct value_type *type, void *value)
{
    memset(value, 0, type->size);
    if (type->unset != 0)
        value_set_number(type, value, type->unset);
}

void value_reset(const struct value_type *type, void *value)
{
    if (type->clear)
        type->clear(value);
    value_init(type, value);
}

/* Structs may have holes: what counts is what would be written to a file. */
bool value_equal(const struct value_type *type, const void *a, const void *b)
{
    auto_strbuf struct strbuf ta = {}, tb = {};

    if (!type->clear && type->parse)
        return memcmp(a, b, type->size) == 0;
    if (type->format_file) {
        type->format_file(type, "", a, &ta);
        type->format_file(type, "", b, &tb);
    } else {
        type->format(type, a, &ta);
        type->format(type, b, &tb);
    }
    return streq(strbuf_text(&ta), strbuf_text(&tb));
}

static void record(struct assignment *a, int level, const char *remedy, const char *fmt, va_list ap)
{
    char text[512];

    if (a->silent || (!a->config && !a->report))
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    if (!a->config) {
        a->report(a, level, remedy, text);
        return;
    }
    unit_config_message(a->config, level, a->file, a->line,
                        directive_section(a->directive, (enum unit_type) a->config->type),
                        a->directive->name, remedy, "%s", text);
}

int assignment_fault(struct assignment *a, const char *remedy, const char *fmt, ...)
{
    va_list ap;

    a->n_faults++;
    va_start(ap, fmt);
    record(a, LOG_WARNING, remedy, fmt, ap);
    va_end(ap);
    return 0;
}

int assignment_fatal(struct assignment *a, const char *remedy, const char *fmt, ...)
{
    va_list ap;

    a->n_faults++;
    va_start(ap, fmt);
    record(a, LOG_ERR, remedy, fmt, ap);
    va_end(ap);
    return -ENOEXEC;
}

void assignment_note(struct assignment *a, const char *remedy, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    record(a, LOG_NOTICE, remedy, fmt, ap);
    va_end(ap);
}

int assignment_expand(struct assignment *a, const char *text, char **ret)
{
    char letter = 0;

    if (!a->specifiers || !strchr(text, '%')) {
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
    }
    int r = specifier_expand(a->specifiers, text, 0, ret, &letter);
    if (r >= 0 || r == -ENOMEM)
        return r;
    assignment_fault(a, "write %% for a literal percent sign",
                     "the specifier %%%c in \"%s\" cannot be resolved here: %s; ignored", letter,
                     text, strerror(-r));
    return 1;
}

void format_line(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addf(out, "%s=%s\n", name, value);
}

void format_word_quoted(struct strbuf *out, const char *word, bool percent)
{
    bool plain = *word && !strpbrk(word, "\"'\\ \t\n\r;") && *word != '#';

    if (!plain)
        strbuf_add_char(out, '"');
    for (const char *p = word; *p; p++) {
        if (*p == '%' && percent)
            strbuf_add(out, "%%");
        else if (*p == '"' || *p == '\\')
            strbuf_addf(out, "\\%c", *p);
        else if (*p == '\n')
            strbuf_add(out, "\\n");
        else if ((unsigned char) *p < ' ' || *p == 127)
            strbuf_addf(out, "\\x%02x", (unsigned char) *p);
        else
            strbuf_add_char(out, *p);
    }
    if (!plain)
        strbuf_add_char(out, '"');
}

void format_text_line(struct strbuf *out, const char *name, const char *text)
{
    strbuf_addf(out, "%s=", name);
    for (const char *p = text; *p; p++)
        strbuf_add_n(out, *p == '%' ? "%%" : p, *p == '%' ? 2 : 1);
    strbuf_add_char(out, '\n');
}

int assignment_word(struct assignment *a, const char **text, unsigned flags, char **ret)
{
    auto_free char *word = NULL;
    /* Unknown escapes stay as they are. */
    int r = quote_next_word(text, &word, NULL,
                            flags | (flags & QUOTE_CUNESCAPE ? QUOTE_KEEP_UNKNOWN : 0));

    *text = strempty(*text);
    if (r == 0 || r == -ENOMEM)
        return r;
    if (r < 0) {
        assignment_fault(a, "balance the quotes, or write \\\\ for a backslash",
                         "cannot be split into words: unbalanced quotes or an unknown escape");
        return -EINVAL;
    }
    r = assignment_expand(a, word, ret);
    return r < 0 ? r : r == 0 ? 1 : 2;
}

int assignment_check_path(struct assignment *a, char *path)
{
    if (!path_is_absolute(path)) {
        assignment_fault(
            a,
            *path == '~' || *path == '$'
                ? "nothing expands ~ and $ here: write the whole path, or %h for the home "
                  "folder of the manager's user"
                : "write a path that begins with /",
            "the path \"%s\" is not absolute", path);
        return 1;
    }
    path_simplify(path);
    if (!path_is_normalized(path)) {
        assignment_fault(a, "write it without \"..\"", "the path \"%s\" is not normalised", path);
        return 1;
    }
    return 0;
}

int assignment_move_var_run(struct assignment *a, char **path)
{
    const char *rest = startswith(*path, "/var/run/");

    if (!rest)
        return 0;
    char *moved = path_join("/run", rest, NULL);
    if (!moved)
        return -ENOMEM;
    assignment_note(a, "write /run", "%s is below the old folder /var/run, taken for %s", *path,
                    moved);
    free(*path);
    *path = moved;
    return 0;
}
