/* Answers of name servers. */
#include <stdint.h>

#include "health/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    union socket_address found[4];

    if (size >= 2)
        (void) dns_read_answer(data, size, (unsigned) data[0] << 8 | data[1], data[1] & 1 ? 1 : 28,
                               found, 4);
    return 0;
}
