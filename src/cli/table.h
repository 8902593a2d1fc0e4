/* cli/table.h -- what lists print: aligned columns for people, an array of objects for programs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/systemctl.h"
#include "cli/term.h"

struct table_column {
    const char *title;
    const char *json; /* the member's name; NULL: not in JSON output */
    bool right;       /* aligned to the right */
    bool shrinks;     /* may be cut where the terminal is too narrow */
    bool hidden;
};

struct table_cell {
    char *text;   /* NULL: "-" */
    json_t *json; /* NULL: the text; a null value where there is no text */
    enum color color;
};

/* Cells come row by row. Zero-initialise it, set the columns. A failed allocation is noticed when
 * it is printed. */
struct table {
    struct table_column *columns;
    size_t n_columns;
    struct table_cell *cells;
    size_t n_cells, allocated;
    bool failed;
};

void table_done(struct table *t);
#define auto_table _cleanup_(table_done)

/* The next cell; text is copied. NULL stands for "there is none". */
void table_add(struct table *t, const char *text);
void table_add_color(struct table *t, const char *text, enum color color);
/* The next cell with another value in JSON; `json` is taken over. */
void table_add_json(struct table *t, const char *text, json_t *json);
size_t table_rows(const struct table *t);

/* Prints it as the options ask: JSON, or columns with (unless --no-legend) their titles. Returns 0
 * or -ENOMEM. */
int table_print(const struct systemctl *c, struct table *t);

/* Prints JSON as systemctl does: one line, or indented by tabs. */
void json_print(const json_t *v, bool pretty);
/* The same for the mode that was asked for, with a newline; takes the value over. */
void json_print_reply(const struct systemctl *c, json_t *v);
