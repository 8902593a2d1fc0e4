/* cli/analyze_exit.c -- the names of exit statuses (systemd.exec(5), PROCESS EXIT CODES), as
 * systemd-analyze(1) lists them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/parse.h"
#include "cli/analyze.h"
#include "cli/table.h"
#include "unit/value.h"

#define STATUS_MAX 255

/* Who defined it. */
static const char *status_class(int status)
{
    if (!exit_status_name(status))
        return "-";
    return status <= 1 ? "libc" : status <= 7 ? "LSB" : status <= 78 ? "BSD" : "systemd";
}

static int parse_status(const char *text)
{
    unsigned status;
    int named = exit_status_from_name(text);

    if (named >= 0)
        return named;
    if (parse_unsigned(text, &status) >= 0 && status <= STATUS_MAX)
        return (int) status;
    fprintf(stderr, "Invalid exit status \"%s\".\n", text);
    return -EINVAL;
}

int analyze_exit_status(const struct analyze_options *o, char *const *args)
{
    struct table_column columns[] = { { "NAME", "name" },
                                      { "STATUS", "status", .right = true },
                                      { "CLASS", "class" } };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    int statuses[STATUS_MAX + 1];
    size_t n = 0;

    for (char *const *a = args; *a && n < ELEMENTSOF(statuses); a++) {
        int status = parse_status(*a);

        if (status < 0)
            return status;
        statuses[n++] = status;
    }
    for (int i = 0; !*args && i <= STATUS_MAX; i++)
        if (exit_status_name(i))
            statuses[n++] = i;
    for (size_t i = 0; i < n; i++) {
        char number[16];

        snprintf(number, sizeof number, "%d", statuses[i]);
        table_add(&t, exit_status_name(statuses[i]) ?: "-");
        table_add_json(&t, number, json_integer(statuses[i]));
        table_add(&t, status_class(statuses[i]));
    }
    return table_print(&o->ctl, &t);
}
