#include "diagnose/advice.h"

#include <linux/capability.h>
#include <sys/xattr.h>

#include "base/str.h"
#include "base/strv.h"
#include "unit/config.h"
#include "unit/directive.h"

enum need {
    ADVICE_NEVER,             /* nothing speaks against it */
    ADVICE_FILE_CAPABILITIES, /* the program has some, or is set-user-id */
    ADVICE_WRITES_SYSTEM,     /* it is given paths below /usr, /etc or /boot to write to */
    ADVICE_HOME,              /* its files are in a home folder */
    ADVICE_SHARED_TMP,        /* its settings name paths in /tmp */
    ADVICE_DEVICES,           /* its settings name devices */
    ADVICE_DELEGATE,          /* it was given a part of the cgroup tree */
    ADVICE_NAMESPACES,        /* it is a manager of containers */
    ADVICE_JIT,               /* it runs a runtime that makes code */
    ADVICE_ROOT,              /* it is root, or was given capabilities */
};

static const struct {
    const char *directive, *value;
    enum need need;
    const char *why;
} all[] = {
#define ADVICE(directive, value, need, why) { directive, value, need, why },
#include "diagnose/advice.def"
#undef ADVICE
};

/* Whether a word of the commands, or a path of the settings, begins so. */
static bool mentions(const struct unit_config *c, const char *prefix)
{
    const struct exec_config *e = c->exec;

    for (const struct exec_command *x = c->service->exec_start; x; x = x->next)
        STRV_FOREACH (word, x->argv) {
            const char *value = strchr(*word, '=');

            if (startswith(*word, prefix) || (value && startswith(value + 1, prefix)))
                return true;
        }
    STRV_FOREACH (v, e->environment) {
        const char *value = strchr(*v, '=');

        if (value && startswith(value + 1, prefix))
            return true;
    }
    STRV_FOREACH (p, c->sandbox->read_write_paths)
        if (startswith(*p, prefix))
            return true;
    return e->working_directory.path && startswith(e->working_directory.path, prefix);
}

/* Runtimes that compile while they run, by the names of their programs. */
static bool makes_code(const struct unit_config *c, const char *program)
{
    static const char *const runtimes[] = { "node", "java", "python", "php", "ruby",
                                            "pypy", "mono", "dotnet", "lua", "deno",
                                            "bun",  "qemu", "erl",    "beam" };
    const char *name = path_basename(strempty(program));

    for (size_t i = 0; i < ELEMENTSOF(runtimes); i++)
        if (startswith(name, runtimes[i]))
            return true;
    /* A script may run anything. */
    return !program || mentions(c, "/bin/sh") || endswith(name, "sh");
}

static bool speaks_against(const struct unit_config *c, const char *program, enum need need)
{
    const struct exec_config *e = c->exec;
    bool root = !c->sandbox->dynamic_user && (isempty(e->user) || streq(e->user, "root"));

    switch (need) {
    case ADVICE_NEVER:
        return false;
    case ADVICE_FILE_CAPABILITIES:
        return program && getxattr(program, "security.capability", NULL, 0) > 0;
    case ADVICE_WRITES_SYSTEM:
        return root && (mentions(c, "/usr/local") || mentions(c, "/boot"));
    case ADVICE_HOME:
        return mentions(c, "/home") || mentions(c, "/root") || mentions(c, "~");
    case ADVICE_SHARED_TMP:
        return mentions(c, "/tmp") || mentions(c, "/var/tmp");
    case ADVICE_DEVICES:
        return mentions(c, "/dev/") || c->cgroup->device_allow || c->exec->standard_input.target;
    case ADVICE_DELEGATE:
        return c->cgroup->delegate.enabled;
    case ADVICE_NAMESPACES:
        return c->cgroup->delegate.enabled || mentions(c, "/usr/bin/docker") ||
               mentions(c, "/usr/bin/podman") || mentions(c, "/usr/bin/containerd");
    case ADVICE_JIT:
        return makes_code(c, program);
    case ADVICE_ROOT:
        return root || e->ambient_capabilities || e->capability_bounding_set != UINT64_MAX ||
               (program && getxattr(program, "security.capability", NULL, 0) > 0);
    }
    assert_unreachable();
}

static bool is_set(const struct unit_config *c, const char *name)
{
    const struct directive *d = directive_find(UNIT_SERVICE, "Service", name, NULL);

    return d && directive_is_set(c, d);
}

bool advice_next(const struct unit_config *c, const char *program, unsigned *position,
                 struct advice *ret)
{
    /* Early boot prepares what these settings take for granted. */
    while (c->unit->default_dependencies && *position < ELEMENTSOF(all)) {
        unsigned i = (*position)++;

        if (is_set(c, all[i].directive) || speaks_against(c, program, all[i].need))
            continue;
        *ret = (struct advice){ all[i].directive, all[i].value, all[i].why };
        return true;
    }
    return false;
}
