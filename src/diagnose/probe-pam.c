/* What there is of a PAM service (pam.d(5)): its file, the modules that the file names, the helper
 * that loads them. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/probe.h"
#include "launch/pam.h"

#define INCLUDES_MAX 8 /* within one another */

static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d" };

static char *file_of(const char *service)
{
    for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
        char *path = path_join(folders[i], service, NULL);

        if (!path || access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static bool is_in(const char *folder, const char *below, const char *name)
{
    auto_free char *path = format("%s%s%s/security/%s", folder, *below ? "/" : "", below, name);

    return path && access(path, F_OK) == 0;
}

/* "/usr/lib/security", "/usr/lib/x86_64-linux-gnu/security" ... */
static bool module_exists(const char *name)
{
    static const char *const libraries[] = { "/usr/lib", "/usr/lib64", "/lib", "/lib64" };

    if (*name == '/')
        return access(name, F_OK) == 0;
    for (size_t i = 0; i < ELEMENTSOF(libraries); i++) {
        auto_closedir DIR *dir = opendir(libraries[i]);

        if (is_in(libraries[i], "", name))
            return true;
        for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
            if (strchr(e->d_name, '-') && is_in(libraries[i], e->d_name, name))
                return true;
    }
    return false;
}

static void read_service(const char *service, unsigned depth, json_t *missing, json_t *account);

/* "TYPE CONTROL MODULE ARGUMENTS", "TYPE include|substack SERVICE", "@include SERVICE". A "-"
 * before the type: the module may be missing. */
static void read_rule(const char *file, unsigned number, char *line, unsigned depth,
                      json_t *missing, json_t *account)
{
    char *save = NULL, *type = strtok_r(line, " \t", &save), *control, *module;

    if (!type || *type == '#')
        return;
    if (streq(type, "@include")) {
        if ((module = strtok_r(NULL, " \t", &save)))
            read_service(module, depth + 1, missing, account);
        return;
    }
    control = strtok_r(NULL, " \t", &save);
    /* "[success=1 default=ignore]" */
    if (control && *control == '[' && !strchr(control, ']'))
        (void) strtok_r(NULL, "]", &save);
    module = strtok_r(NULL, " \t", &save);
    if (!control || !module)
        return;
    if (streq(control, "include") || streq(control, "substack")) {
        read_service(module, depth + 1, missing, account);
        return;
    }
    if (*type != '-' && !module_exists(module))
        json_array_append_new(missing, json_pack("{s:s, s:s, s:i}", "module", module, "file", file,
                                                 "line", (int) number));
    if (streq(type + (*type == '-'), "account"))
        json_array_append_new(account, json_string(module));
}

static void read_service(const char *service, unsigned depth, json_t *missing, json_t *account)
{
    auto_free char *file = depth < INCLUDES_MAX ? file_of(service) : NULL, *text = NULL;
    unsigned number = 0;

    if (!file || file_read(file, 1 << 20, &text, NULL) < 0)
        return;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        read_rule(file, ++number, line, depth, missing, account);
    }
}

json_t *probe_pam(struct facts *f, const char *service)
{
    auto_free char *file = file_of(service);
    json_t *missing = json_array(), *account = json_array();
    bool helper;
    auto_free char *path = pam_find_helper(&helper);

    read_service(file ? service : "other", 0, missing, account);
    return json_pack("{s:s, s:b, s:s, s:o, s:o}", "file", strempty(file), "helper", helper,
                     "helper_path", strempty(path), "missing", missing, "account", account);
}
