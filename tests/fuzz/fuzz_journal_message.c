/* What a client sends to the collector: native messages, syslog lines; records of the kernel; and
 * cursors. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "journal/kernel.h"
#include "journal/native.h"
#include "journal/query.h"
#include "journal/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct iovec *fields = NULL;
    size_t allocated = 0, at = 0;
    struct syslog_message m;
    struct journal_cursor c;
    struct kernel_record record;
    char *copy = memdup0(data, size);

    if (!copy)
        return 0;
    (void) journal_cursor_parse(copy, &c);
    syslog_parse(copy, size, &m);
    volatile char last = 0;
    char *line = memdup0(data, size);
    if (line && kernel_record_parse(line, size, &record) >= 0) {
        for (size_t i = 0; i < record.length; i++)
            last = record.text[i];
        for (size_t i = 0; i < record.n_keys; i++) {
            if (!memchr(record.keys[i].text, '=', record.keys[i].length))
                abort();
        }
    }
    free(line);
    for (size_t i = 0; i < m.length; i++)
        last = m.text[i];
    while (at < size) {
        size_t before = at;
        int n = native_next(copy, size, &at, &fields, &allocated);

        if (at <= before)
            abort(); /* it would never end */
        for (int i = 0; i < n; i++) {
            if (!memchr(fields[i].iov_base, '=', fields[i].iov_len))
                abort();
        }
    }
    (void) last;
    free(fields);
    free(copy);
    return 0;
}
