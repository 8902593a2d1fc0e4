/* Lines of services in every form, and traces: fields are names and values, and are not too many.
 * The first byte is the form. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "journal/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct parsed *p)
{
    assert(p->n <= PARSED_FIELDS_MAX && p->priority >= -1 && p->priority <= 7);
    for (size_t i = 0; i < p->n; i++) {
        const char *text = p->fields[i].iov_base, *equals = memchr(text, '=', p->fields[i].iov_len);

        assert(equals && equals > text && isupper((unsigned char) *text));
        for (const char *c = text; c < equals; c++)
            assert(isupper((unsigned char) *c) || isdigit((unsigned char) *c) || *c == '_');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parsed p = {};
    struct trace_state t = {};

    if (size == 0)
        return 0;
    const char *text = (const char *) data + 1, *end = (const char *) data + size;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t) (end - line));
        size_t n = (size_t) ((newline ? newline : end) - line);

        log_parse_line((enum log_parse)(data[0] % 4), line, n, &p);
        check(&p);
        (void) trace_next(&t, line, n);
        line += n + 1;
    }
    trace_fields(text, size - 1, &p);
    check(&p);
    parsed_done(&p);
    return 0;
}
