#include "journal/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct match *match_field(const char *text, size_t n)
{
    struct match *m = new0(struct match, 1);

    if (!m || !(m->text = memdup0(text, n))) {
        free(m);
        return NULL;
    }
    m->kind = MATCH_FIELD;
    m->n = n;
    return m;
}

struct match *match_group(enum match_kind kind)
{
    struct match *m = new0(struct match, 1);

    if (m)
        m->kind = kind;
    return m;
}

int match_add(struct match *parent, struct match *child)
{
    if (!parent || !child || !grow(&parent->children, &parent->allocated, parent->n_children + 1)) {
        match_free(child);
        return -ENOMEM;
    }
    parent->children[parent->n_children++] = child;
    return 0;
}

int match_add_field(struct match *parent, const char *name, const char *value)
{
    size_t n = strlen(name), k = strlen(value);
    auto_free char *text = malloc(n + k + 2);

    if (!text)
        return -ENOMEM;
    memcpy(text, name, n);
    text[n] = '=';
    memcpy(text + n + 1, value, k + 1);
    return match_add(parent, match_field(text, n + 1 + k));
}

void match_free(struct match *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_children; i++)
        match_free(m->children[i]);
    free(m->children);
    free(m->text);
    free(m);
}

unsigned match_number(struct match *m, unsigned first)
{
    if (!m)
        return first;
    m->id = first++;
    for (size_t i = 0; i < m->n_children; i++)
        first = match_number(m->children[i], first);
    return first;
}

void match_states_free(struct match_state *states, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        entry_list_done(&states[i].list);
    free(states);
}

void match_states_reset(struct match_state *states, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        states[i].loaded = states[i].answered = false;
}

/* ---- forwards and backwards ---- */

static void load_field(struct match_view *v, const struct match *m, struct match_state *s)
{
    if (s->loaded)
        return;
    (void) entry_list_load_value(&s->list, v->file, m->text, m->n);
    s->index = 0;
    s->loaded = true;
}

/* Where a list turns out to be damaged it is at its end: the reader begins anew (query.c). */
static uint64_t list_next(struct entry_list *l, struct journal_file *f, size_t *index,
                          uint64_t from)
{
    /* From where it was last, where that is before. */
    if (*index > l->n || (*index > 0 && entry_list_get(l, f, *index - 1) >= from))
        *index = 0;
    *index = entry_list_seek(l, f, from, *index);
    return entry_list_check(l, f, *index) && *index < l->n ? entry_list_get(l, f, *index)
                                                           : MATCH_END;
}

/* The index of the last one at or before it; SIZE_MAX: none. */
static size_t seek_back(struct entry_list *l, struct journal_file *f, size_t index, uint64_t from)
{
    /* One step back is the most frequent. */
    if (index > 0 && index < l->n && entry_list_get(l, f, index) > from &&
        entry_list_get(l, f, index - 1) <= from)
        return index - 1;
    size_t at = entry_list_seek(l, f, from, 0);
    return at < l->n && entry_list_get(l, f, at) == from ? at : at - 1;
}

static uint64_t list_previous(struct entry_list *l, struct journal_file *f, size_t *index,
                              uint64_t from)
{
    size_t at = l->n > 0 ? seek_back(l, f, *index, from) : SIZE_MAX;

    /* What is behind it may be what misled the search. */
    if ((at + 1 < l->n && !entry_list_check(l, f, at + 1)) || at == SIZE_MAX ||
        !entry_list_check(l, f, at))
        return 0;
    *index = at;
    return entry_list_get(l, f, at);
}

static uint64_t all_next(struct match_view *v, struct match_state *s, uint64_t from)
{
    return list_next(v->all, v->file, &s->index, from);
}

static uint64_t and_next(struct match_view *v, const struct match *m, struct match_state *s,
                         uint64_t from)
{
    if (m->n_children == 0)
        return all_next(v, s, from);
    for (size_t agreed = 0, i = 0; agreed < m->n_children; i = (i + 1) % m->n_children) {
        uint64_t at = match_next(v, m->children[i], from);

        if (at == MATCH_END)
            return at;
        agreed = at == from ? agreed + 1 : 1;
        from = at;
    }
    return from;
}

static uint64_t and_previous(struct match_view *v, const struct match *m, struct match_state *s,
                             uint64_t from)
{
    if (m->n_children == 0)
        return list_previous(v->all, v->file, &s->index, from);
    for (size_t agreed = 0, i = 0; agreed < m->n_children; i = (i + 1) % m->n_children) {
        uint64_t at = match_previous(v, m->children[i], from);

        if (at == 0)
            return 0;
        agreed = at == from ? agreed + 1 : 1;
        from = at;
    }
    return from;
}

static uint64_t not_next(struct match_view *v, const struct match *m, struct match_state *s,
                         uint64_t from)
{
    for (;;) {
        uint64_t at = all_next(v, s, from);

        if (at == MATCH_END || match_next(v, m->children[0], at) != at)
            return at;
        from = at + 1;
    }
}

static uint64_t not_previous(struct match_view *v, const struct match *m, struct match_state *s,
                             uint64_t from)
{
    for (;;) {
        uint64_t at = list_previous(v->all, v->file, &s->index, from);

        if (at == 0 || match_previous(v, m->children[0], at) != at)
            return at;
        from = at - 1;
    }
}

static uint64_t compute_next(struct match_view *v, const struct match *m, struct match_state *s,
                             uint64_t from)
{
    uint64_t best = MATCH_END;

    switch (m->kind) {
    case MATCH_FIELD:
        load_field(v, m, s);
        return list_next(&s->list, v->file, &s->index, from);
    case MATCH_AND:
        return and_next(v, m, s, from);
    case MATCH_OR:
        for (size_t i = 0; i < m->n_children; i++) {
            uint64_t at = match_next(v, m->children[i], from);

            best = MIN(best, at);
        }
        return best;
    case MATCH_NOT:
        return not_next(v, m, s, from);
    }
    assert_unreachable();
}

static uint64_t compute_previous(struct match_view *v, const struct match *m, struct match_state *s,
                                 uint64_t from)
{
    uint64_t best = 0;

    switch (m->kind) {
    case MATCH_FIELD:
        load_field(v, m, s);
        return list_previous(&s->list, v->file, &s->index, from);
    case MATCH_AND:
        return and_previous(v, m, s, from);
    case MATCH_OR:
        for (size_t i = 0; i < m->n_children; i++) {
            uint64_t at = match_previous(v, m->children[i], from);

            best = MAX(best, at);
        }
        return best;
    case MATCH_NOT:
        return not_previous(v, m, s, from);
    }
    assert_unreachable();
}

uint64_t match_next(struct match_view *v, const struct match *m, uint64_t from)
{
    struct match_state *s = &v->states[m->id];

    if (s->answered && s->forward && s->asked <= from && from <= s->answer)
        return s->answer;
    s->answer = compute_next(v, m, s, from);
    s->asked = from;
    s->answered = s->forward = true;
    return s->answer;
}

uint64_t match_previous(struct match_view *v, const struct match *m, uint64_t from)
{
    struct match_state *s = &v->states[m->id];

    if (s->answered && !s->forward && s->answer <= from && from <= s->asked)
        return s->answer;
    s->answer = compute_previous(v, m, s, from);
    s->asked = from;
    s->answered = true;
    s->forward = false;
    return s->answer;
}
