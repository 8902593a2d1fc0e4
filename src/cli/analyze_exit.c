/* cli/analyze_exit.c -- the names of exit statuses (systemd.exec(5), PROCESS EXIT CODES), as
 * systemd-analyze(1) lists them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/parse.h"
#include "cli/analyze.h"
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

static const char *shown_name(int status)
{
    const char *name = exit_status_name(status);

    return name ? name : "-";
}

static void print_row(int width, const char *name, const char *status, const char *class)
{
    printf("%-*s %6s %s\n", width, name, status, class);
}

int analyze_exit_status(const struct analyze_options *o, char *const *args)
{
    int statuses[STATUS_MAX + 1], width = (int) strlen("NAME");
    size_t n = 0;

    (void) o;
    for (char *const *a = args; *a && n < ELEMENTSOF(statuses); a++) {
        int status = parse_status(*a);

        if (status < 0)
            return status;
        statuses[n++] = status;
    }
    for (int i = 0; !*args && i <= STATUS_MAX; i++)
        if (exit_status_name(i))
            statuses[n++] = i;

    for (size_t i = 0; i < n; i++)
        width = MAX(width, (int) strlen(shown_name(statuses[i])));
    print_row(width, "NAME", "STATUS", "CLASS");
    for (size_t i = 0; i < n; i++) {
        char number[16];

        snprintf(number, sizeof number, "%d", statuses[i]);
        print_row(width, shown_name(statuses[i]), number, status_class(statuses[i]));
    }
    return 0;
}
