#include "journal/native.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "journal/field.h"

/* One field from data[*at ..n): its text in *ret, empty where it is not to be kept. Returns 1, 0 at
 * the end of the entry, -EBADMSG. */
static int next_field(char *data, size_t n, size_t *at, struct iovec *ret)
{
    char *line = data + *at;
    size_t left = n - *at;
    char *end = memchr(line, '\n', left);
    size_t length = end ? (size_t) (end - line) : left;

    *ret = (struct iovec){ 0 };
    if (length == 0) {
        *at += end ? 1 : 0;
        return 0;
    }
    char *equal = memchr(line, '=', length);
    if (equal || line[0] == '.' || line[0] == '#') {
        *at += length + (end ? 1 : 0);
        if (equal && field_name_valid(line, (size_t) (equal - line), false))
            *ret = (struct iovec){ line, length };
        return 1;
    }

    uint64_t size;
    if (!end || left - length - 1 < sizeof size)
        return -EBADMSG;
    memcpy(&size, end + 1, sizeof size);
    size = le64toh(size);
    size_t head = length + 1 + sizeof size;
    if (size >= left - head || line[head + size] != '\n')
        return -EBADMSG;
    *at += head + size + 1;
    if (!field_name_valid(line, length, false))
        return 1;
    /* The name moves up to its value, over the length. */
    char *start = line + sizeof size;
    memmove(start, line, length);
    start[length] = '=';
    *ret = (struct iovec){ start, length + 1 + size };
    return 1;
}

int native_next(char *data, size_t n, size_t *at, struct iovec **fields, size_t *allocated)
{
    size_t count = 0;
    bool too_many = false;

    while (*at < n) {
        struct iovec field;
        int r = next_field(data, n, at, &field);

        if (r < 0) {
            *at = n;
            return r;
        }
        if (r == 0) {
            if (count > 0 || too_many)
                break;
            continue;
        }
        if (field.iov_len == 0)
            continue;
        if (count == NATIVE_FIELDS_MAX) {
            too_many = true;
            continue;
        }
        if (!grow(fields, allocated, count + 1))
            return -ENOMEM;
        (*fields)[count++] = field;
    }
    return too_many ? -E2BIG : (int) count;
}
