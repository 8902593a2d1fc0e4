/* Environment files: every assignment that comes out has a valid name and value. */
#include <assert.h>
#include <stdint.h>

#include "base/strv.h"
#include "unit/env-file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct env_file_fault faults[2];
    auto_strv char **env = NULL;
    unsigned n;

    if (env_file_parse((const char *) data, size, &env, faults, 2, &n) >= 0)
        STRV_FOREACH (e, env) {
            const char *eq = *e;

            while (*eq != '=')
                assert(*eq++);
            assert(eq > *e);
        }
    return 0;
}
