#include "diagnose/fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"

/* The commands of a line, each as a line again, with " ; " between them. */
static char *commands_of(const char *line)
{
    auto_strv char **words = NULL;
    auto_strbuf struct strbuf b = {};
    char **next;

    if (fix_split(line, &words) < 0)
        return strdup("error");
    for (char **at = words; at && *at; at = next) {
        auto_strv char **argv = NULL;

        if (fix_next_command(at, &argv, &next) < 0)
            return strdup("error");
        auto_free char *text = quote_command_line(argv);
        strbuf_addf(&b, "%s%s", b.length > 0 ? " ; " : "", strempty(text));
    }
    return strbuf_take(&b);
}

static void command_lines(void **state)
{
    static const struct {
        const char *line, *commands;
    } cases[] = {
        { "chmod 755 /usr/local/bin/x", "chmod 755 /usr/local/bin/x" },
        { "chgrp web /etc/key && chmod g+r /etc/key", "chgrp web /etc/key ; chmod g+r /etc/key" },
        { "sed -i 's/ *& *$//' /opt/run", "sed -i \"s/ *& *\\$//\" /opt/run" },
        { "rm /tmp/a;reboot", "rm \"/tmp/a;reboot\"" }, /* one word: there is no shell */
        { "rm \"/tmp/a b\"", "rm \"/tmp/a b\"" },
        { "&& rm /tmp/a", "error" },
        { "rm 'open", "error" },
        { "", "" },
    };

    (void) state;
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *got = commands_of(cases[i].line);

        if (!streq(strempty(got), cases[i].commands))
            fail_msg("\"%s\": \"%s\"", cases[i].line, strempty(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(command_lines) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
