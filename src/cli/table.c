#include "cli/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"

void table_done(struct table *t)
{
    for (size_t i = 0; i < t->n_cells; i++) {
        free(t->cells[i].text);
        json_decref(t->cells[i].json);
    }
    free(t->cells);
    *t = (struct table){ 0 };
}

static struct table_cell *add_cell(struct table *t, const char *text)
{
    struct table_cell *cell;

    if (t->failed || !grow(&t->cells, &t->allocated, t->n_cells + 1)) {
        t->failed = true;
        return NULL;
    }
    cell = &t->cells[t->n_cells];
    cell->text = text ? utf8_sanitize(text, strlen(text), true) : NULL;
    if (text && !cell->text) {
        t->failed = true;
        return NULL;
    }
    t->n_cells++;
    return cell;
}

void table_add_color(struct table *t, const char *text, enum color color)
{
    struct table_cell *cell = add_cell(t, text);

    if (cell)
        cell->color = color;
}

void table_add(struct table *t, const char *text)
{
    table_add_color(t, text, COLOR_NONE);
}

void table_add_json(struct table *t, const char *text, json_t *json)
{
    struct table_cell *cell = add_cell(t, text);

    if (cell)
        cell->json = json;
    else
        json_decref(json);
}

size_t table_rows(const struct table *t)
{
    return t->n_cells / t->n_columns;
}

/* ---- JSON ---- */

static void print_indent(unsigned depth)
{
    putchar('\n');
    while (depth-- > 0)
        putchar('\t');
}

static void print_pretty(const json_t *v, unsigned depth)
{
    const char *key;
    json_t *element;
    size_t i;
    bool first = true;

    if (json_is_object(v) && json_object_size(v) > 0) {
        putchar('{');
        json_object_foreach((json_t *) v, key, element)
        {
            json_t *name = json_string(key);

            if (!first)
                putchar(',');
            first = false;
            print_indent(depth + 1);
            json_dumpf(name, stdout, JSON_ENCODE_ANY);
            json_decref(name);
            printf(" : ");
            print_pretty(element, depth + 1);
        }
        print_indent(depth);
        putchar('}');
    } else if (json_is_array(v) && json_array_size(v) > 0) {
        putchar('[');
        json_array_foreach(v, i, element)
        {
            if (i > 0)
                putchar(',');
            print_indent(depth + 1);
            print_pretty(element, depth + 1);
        }
        print_indent(depth);
        putchar(']');
    } else
        json_dumpf(v, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
}

void json_print(const json_t *v, bool pretty)
{
    if (pretty)
        print_pretty(v, 0);
    else
        json_dumpf(v, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
}

void json_print_reply(const struct systemctl *c, json_t *v)
{
    json_print(v, c->output == OUTPUT_JSON_PRETTY);
    putchar('\n');
    json_decref(v);
}

static int print_json(const struct systemctl *c, const struct table *t)
{
    json_t *rows = json_array();

    for (size_t row = 0; row < table_rows(t); row++) {
        json_t *object = json_object();

        for (size_t i = 0; i < t->n_columns; i++) {
            const struct table_cell *cell = &t->cells[row * t->n_columns + i];
            json_t *value;

            if (!t->columns[i].json || t->columns[i].hidden)
                continue;
            if (cell->json)
                value = json_incref(cell->json);
            else
                value = cell->text ? json_string(cell->text) : json_null();
            json_object_set_new(object, t->columns[i].json, value);
        }
        json_array_append_new(rows, object);
    }
    if (!rows)
        return -ENOMEM;
    json_print_reply(c, rows);
    return 0;
}

/* ---- columns ---- */

static const char *cell_text(const struct table_cell *cell)
{
    return cell->text ? cell->text : "-";
}

static size_t measure_column(const struct table *t, size_t column, bool titles)
{
    size_t width = titles ? utf8_width(t->columns[column].title) : 0;

    for (size_t row = 0; row < table_rows(t); row++) {
        size_t n = utf8_width(cell_text(&t->cells[row * t->n_columns + column]));

        if (n > width)
            width = n;
    }
    return width;
}

/* Takes what is too wide for the terminal from the columns that may shrink, the last one first. */
static void fit_columns(const struct table *t, size_t *widths)
{
    size_t sum = 0, limit = term_width();

    for (size_t i = 0; i < t->n_columns; i++)
        if (!t->columns[i].hidden)
            sum += widths[i] + (sum > 0);
    for (size_t i = t->n_columns; i-- > 0 && sum > limit;) {
        size_t least = 8, take;

        if (!t->columns[i].shrinks || t->columns[i].hidden || widths[i] <= least)
            continue;
        take = MIN(sum - limit, widths[i] - least);
        widths[i] -= take;
        sum -= take;
    }
}

static void print_cell(const char *text, size_t width, const struct table_column *column,
                       enum color color, bool last)
{
    auto_free char *cut = utf8_width(text) > width ? utf8_ellipsize(text, width, 100) : NULL;
    const char *shown = cut ? cut : text;
    int pad = (int) (width - MIN(utf8_width(shown), width));

    if (column->right)
        printf("%*s", pad, "");
    if (color != COLOR_NONE)
        printf("%s%s%s", term_color(color), shown, term_reset());
    else
        fputs(shown, stdout);
    if (!column->right && !last)
        printf("%*s", pad, "");
}

static bool is_last(const struct table *t, size_t column)
{
    for (size_t i = column + 1; i < t->n_columns; i++)
        if (!t->columns[i].hidden)
            return false;
    return true;
}

int table_print(const struct systemctl *c, struct table *t)
{
    auto_free size_t *widths = new0(size_t, t->n_columns);
    bool titles = !c->no_legend;

    if (t->failed || !widths)
        return -ENOMEM;
    if (c->output != OUTPUT_TEXT)
        return print_json(c, t);
    for (size_t i = 0; i < t->n_columns; i++)
        widths[i] = measure_column(t, i, titles);
    if (!c->full && (term_is_terminal() || term_has_color()))
        fit_columns(t, widths);
    for (size_t row = 0; row < table_rows(t) + titles; row++) {
        bool first = true;

        for (size_t i = 0; i < t->n_columns; i++) {
            const struct table_column *column = &t->columns[i];

            if (column->hidden)
                continue;
            if (!first)
                putchar(' ');
            first = false;
            if (titles && row == 0) {
                print_cell(column->title, widths[i], column,
                           *column->title != ' ' ? COLOR_UNDERLINE : COLOR_NONE, is_last(t, i));
            } else {
                const struct table_cell *cell = &t->cells[(row - titles) * t->n_columns + i];

                print_cell(cell_text(cell), widths[i], column, cell->color, is_last(t, i));
            }
        }
        putchar('\n');
    }
    return 0;
}
