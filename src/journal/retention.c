#include "journal/retention.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "journal/file-format.h"

#define NAME_LENGTH 100

static void retention_free(struct retention *r)
{
    strv_free(r->patterns);
    free(r->file);
    free(r);
}

void retentions_done(struct retentions *r)
{
    for (size_t i = 0; i < r->n; i++)
        retention_free(r->all[i]);
    free(r->all);
    *r = (struct retentions){ 0 };
}

/* A pattern may have anything in it, and be long: what is not itself in a file's name is told apart
 * by a hash. */
static char *file_name(char *const *patterns)
{
    auto_free char *text = strv_join(patterns, "+");

    if (!text)
        return NULL;
    uint64_t hash = journal_jenkins(text, strlen(text));
    size_t n = MIN(strlen(text), (size_t) NAME_LENGTH);
    bool changed = text[n] != 0;
    for (size_t i = 0; i < n; i++) {
        if (strchr("*?[]/\\ ", text[i])) {
            text[i] = '_';
            changed = true;
        }
    }
    return changed ? format("system@%.*s-%08" PRIx32, (int) n, text, (uint32_t) hash)
                   : format("system@%s", text);
}

static char **split_patterns(const char *patterns)
{
    auto_strv char **words = strv_split(patterns, WHITESPACE);
    auto_strv char **whole = NULL;

    if (!words)
        return NULL;
    STRV_FOREACH (w, words) {
        if (strv_addf(&whole, strpbrk(*w, ".*?[") ? "%s" : "%s.service", *w) < 0)
            return NULL;
    }
    return take_ptr(whole);
}

struct retention *retention_get(struct retentions *r, const char *patterns)
{
    auto_strv char **split = split_patterns(patterns);

    if (!split)
        return NULL;
    for (size_t i = 0; i < r->n; i++) {
        if (strv_equal(r->all[i]->patterns, split))
            return r->all[i];
    }
    struct retention *fresh = new0(struct retention, 1);
    if (!fresh)
        return NULL;
    fresh->file = file_name(split);
    fresh->patterns = take_ptr(split);
    if (!fresh->file || !grow(&r->all, &r->allocated, r->n + 1)) {
        retention_free(fresh);
        return NULL;
    }
    return r->all[r->n++] = fresh;
}

struct retention *retention_of(const struct retentions *r, const char *unit)
{
    for (size_t i = 0; unit && i < r->n; i++) {
        STRV_FOREACH (pattern, r->all[i]->patterns) {
            if (fnmatch(*pattern, unit, 0) == 0)
                return r->all[i];
        }
    }
    return NULL;
}
