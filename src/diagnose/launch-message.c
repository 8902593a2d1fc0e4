#include "diagnose/launch-message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/str.h"
#include "launch/exec_status.h"

static const char *field(const struct facts_line *l, const char *name)
{
    return json_string_value(json_object_get(l->fields, name));
}

/* The number of the error text, as strerror() has it, behind the last ": " that one follows. */
static int error_at_end(const char *text)
{
    int found = 0;

    for (const char *colon = text; (colon = strstr(colon, ": ")); colon += 2)
        for (int e = 1; e < 134; e++)
            if (startswith(colon + 2, strerror(e)))
                found = e;
    return found;
}

static int line_error(const struct facts_line *l)
{
    const char *number = field(l, "ERRNO");

    return number ? abs(atoi(number)) : error_at_end(strempty(l->text));
}

/* What stands between a prefix of the message and the next ": ", behind which the error is. */
static char *object_behind(const char *text, const char *prefix)
{
    const char *begin = strstr(text, prefix);

    if (!begin)
        return NULL;
    begin += strlen(prefix);
    const char *end = strstr(begin, ": ");
    return end && end > begin ? memdup0(begin, (size_t) (end - begin)) : NULL;
}

static int exec_number(const char *name)
{
    for (int status = 200; status <= 245; status++)
        if (streq_ptr(exec_status_name(status), name))
            return status;
    return 0;
}

/* The settings that a step is about, for the object and the directive that systemd does not name.
 */
static char *step_setting(int status, const struct unit_config *c, const char **ret_directive)
{
    switch (status) {
    case EXEC_STATUS_CHDIR:
        *ret_directive = "WorkingDirectory";
        return c->exec->working_directory.path ? strdup(c->exec->working_directory.path) : NULL;
    case EXEC_STATUS_USER:
        *ret_directive = "User";
        return c->exec->user ? strdup(c->exec->user) : NULL;
    case EXEC_STATUS_GROUP:
        *ret_directive = "Group";
        return c->exec->group ? strdup(c->exec->group) : NULL;
    case EXEC_STATUS_STDIN:
        *ret_directive = "StandardInput";
        return c->exec->standard_input.target ? strdup(c->exec->standard_input.target) : NULL;
    case EXEC_STATUS_STDOUT:
        *ret_directive = "StandardOutput";
        return c->exec->standard_output.target ? strdup(c->exec->standard_output.target) : NULL;
    case EXEC_STATUS_STDERR:
        *ret_directive = "StandardError";
        return c->exec->standard_error.target ? strdup(c->exec->standard_error.target) : NULL;
    default:
        *ret_directive = NULL;
        return NULL;
    }
}

static int set(char **to, char *value)
{
    if (!value)
        return -ENOMEM;
    free(*to);
    *to = value;
    return 0;
}

/* "Failed at step CHDIR spawning /usr/bin/x: No such file or directory" */
static int from_step(const struct facts_line *l, const struct unit_config *config,
                     struct facts_launch *launch)
{
    static const char prefix[] = "Failed at step ";
    const char *begin = strstr(l->text, prefix);
    auto_free char *step = NULL, *object = NULL;
    const char *directive = NULL;
    int r = 0;

    if (!begin)
        return 0;
    begin += strlen(prefix);
    step = memdup0(begin, strcspn(begin, " "));
    if (!step)
        return -ENOMEM;
    launch->status = exec_number(step);
    if (!launch->error)
        launch->error = line_error(l);
    r = set(&launch->step, take_ptr(step));
    if (r >= 0 && launch->status == EXEC_STATUS_EXEC && !launch->object)
        r = set(&launch->object, object_behind(l->text, "spawning "));
    if (r >= 0 && config && !launch->object &&
        (object = step_setting(launch->status, config, &directive)))
        r = set(&launch->object, take_ptr(object));
    if (r >= 0 && directive && !launch->directive)
        r = set(&launch->directive, strdup(directive));
    return r;
}

/* The message before it, which tells locate from execute and has the path of some steps. */
static int from_detail(const struct facts_line *l, struct facts_launch *launch)
{
    static const struct {
        const char *prefix;
        bool at_locate, has_object;
        const char *directive;
    } details[] = {
        { "Failed to locate executable ", true, true, "ExecStart" },
        { "Unable to locate executable '", true, true, "ExecStart" },
        { "Failed to execute ", false, true, "ExecStart" },
        { "Failed to set up mount namespacing: ", false, true, NULL },
        { "Failed to set up special execution directory in ", false, true, NULL },
        { "Failed to set up credentials: ", false, false, "LoadCredential" },
        { "Failed to load environment files: ", false, false, "EnvironmentFile" },
    };

    for (size_t i = 0; i < ELEMENTSOF(details); i++) {
        if (!strstr(l->text, details[i].prefix))
            continue;
        launch->at_locate = details[i].at_locate;
        launch->error = line_error(l);
        char *object = details[i].has_object ? object_behind(l->text, details[i].prefix) : NULL;
        char *quote = object ? strchr(object, '\'') : NULL;
        if (quote)
            *quote = 0;
        int r = object ? set(&launch->object, object) : 0;
        if (r >= 0 && details[i].directive)
            r = set(&launch->directive, strdup(details[i].directive));
        return r;
    }
    return 0;
}

/* reeve's own manager says it in fields. */
static int from_fields(const struct facts_line *l, struct facts_launch *launch)
{
    const char *step = field(l, "STEP"), *object = field(l, "OBJECT");
    const char *directive = field(l, "DIRECTIVE");
    int r = 0;

    if (!step)
        return 0;
    launch->status = exec_number(step);
    launch->error = line_error(l);
    r = set(&launch->step, strdup(step));
    if (r >= 0 && object)
        r = set(&launch->object, strdup(object));
    if (r >= 0 && directive)
        r = set(&launch->directive, strdup(directive));
    return r;
}

int launch_from_message(const struct facts_line *line, const struct unit_config *config,
                        struct facts_launch *launch)
{
    int r;

    if (!line->text)
        return 0;
    r = from_fields(line, launch);
    if (r >= 0)
        r = from_detail(line, launch);
    return r < 0 ? r : from_step(line, config, launch);
}

int launch_complete(const struct unit_config *config, struct facts_launch *launch)
{
    const char *directive = NULL;
    char *object = launch->status && config && config->type == UNIT_SERVICE && !launch->object
                       ? step_setting(launch->status, config, &directive)
                       : NULL;
    int r = object ? set(&launch->object, object) : 0;

    if (r >= 0 && directive && !launch->directive)
        r = set(&launch->directive, strdup(directive));
    return r;
}
