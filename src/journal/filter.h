/* journal/filter.h -- LogFilterPatterns= (systemd.exec(5)): which lines of a unit are kept. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise it; passes everything while it is empty. */
struct line_filter {
    void **allow, **deny; /* compiled patterns */
    size_t n_allow, n_deny, allow_allocated, deny_allocated;
};

void line_filter_done(struct line_filter *f);
/* Adds a PCRE2 pattern. Returns 0, -EINVAL for a pattern that does not compile, -ENOMEM; the
 * filter is as before then. */
int line_filter_add(struct line_filter *f, const char *pattern, size_t n, bool deny);
/* A line that a deny pattern matches does not pass; where there are allow patterns, one has to
 * match. A pattern that fails while matching (too complex) counts as no match. */
bool line_filter_passes(const struct line_filter *f, const char *line, size_t n);
