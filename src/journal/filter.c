#include "journal/filter.h"

#include <errno.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"

static void patterns_free(void **patterns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pcre2_code_free(patterns[i]);
    free(patterns);
}

void line_filter_done(struct line_filter *f)
{
    patterns_free(f->allow, f->n_allow);
    patterns_free(f->deny, f->n_deny);
    *f = (struct line_filter){ 0 };
}

int line_filter_add(struct line_filter *f, const char *pattern, size_t n, bool deny)
{
    void ***list = deny ? &f->deny : &f->allow;
    size_t *count = deny ? &f->n_deny : &f->n_allow;
    int error;
    PCRE2_SIZE at;

    if (!grow(list, deny ? &f->deny_allocated : &f->allow_allocated, *count + 1))
        return -ENOMEM;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR) pattern, n, PCRE2_MATCH_INVALID_UTF, &error, &at,
                                     NULL);
    if (!code)
        return -EINVAL;
    (*list)[(*count)++] = code;
    return 0;
}

static bool any_matches(void *const *patterns, size_t n_patterns, const char *line, size_t n)
{
    for (size_t i = 0; i < n_patterns; i++) {
        pcre2_match_data *data = pcre2_match_data_create(1, NULL);

        if (!data)
            continue;
        int r = pcre2_match(patterns[i], (PCRE2_SPTR) line, n, 0, 0, data, NULL);
        pcre2_match_data_free(data);
        if (r >= 0)
            return true;
    }
    return false;
}

bool line_filter_passes(const struct line_filter *f, const char *line, size_t n)
{
    if (any_matches(f->deny, f->n_deny, line, n))
        return false;
    return f->n_allow == 0 || any_matches(f->allow, f->n_allow, line, n);
}
