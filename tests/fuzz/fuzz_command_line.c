/* Command lines: what is written out of a parsed one parses to the same; expansion ends. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/command.h"
#include "unit/specifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const env[] = { (char *) "A=1", (char *) "B=two 'words' \"", NULL };
    struct specifier_context x = { .name = "u@i.service" };
    struct exec_command *list = NULL;
    struct command_fault fault = {};
    auto_free char *text = memdup0(data, size);

    if (!text || strchr(text, '\n') || commands_parse(text, &x, &list, &fault) < 0)
        return 0;
    for (struct exec_command *c = list; c; c = c->next) {
        auto_free char *again = command_format(c);
        auto_strv char **argv = NULL;
        struct exec_command *b = NULL;

        /* A bare name that a specifier made begin like a prefix cannot be written. */
        if (strchr("-@:+!;", c->path[0]))
            continue;
        assert(commands_parse(again, &x, &b, &fault) >= 0 && b && !b->next);
        assert(streq(b->path, c->path) && strv_equal(b->argv, c->argv));
        assert(command_expand(c, env, &argv, NULL, NULL) >= 0 && argv && argv[0]);
        commands_free(b);
    }
    commands_free(list);
    return 0;
}
