/* Time spans and time stamps: what is accepted can be shown and read again. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/timespan.h"
#include "base/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_free char *text = memdup0(data, size);
    char shown[TIMESTAMP_TEXT_MAX];
    usec_t span, again, t;
    nsec_t nsec;
    int r;

    if (!text)
        return 0;
    if (timespan_parse(text, &span) >= 0) {
        r = timespan_parse(timespan_format(shown, span, 1), &again);
        /* The largest whole number of years that fits is refused, as systemd does. */
        assert(span >= 584542 * USEC_PER_YEAR || (r >= 0 && again == span));
        (void) timespan_format(shown, span, USEC_PER_SEC);
    }
    (void) timespan_parse_nsec(text, 1, &nsec);
    if (timestamp_parse_at(text, UINT64_C(1795383015) * USEC_PER_SEC, &t) >= 0) {
        r = timestamp_parse_spoken_at(text, UINT64_C(1795383015) * USEC_PER_SEC, &again);
        assert(r >= 0 && again == t);
    }
    if (timestamp_parse_spoken_at(text, UINT64_C(1795383015) * USEC_PER_SEC, &t) >= 0) {
        for (int style = 0; style < TIMESTAMP_STYLE_MAX; style++)
            (void) timestamp_format(shown, t, style);
        (void) timestamp_format_relative(shown, t, UINT64_C(1795383015) * USEC_PER_SEC);
        if (timestamp_format(shown, t, TIMESTAMP_US_UTC) && t < UINT64_C(253402214399000000)) {
            r = timestamp_parse(shown, &again);
            assert(r >= 0 && again == t);
        }
    }
    return 0;
}
