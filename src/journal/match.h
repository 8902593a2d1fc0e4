/* journal/match.h -- which entries are asked for: an expression over field values.
 *
 * Expressions are evaluated by the files' own lists: each FIELD=value has the list of its entries,
 * and AND, OR and NOT find the next entry at or after a place without looking at those between. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "journal/entry-list.h"

enum match_kind { MATCH_FIELD, MATCH_AND, MATCH_OR, MATCH_NOT };

struct match {
    enum match_kind kind;
    char *text; /* MATCH_FIELD: "NAME=value" */
    size_t n;
    struct match **children;
    size_t n_children, allocated;
    unsigned id; /* numbered by match_number() */
};

/* All return NULL where memory is out; match_free(NULL) is allowed. */
struct match *match_field(const char *text, size_t n);
struct match *match_group(enum match_kind kind);
/* Adds a child, which is freed with the parent, and at once where that fails. NULL children are
 * failures. Returns 0 or -ENOMEM. */
int match_add(struct match *parent, struct match *child);
int match_add_field(struct match *parent, const char *name, const char *value);
void match_free(struct match *m);
/* Numbers all nodes from 0, as the per-file state needs it; returns how many there are. */
unsigned match_number(struct match *m, unsigned first);

/* What one file knows of one node. */
struct match_state {
    struct entry_list list; /* MATCH_FIELD */
    bool loaded;
    size_t index;           /* where in the list it was last */
    uint64_t asked, answer; /* the last answer holds for everything between */
    bool answered, forward;
};

struct match_view {
    struct journal_file *file;
    struct entry_list *all; /* every entry of the file */
    struct match_state *states;
};
void match_states_free(struct match_state *states, unsigned n);
/* After a refresh of the file. */
void match_states_reset(struct match_state *states, unsigned n);

#define MATCH_END UINT64_MAX
/* The first entry at or after the offset that the expression (NULL: all) holds for, or MATCH_END.
 */
uint64_t match_next(struct match_view *v, const struct match *m, uint64_t from);
/* The last one at or before it, or 0. */
uint64_t match_previous(struct match_view *v, const struct match *m, uint64_t from);
