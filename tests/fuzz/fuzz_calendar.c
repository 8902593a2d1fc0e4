/* Calendar events: what is accepted has a normal form that means the same, and elapses go forward.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = memdup0(data, size);
    struct calendar *c, *again;
    usec_t t = UINT64_C(1795383015) * USEC_PER_SEC, next;

    if (!text || calendar_parse(text, &c) < 0)
        return 0;
    auto_free char *normal = calendar_format(c);
    int r = calendar_parse(normal, &again);
    assert(r >= 0);
    auto_free char *fixed = calendar_format(again);
    assert(strcmp(normal, fixed) == 0);
    for (int i = 0; i < 3 && calendar_next(c, t, &next) >= 0; i++, t = next)
        assert(next > t);
    calendar_free(again);
    calendar_free(c);
    return 0;
}
