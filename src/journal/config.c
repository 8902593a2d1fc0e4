#include "journal/config.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "journal/spill.h"

#define CONFIG_FILE_MAX (1u << 20)

/* ---- values ---- */

static int parse_bool_setting(const char *value, void *at)
{
    int r = parse_boolean(value);

    if (r < 0)
        return r;
    *(bool *) at = r;
    return 0;
}

static int parse_size_setting(const char *value, void *at)
{
    return parse_size(value, 1024, at);
}

static int parse_span_setting(const char *value, void *at)
{
    return timespan_parse(value, at);
}

static int parse_unsigned_setting(const char *value, void *at)
{
    return parse_unsigned(value, at);
}

static int parse_number_setting(const char *value, void *at)
{
    return parse_u64(value, at);
}

static int parse_level_setting(const char *value, void *at)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };
    unsigned number;

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        if (streq(value, names[i])) {
            *(int *) at = (int) i;
            return 0;
        }
    }
    int r = parse_unsigned(value, &number);
    if (r < 0 || number > LOG_DEBUG)
        return -EINVAL;
    *(int *) at = (int) number;
    return 0;
}

static int parse_storage_setting(const char *value, void *at)
{
    static const char *const names[STORE_STORAGE_MAX] = {
        [STORE_AUTO] = "auto",
        [STORE_PERSISTENT] = "persistent",
        [STORE_VOLATILE] = "volatile",
        [STORE_NONE] = "none",
    };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        if (streq(value, names[i])) {
            *(enum store_storage *) at = (enum store_storage) i;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_text_setting(const char *value, void *at)
{
    return str_replace(at, value);
}

static int parse_split_setting(const char *value, void *at)
{
    if (!streq(value, "uid") && !streq(value, "none"))
        return -EINVAL;
    *(bool *) at = streq(value, "uid");
    return 0;
}

/* A boolean, or the size from which on fields are compressed. */
static int parse_compress_setting(const char *value, void *at)
{
    uint64_t size;
    int r = parse_boolean(value);

    if (r >= 0) {
        *(size_t *) at = r ? 0 : SIZE_MAX;
        return 0;
    }
    r = parse_size(value, 1024, &size);
    if (r >= 0)
        *(size_t *) at = (size_t) size;
    return r;
}

static int parse_line_setting(const char *value, void *at)
{
    uint64_t size;
    int r = parse_size(value, 1024, &size);

    if (r < 0)
        return r;
    /* A line that is not finished has to fit its slot of the spill file. */
    *(size_t *) at = size == 0 ? SPILL_TEXT_MAX
                               : (size_t) MIN(MAX(size, (uint64_t) 79), (uint64_t) SPILL_TEXT_MAX);
    return 0;
}

/* ---- the table ---- */

#define AT(member) offsetof(struct journald_config, member)

struct setting {
    const char *name;
    int (*parse)(const char *value, void *at);
    size_t at;
};

static const struct setting settings[] = {
    { "Storage", parse_storage_setting, AT(store.storage) },
    { "Compress", parse_compress_setting, AT(store.compress_threshold) },
    { "Compact", parse_bool_setting, AT(store.compact) },
    { "SplitMode", parse_split_setting, AT(store.split_users) },
    { "SyncIntervalSec", parse_span_setting, AT(store.sync_interval) },
    { "RateLimitInterval", parse_span_setting, AT(rate_interval) },
    { "RateLimitIntervalSec", parse_span_setting, AT(rate_interval) },
    { "RateLimitBurst", parse_unsigned_setting, AT(rate_burst) },
    { "SystemMaxUse", parse_size_setting, AT(store.system.max_use) },
    { "SystemKeepFree", parse_size_setting, AT(store.system.keep_free) },
    { "SystemMaxFileSize", parse_size_setting, AT(store.system.max_file_size) },
    { "SystemMaxFiles", parse_number_setting, AT(store.system.max_files) },
    { "RuntimeMaxUse", parse_size_setting, AT(store.runtime.max_use) },
    { "RuntimeKeepFree", parse_size_setting, AT(store.runtime.keep_free) },
    { "RuntimeMaxFileSize", parse_size_setting, AT(store.runtime.max_file_size) },
    { "RuntimeMaxFiles", parse_number_setting, AT(store.runtime.max_files) },
    { "MaxRetentionSec", parse_span_setting, AT(store.max_retention) },
    { "MaxFileSec", parse_span_setting, AT(store.max_file_age) },
    { "ReadKMsg", parse_bool_setting, AT(read_kmsg) },
    { "ForwardToSyslog", parse_bool_setting, AT(forward_syslog) },
    { "ForwardToKMsg", parse_bool_setting, AT(forward_kmsg) },
    { "ForwardToConsole", parse_bool_setting, AT(forward_console) },
    { "TTYPath", parse_text_setting, AT(tty_path) },
    { "ForwardToWall", parse_bool_setting, AT(forward_wall) },
    { "MaxLevelStore", parse_level_setting, AT(max_level_store) },
    { "MaxLevelSyslog", parse_level_setting, AT(max_level_syslog) },
    { "MaxLevelKMsg", parse_level_setting, AT(max_level_kmsg) },
    { "MaxLevelWall", parse_level_setting, AT(max_level_wall) },
    { "MaxLevelConsole", parse_level_setting, AT(max_level_console) },
    { "LineMax", parse_line_setting, AT(line_max) },
};

/* Of [X-Unit PATTERN...]. */
static const struct setting unit_settings[] = {
    { "MaxUse", parse_size_setting, offsetof(struct retention, max_use) },
    { "MaxRetentionSec", parse_span_setting, offsetof(struct retention, max_age) },
};

/* Known, and nothing that this collector does: a line that asks for one of them is told, a line
 * that asks for it not to be done is not. */
static const char *const not_done[] = { "Seal", "Audit", "ForwardToSocket", "MaxLevelSocket" };

static void defaults(struct journald_config *c)
{
    *c = (struct journald_config){
        .store = { .compact = true,
                   .split_users = true,
                   .sync_interval = 5 * USEC_PER_MINUTE,
                   .max_file_age = USEC_PER_MONTH },
        .rate_interval = 30 * USEC_PER_SEC,
        .rate_burst = 10000,
        .read_kmsg = true,
        .forward_wall = true,
        .max_level_wall = LOG_EMERG,
        .line_max = 48 * 1024,
        .max_level_store = LOG_DEBUG,
        .max_level_syslog = LOG_DEBUG,
        .max_level_kmsg = LOG_NOTICE,
        .max_level_console = LOG_DEBUG,
    };
}

/* How large what it sets is. */
static size_t size_of(const struct setting *s)
{
    if (s->parse == parse_bool_setting || s->parse == parse_split_setting)
        return sizeof(bool);
    if (s->parse == parse_size_setting || s->parse == parse_span_setting ||
        s->parse == parse_number_setting)
        return sizeof(uint64_t);
    if (s->parse == parse_compress_setting || s->parse == parse_line_setting)
        return sizeof(size_t);
    return sizeof(int);
}

static void assign_from(const struct setting *table, size_t n, void *base, const void *presets,
                        const char *where, const char *name, const char *value)
{
    for (size_t i = 0; i < n; i++) {
        const struct setting *s = &table[i];

        if (!streq(s->name, name))
            continue;
        if (*value == 0 && s->parse == parse_text_setting)
            (void) str_replace((char **) ((char *) base + s->at), NULL);
        else if (*value == 0)
            memcpy((char *) base + s->at, (const char *) presets + s->at, size_of(s));
        else if (s->parse(value, (char *) base + s->at) < 0)
            log_warning("%s: %s=%s is not understood; the line is ignored", where, name, value);
        return;
    }
    for (size_t i = 0; i < ELEMENTSOF(not_done); i++) {
        if (!streq(not_done[i], name))
            continue;
        if (parse_boolean(value) != 0 && *value)
            log_warning("%s: setting not implemented: %s=", where, name);
        return;
    }
    log_warning("%s: there is no setting %s=; the line is ignored", where, name);
}

/* What a section's assignments are for. */
struct section {
    bool journal;
    struct retention *retention;
};

static void begin_section(struct journald_config *c, struct section *s, const char *where,
                          char *line)
{
    const char *unit = startswith(line, "[X-Unit ");
    char *end = (char *) endswith(line, "]");

    *s = (struct section){ .journal = streq(line, "[Journal]") };
    if (!unit || !end)
        return;
    *end = 0;
    s->retention = unit[strspn(unit, WHITESPACE)] ? retention_get(&c->retentions, unit) : NULL;
    if (!s->retention)
        log_warning("%s: [X-Unit ...] needs names or patterns of units; it is ignored", where);
}

static void read_text(struct journald_config *c, const char *path, char *text)
{
    struct journald_config presets;
    const struct retention no_limits = { 0 };
    struct section section = { 0 };
    unsigned number = 0;

    defaults(&presets);
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        number++;
        line = strstrip(line);
        if (!*line || *line == '#' || *line == ';')
            continue;
        auto_free char *where = format("%s:%u", path, number);
        if (!where)
            return;
        if (*line == '[') {
            begin_section(c, &section, where, line);
            continue;
        }
        char *equal = strchr(line, '=');
        if (!equal)
            continue;
        *equal = 0;
        char *name = strstrip(line), *value = strstrip(equal + 1);
        if (section.journal)
            assign_from(settings, ELEMENTSOF(settings), c, &presets, where, name, value);
        else if (section.retention)
            assign_from(unit_settings, ELEMENTSOF(unit_settings), section.retention, &no_limits,
                        where, name, value);
    }
}

void journald_config_done(struct journald_config *c)
{
    retentions_done(&c->retentions);
    free(c->tty_path);
}

/* ---- files ---- */

static const char *const places[] = { "etc", "run", "usr/local/lib", "usr/lib" };

static int read_main_file(struct journald_config *c, const char *root)
{
    for (size_t i = 0; i < ELEMENTSOF(places); i++) {
        auto_free char *path = path_join(root, places[i], "systemd/journald.conf", NULL);
        auto_free char *text = NULL;

        if (!path)
            return -ENOMEM;
        if (file_read(path, CONFIG_FILE_MAX, &text, NULL) < 0)
            continue;
        read_text(c, path, text);
        return 0;
    }
    return 0;
}

/* Names of all drop-ins, each once. */
static int list_dropins(const char *root, char ***ret)
{
    for (size_t i = 0; i < ELEMENTSOF(places); i++) {
        auto_free char *path = path_join(root, places[i], "systemd/journald.conf.d", NULL);
        DIR *d = path ? opendir(path) : NULL;

        for (struct dirent *e; d && (e = readdir(d));) {
            if (e->d_name[0] != '.' && endswith(e->d_name, ".conf") &&
                !strv_contains(*ret, e->d_name) && strv_add(ret, e->d_name) < 0) {
                closedir(d);
                return -ENOMEM;
            }
        }
        if (d)
            closedir(d);
    }
    strv_sort(*ret);
    return 0;
}

static int read_dropin(struct journald_config *c, const char *root, const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(places); i++) {
        auto_free char *path = path_join(root, places[i], "systemd/journald.conf.d", name, NULL);
        auto_free char *text = NULL;

        if (!path)
            return -ENOMEM;
        if (file_read(path, CONFIG_FILE_MAX, &text, NULL) < 0)
            continue;
        read_text(c, path, text);
        break;
    }
    return 0;
}

int journald_config_read(struct journald_config *c, const char *root)
{
    auto_strv char **names = NULL;

    defaults(c);
    if (isempty(root))
        root = "/";
    int r = read_main_file(c, root);
    if (r >= 0)
        r = list_dropins(root, &names);
    STRV_FOREACH (name, names) {
        if (r >= 0)
            r = read_dropin(c, root, *name);
    }
    return r;
}
