#include "health/pressure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

/* "some": at least one task waits; "full": all of them, which for processors means nothing. A
 * machine that is merely in full use has cpu pressure well below the bound. */
static const struct {
    const char *name, *line;
    unsigned bound; /* percent */
} resources[] = {
    { "cpu", "some avg10=", 90 },
    { "memory", "full avg10=", 40 },
    { "io", "full avg10=", 70 },
};

bool machine_is_starved(const char *folder, char text[static PRESSURE_TEXT_MAX])
{
    for (size_t i = 0; i < ELEMENTSOF(resources); i++) {
        auto_free char *path = path_join(folder ? folder : "/proc/pressure", resources[i].name,
                                         NULL);
        auto_free char *data = NULL;
        const char *at;

        if (!path || file_read(path, 4096, &data, NULL) < 0 ||
            !(at = strstr(data, resources[i].line)))
            continue;
        unsigned long percent = strtoul(at + strlen(resources[i].line), NULL, 10);
        if (percent >= resources[i].bound) {
            snprintf(text, PRESSURE_TEXT_MAX, "%s pressure %lu%%", resources[i].name, percent);
            return true;
        }
    }
    return false;
}
