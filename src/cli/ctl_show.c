/* show -- properties of units, jobs and the manager, for programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/property.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/verbs.h"

static void print_property(const struct systemctl *c, const char *name, const json_t *value)
{
    auto_free char *text = property_format(name, value, c->timestamp);
    const char *line = strempty(text);

    for (;;) {
        size_t n = strcspn(line, "\n");

        if (!c->value)
            printf("%s=", name);
        printf("%.*s\n", (int) n, line);
        if (!line[n])
            return;
        line += n + 1;
    }
}

/* Lists of which systemctl prints each element in a line of its own, so that none is no line; and
 * settings that are no properties there. */
static bool needs_element(const char *name)
{
    static const char *const prefixes[] = { "BPFProgram",     "BlockIO",      "DeviceAllow",
                                            "EnvironmentFil", "IODevice",     "IORead",
                                            "IOWrite",        "LogFilterPat", "OpenFile",
                                            "RootImageOpti",  "SocketBind",   "PermissionsStart",
                                            "Sockets",        "Listen" };

    if (startswith(name, "Exec"))
        return !startswith(name, "ExecSearchP") && !streq(name, "ExecPaths");
    if (endswith(name, "DirectorySymlink"))
        return true;
    for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
        if (startswith(name, prefixes[i]))
            return true;
    return false;
}

static void print_properties(const struct systemctl *c, const json_t *properties, bool manager)
{
    auto_free const char **names = property_order(properties, manager);

    for (const char **name = names; name && *name; name++) {
        const json_t *value = json_object_get(properties, *name);

        if (json_is_string(value) && json_string_length(value) == 0 && needs_element(*name))
            continue;
        if (c->properties ? strv_contains(c->properties, *name)
                          : c->all || !property_is_empty(*name, value))
            print_property(c, *name, value);
    }
}

static json_t *wanted_properties(const struct systemctl *c)
{
    json_t *array = json_array();

    STRV_FOREACH (name, c->properties)
        json_array_append_new(array, json_string(*name));
    return array;
}

/* The reply's "properties" of one call, or NULL after an error message. */
static json_t *fetch(struct systemctl *c, const char *method, json_t *in)
{
    json_t *reply, *properties;

    if (c->properties)
        json_object_set_new(in, "properties", wanted_properties(c));
    if (systemctl_call(c, method, in, &reply, "get properties") < 0)
        return NULL;
    properties = json_incref(json_object_get(reply, "properties"));
    json_decref(reply);
    return properties;
}

static int show(struct systemctl *c, json_t *properties, bool manager, bool first)
{
    if (!properties)
        return systemctl_exit_unreachable(c);
    if (c->output != OUTPUT_TEXT) {
        json_print_reply(c, properties);
        return EXIT_SUCCESS;
    }
    if (!first)
        putchar('\n');
    print_properties(c, properties, manager);
    json_decref(properties);
    return EXIT_SUCCESS;
}

static json_t *fetch_job(struct systemctl *c, unsigned id)
{
    json_t *reply, *job, *properties;

    if (systemctl_call(c, "ShowJob", json_pack("{s:i}", "id", (int) id), &reply, "get properties") <
        0)
        return NULL;
    job = json_object_get(reply, "job");
    properties = json_pack("{s:O, s:O, s:O, s:O}", "Id", json_object_get(job, "id"), "Unit",
                           json_object_get(job, "unit"), "JobType", json_object_get(job, "type"),
                           "State", json_object_get(job, "state"));
    json_decref(reply);
    return properties;
}

int ctl_show(struct systemctl *c, char **args)
{
    int status = EXIT_SUCCESS;
    bool first = true;

    if (!c->no_pager && c->output == OUTPUT_TEXT)
        term_pager_open();
    if (!*args)
        return show(c, fetch(c, "ShowManager", json_object()), true, true);
    STRV_FOREACH (arg, args) {
        char *one[] = { *arg, NULL };
        auto_strv char **names = NULL;
        unsigned job;
        int r;

        if (parse_unsigned(*arg, &job) >= 0) {
            r = show(c, fetch_job(c, job), false, first);
            status = r != EXIT_SUCCESS ? r : status;
            first = false;
            continue;
        }
        if (systemctl_unit_names(c, one, ".service", NULL, &names) < 0)
            return systemctl_exit_unreachable(c);
        STRV_FOREACH (name, names) {
            r = show(c, fetch(c, "ShowUnit", json_pack("{s:s}", "unit", *name)), false, first);
            status = r != EXIT_SUCCESS ? r : status;
            first = false;
        }
    }
    return status;
}
