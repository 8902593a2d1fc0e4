/* Notification datagrams (sd_notify(3)): whatever comes, each field is taken or refused, and every
 * string of the result lies in the datagram. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "manager/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notify_message m;
    char value[16];

    if (size > NOTIFY_DATAGRAM_MAX)
        return 0;
    auto_free char *text = memdup0(data, size);
    if (!text)
        return 0;
    for (enum notify_field f = 0; f < NOTIFY_FIELD_MAX; f++)
        assert(strlen(notify_field_value(text, f, value, sizeof value)) < sizeof value);

    notify_parse(text, &m);
    const char *const strings[] = { m.status, m.bus_error, m.varlink_error, m.fd_name };
    for (size_t i = 0; i < ELEMENTSOF(strings); i++)
        assert(!strings[i] || (strings[i] >= text && strings[i] <= text + size));
    assert(!(m.fields & NOTIFY_BIT(MAINPID)) || m.main_pid > 0);
    assert(!(m.fields & NOTIFY_BIT(ERRNO)) || (m.error >= 0 && m.error <= 4095));
    return 0;
}
