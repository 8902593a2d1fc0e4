#include "unit/specifier.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

static void expand_cases(void **state)
{
    static const struct {
        const char *text;
        int r;
        const char *result;
    } cases[] = {
        { "%n %N %p %i %j", 0, "a-b\\x2dc@d-e.service a-b\\x2dc@d-e a-b\\x2dc d-e b\\x2dc" },
        { "%P %I %J %f", 0, "a/b-c d/e b-c /d/e" },
        { "%% %", 0, "% %" },
        { "% a %é", 0, "% a %é" },
        { "%t %S %C %L %E %D %d", 0,
          "/run /var/lib /var/cache /var/log /etc /usr/share "
          "/run/credentials/a-b\\x2dc@d-e.service" },
        { "%y %Y", 0, "/etc/systemd/system/x.service /etc/systemd/system" },
        { "%Z", -EBADSLT, "Z" },
        { "%1", -EBADSLT, "1" },
    };
    struct specifier_context x = { .name = "a-b\\x2dc@d-e.service",
                                   .fragment_path = "/etc/systemd/system/x.service" };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char *got = NULL, letter[2] = "";
        int r = specifier_expand(&x, cases[i].text, 0, &got, letter);

        if (r != cases[i].r || !streq(r < 0 ? letter : got, cases[i].result))
            fail_msg("\"%s\": r=%d \"%s\"", cases[i].text, r, strempty(got));
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(expand_cases) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
