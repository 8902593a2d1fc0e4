#include "journal/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void field_group_done(struct field_group *g)
{
    free(g->text);
    free(g->fields);
    free(g->offsets);
    *g = (struct field_group){ 0 };
}

void field_group_clear(struct field_group *g)
{
    g->size = g->n = 0;
    g->generation = 0;
    g->failed = false;
}

static char *field_room(struct field_group *g, size_t n)
{
    if (n > UINT32_MAX || g->size + n > UINT32_MAX ||
        !grow(&g->text, &g->allocated, g->size + n + 1) ||
        !grow(&g->fields, &g->n_allocated, g->n + 1)) {
        g->failed = true;
        return NULL;
    }
    g->fields[g->n++] = (struct field_position){ (uint32_t) g->size, (uint32_t) n };
    char *at = g->text + g->size;
    g->size += n;
    g->generation = 0;
    return at;
}

void field_add_n(struct field_group *g, const char *name, const void *value, size_t n)
{
    size_t name_length = strlen(name);
    char *at = field_room(g, name_length + 1 + n);

    if (!at)
        return;
    memcpy(at, name, name_length);
    at[name_length] = '=';
    memcpy(at + name_length + 1, value, n);
}

void field_add(struct field_group *g, const char *name, const char *value)
{
    if (value)
        field_add_n(g, name, value, strlen(value));
}

void field_addf(struct field_group *g, const char *name, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    field_add(g, name, text);
}

void field_add_whole(struct field_group *g, const void *field, size_t n)
{
    char *at = field_room(g, n);

    if (at)
        memcpy(at, field, n);
}

const char *field_get(const struct field_group *g, const char *name, size_t *ret_length)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < g->n; i++) {
        const char *field = g->text + g->fields[i].at;

        if (g->fields[i].length <= n || memcmp(field, name, n) != 0 || field[n] != '=')
            continue;
        *ret_length = g->fields[i].length - n - 1;
        return field + n + 1;
    }
    return NULL;
}

bool field_name_valid(const char *name, size_t n, bool trusted)
{
    if (n == 0 || n > 64 || (name[0] >= '0' && name[0] <= '9') || (name[0] == '_' && !trusted))
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}
