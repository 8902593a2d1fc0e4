/* What there is in the files: values, fields, boots. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "journal/query.h"

typedef uint64_t (*find_fn)(struct journal_file *f, const void *text, size_t n);

/* Whether a file before the i-th has it. */
static bool is_known(struct journal *j, size_t i, find_fn find, const char *text, size_t n)
{
    for (size_t k = 0; k < i; k++) {
        if (find(journal_get_file(j, k), text, n) != 0)
            return true;
    }
    return false;
}

int journal_unique(struct journal *j, const char *field,
                   int (*fn)(const char *value, size_t n, void *userdata), void *userdata)
{
    size_t name = strlen(field);

    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct journal_file *f = journal_get_file(j, i);
        auto_free uint64_t *values = NULL;
        size_t n_values;
        int r = journal_list_data(f, field, name, &values, &n_values);

        for (size_t k = 0; r >= 0 && k < n_values; k++) {
            const char *payload;
            size_t n;

            if (journal_data(f, values[k], &payload, &n) >= 0 && n > name && payload[name] == '=' &&
                !is_known(j, i, journal_find_data, payload, n))
                r = fn(payload + name + 1, n - name - 1, userdata);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int journal_fields(struct journal *j, int (*fn)(const char *name, size_t n, void *userdata),
                   void *userdata)
{
    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct journal_file *f = journal_get_file(j, i);
        auto_free uint64_t *fields = NULL;
        size_t n_fields;
        int r = journal_list_fields(f, &fields, &n_fields);

        for (size_t k = 0; r >= 0 && k < n_fields; k++) {
            const struct field_object *o = (const struct field_object *) (f->map + fields[k]);
            const char *name = (const char *) o->payload;
            size_t n = o->head.size - sizeof *o;

            if (!is_known(j, i, journal_find_field, name, n))
                r = fn(name, n, userdata);
        }
        if (r < 0)
            return r;
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

/* The first and last entry that has the value. */
static bool ends_of(struct journal_file *f, uint64_t data, const struct entry_object **ret_first,
                    const struct entry_object **ret_last)
{
    struct entry_list list = { 0 };
    bool again;

    *ret_first = *ret_last = NULL;
    do {
        again = !f->damaged;
        (void) entry_list_load_data(&list, f, data);
        if (list.n > 0 && entry_list_check(&list, f, 0) && entry_list_check(&list, f, list.n - 1)) {
            *ret_first = journal_entry(f, entry_list_get(&list, f, 0));
            *ret_last = journal_entry(f, entry_list_get(&list, f, list.n - 1));
        }
    } while (again && f->damaged);
    entry_list_done(&list);
    return *ret_first && *ret_last;
}

static int spans_of_file(struct spans *s, struct journal_file *f, const char *field,
                         journal_entry_filter wanted, void *userdata)
{
    auto_free uint64_t *values = NULL;
    size_t name = strlen(field), n_values;
    int r = journal_list_data(f, field, name, &values, &n_values);

    for (size_t i = 0; r >= 0 && i < n_values; i++) {
        char text[ID128_TEXT_MAX] = { 0 };
        const struct entry_object *first, *last;
        struct id128 id;
        const char *payload;
        size_t n;

        if (journal_data(f, values[i], &payload, &n) < 0 || n != name + 1 + 32)
            continue;
        memcpy(text, payload + name + 1, 32);
        if (id128_parse(text, &id) >= 0 && ends_of(f, values[i], &first, &last) &&
            (!wanted || wanted(f, first, userdata)))
            r = note_span(s, id, first->realtime, last->realtime);
    }
    return r;
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
