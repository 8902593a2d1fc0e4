/* What there is in the files: values, fields, boots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "journal/query.h"

int journal_unique(struct journal *j, const char *field,
                   int (*fn)(const char *value, size_t n, void *userdata), void *userdata)
{
    size_t name = strlen(field);

    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct journal_file *f = journal_get_file(j, i);
        uint64_t at = journal_find_field(f, field, name);
        const struct field_object *o = at ? (const struct field_object *) journal_object(
                                                f, at, OBJECT_FIELD)
                                          : NULL;

        for (at = o ? o->head_data_offset : 0; at != 0; at = journal_next_of_field(f, at)) {
            const char *payload;
            size_t n;
            bool known = false;

            if (journal_data(f, at, &payload, &n) < 0 || n <= name || payload[name] != '=')
                continue;
            for (size_t k = 0; k < i && !known; k++)
                known = journal_find_data(journal_get_file(j, k), payload, n);
            int r = known ? 0 : fn(payload + name + 1, n - name - 1, userdata);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int journal_fields(struct journal *j, int (*fn)(const char *name, size_t n, void *userdata),
                   void *userdata)
{
    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct journal_file *f = journal_get_file(j, i);
        const struct journal_header *h = journal_header(f);
        const struct hash_item *table = (const struct hash_item *) (f->map +
                                                                    h->field_hash_table_offset);

        for (size_t b = 0; b < h->field_hash_table_size / sizeof *table; b++) {
            uint64_t before = 0;

            for (uint64_t at = table[b].head_hash_offset; at > before;) {
                const struct field_object *o = (const struct field_object *) journal_object(
                    f, at, OBJECT_FIELD);
                bool known = false;

                if (!o)
                    break;
                size_t n = o->head.size - sizeof *o;
                for (size_t k = 0; k < i && !known; k++)
                    known = journal_find_field(journal_get_file(j, k), (const char *) o->payload,
                                               n);
                int r = known ? 0 : fn((const char *) o->payload, n, userdata);
                if (r < 0)
                    return r;
                before = at;
                at = o->next_hash_offset;
            }
        }
    }
    return 0;
}

struct spans {
    struct journal_span *all;
    size_t n, allocated;
};

static int note_span(struct spans *s, struct id128 id, usec_t first, usec_t last)
{
    for (size_t i = 0; i < s->n; i++) {
        if (id128_equal(s->all[i].id, id)) {
            s->all[i].first = MIN(s->all[i].first, first);
            s->all[i].last = MAX(s->all[i].last, last);
            return 0;
        }
    }
    if (!grow(&s->all, &s->allocated, s->n + 1))
        return -ENOMEM;
    s->all[s->n++] = (struct journal_span){ id, first, last };
    return 0;
}

static int spans_of_file(struct spans *s, struct journal_file *f, const char *field,
                         journal_entry_filter wanted, void *userdata)
{
    size_t name = strlen(field);
    uint64_t at = journal_find_field(f, field, name);
    const struct field_object *o = at ? (const struct field_object *) journal_object(f, at,
                                                                                     OBJECT_FIELD)
                                      : NULL;

    for (at = o ? o->head_data_offset : 0; at != 0; at = journal_next_of_field(f, at)) {
        struct entry_list list = { 0 };
        char text[ID128_TEXT_MAX] = { 0 };
        struct id128 id;
        const char *payload;
        size_t n;
        int r = 0;

        if (journal_data(f, at, &payload, &n) < 0 || n != name + 1 + 32)
            continue;
        memcpy(text, payload + name + 1, 32);
        if (id128_parse(text, &id) < 0)
            continue;
        (void) entry_list_salvage(&list, f, at);
        const struct entry_object *first = list.n > 0
                                               ? journal_entry(f, entry_list_get(&list, f, 0))
                                               : NULL;
        const struct entry_object *last = list.n > 0 ? journal_entry(
                                                           f, entry_list_get(&list, f, list.n - 1))
                                                     : NULL;
        if (first && last && (!wanted || wanted(f, first, userdata)))
            r = note_span(s, id, first->realtime, last->realtime);
        entry_list_done(&list);
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_spans(const void *a, const void *b)
{
    const struct journal_span *x = a, *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

int journal_spans(struct journal *j, const char *const *fields, journal_entry_filter wanted,
                  void *userdata, struct journal_span **ret, size_t *ret_n)
{
    struct spans s = { 0 };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < journal_n_files(j); i++)
        for (size_t k = 0; r >= 0 && fields[k]; k++)
            r = spans_of_file(&s, journal_get_file(j, i), fields[k], wanted, userdata);
    if (r < 0) {
        free(s.all);
        return r;
    }
    if (s.n > 0)
        qsort(s.all, s.n, sizeof *s.all, compare_spans);
    *ret = s.all;
    *ret_n = s.n;
    return 0;
}

int journal_boots(struct journal *j, struct journal_span **ret, size_t *ret_n)
{
    static const char *const fields[] = { "_BOOT_ID", NULL };

    return journal_spans(j, fields, NULL, NULL, ret, ret_n);
}
