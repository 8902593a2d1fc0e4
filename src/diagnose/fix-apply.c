/* Applying a verified fix to the machine itself, with what takes it back written down before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/quote.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/fix.h"
#include "diagnose/run.h"

#define RECORDS "/var/lib/reeve/fixes"
#define RUN_LIMIT (60 * USEC_PER_SEC)

/* What a command does to its last argument, and so what takes it back. */
enum effect {
    EFFECT_ACCESS,   /* mode and owner: they are set again */
    EFFECT_CONTENT,  /* the file: a copy is kept */
    EFFECT_MAKES,    /* a file or folder that was not there: it is removed */
    EFFECT_LINKS,    /* a symbolic link: the former one is made again */
    EFFECT_MOVES,    /* mv: back */
    EFFECT_OPPOSITE, /* another command with the same argument */
    EFFECT_NOTHING,  /* that would have to be taken back */
};

static const struct {
    const char *program, *word; /* and a first argument; NULL: any */
    enum effect effect;
    const char *opposite[2];
} commands[] = {
    { "chmod", NULL, EFFECT_ACCESS, { NULL, NULL } },
    { "chown", NULL, EFFECT_ACCESS, { NULL, NULL } },
    { "chgrp", NULL, EFFECT_ACCESS, { NULL, NULL } },
    { "sed", "-i", EFFECT_CONTENT, { NULL, NULL } },
    { "rm", NULL, EFFECT_CONTENT, { NULL, NULL } },
    { "mkdir", NULL, EFFECT_MAKES, { NULL, NULL } },
    { "install", "-d", EFFECT_MAKES, { NULL, NULL } },
    { "touch", NULL, EFFECT_MAKES, { NULL, NULL } },
    { "ln", "-sfn", EFFECT_LINKS, { NULL, NULL } },
    { "mv", NULL, EFFECT_MOVES, { NULL, NULL } },
    { "useradd", NULL, EFFECT_OPPOSITE, { "userdel", NULL } },
    { "groupadd", NULL, EFFECT_OPPOSITE, { "groupdel", NULL } },
    { "systemctl", "stop", EFFECT_OPPOSITE, { "systemctl", "start" } },
    { "systemctl", "start", EFFECT_OPPOSITE, { "systemctl", "stop" } },
    { "systemctl", "unmask", EFFECT_OPPOSITE, { "systemctl", "mask" } },
    { "systemctl", "daemon-reload", EFFECT_NOTHING, { NULL, NULL } },
    { "systemctl", "enable", EFFECT_OPPOSITE, { "systemctl", "disable" } },
};

static char *record_path(const char *unit)
{
    return format(RECORDS "/%s.json", unit);
}

/* Appends an argument vector that ends with NULL. */
#define undo_with(undo, ...) \
    json_array_append_new(undo, strings((const char *const[]){ __VA_ARGS__, NULL }))
static json_t *strings(const char *const *words)
{
    json_t *list = json_array();

    for (; *words; words++)
        (void) json_array_append_new(list, json_string(*words));
    return list;
}

/* A copy of a file with all that belongs to it, under the name of the unit. */
static int keep_copy(const char *unit, const char *path, json_t *undo)
{
    auto_free char *copy = format(RECORDS "/%s.%zu", unit, json_array_size(undo));
    const char *argv[] = { "cp", "-a", "--", path, copy, NULL };
    auto_free char *output = NULL;
    struct stat st;

    if (!copy || lstat(path, &st) < 0 || S_ISDIR(st.st_mode))
        return -EOPNOTSUPP;
    if (run_program(argv, 4096, RUN_LIMIT, &output, NULL) != 0)
        return -EIO;
    return undo_with(undo, "mv", "-f", "--", copy, path) < 0 ? -ENOMEM : 0;
}

/* The highest of the folders on the way that is not there yet: removing it removes them all. */
static char *first_missing(const char *path)
{
    auto_free char *missing = NULL, *at = strdup(path);

    while (at && *at && access(at, F_OK) < 0) {
        char *slash = strrchr(path_simplify(at), '/');

        if (str_replace(&missing, at) < 0 || !slash)
            break;
        *slash = 0;
    }
    return take_ptr(missing);
}

static int access_again(const char *path, json_t *undo)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    auto_free char *owner = format("%u:%u", st.st_uid, st.st_gid);
    auto_free char *mode = format("%o", st.st_mode & 07777);
    /* In reverse order, since chown takes the setuid bit away. */
    if (!owner || !mode || undo_with(undo, "chmod", mode, "--", path) < 0)
        return -ENOMEM;
    return undo_with(undo, "chown", owner, "--", path) < 0 ? -ENOMEM : 0;
}

static int link_again(const char *path, json_t *undo)
{
    auto_free char *target = NULL;
    int r = readlink_alloc(path, &target);

    if (r == -ENOENT)
        return undo_with(undo, "rm", "--", path);
    return r < 0 ? r : undo_with(undo, "ln", "-sfn", "--", target, path);
}

/* What takes the command back, to be done in reverse order; -EOPNOTSUPP where nothing is known to.
 */
static int plan_undo(const char *unit, char **argv, json_t *undo)
{
    size_t n = strv_length(argv), row;
    const char *last = argv[n - 1];

    for (row = 0; row < ELEMENTSOF(commands); row++)
        if (streq(commands[row].program, argv[0]) &&
            (!commands[row].word || (n > 1 && streq(commands[row].word, argv[1]))))
            break;
    if (row < ELEMENTSOF(commands) && commands[row].effect == EFFECT_NOTHING)
        return 0;
    if (row == ELEMENTSOF(commands) || n < (commands[row].word ? 3 : 2) ||
        strv_contains(argv, "-R"))
        return -EOPNOTSUPP;
    switch (commands[row].effect) {
    case EFFECT_ACCESS:
        return access_again(last, undo);
    case EFFECT_CONTENT:
        return keep_copy(unit, last, undo);
    case EFFECT_MAKES: {
        auto_free char *missing = first_missing(last);

        /* What the service has put there since stays. */
        return missing ? undo_with(undo, "find", missing, "-depth", "-empty", "-delete") : 0;
    }
    case EFFECT_LINKS:
        return link_again(last, undo);
    case EFFECT_MOVES:
        return undo_with(undo, "mv", "-n", "--", last, argv[n - 2]);
    case EFFECT_OPPOSITE:
        if (commands[row].opposite[1] && n > 3) /* options, which would have to be turned round */
            return -EOPNOTSUPP;
        return commands[row].opposite[1]
                   ? undo_with(undo, commands[row].opposite[0], commands[row].opposite[1], last)
                   : undo_with(undo, commands[row].opposite[0], last);
    case EFFECT_NOTHING:
        return 0;
    }
    assert_unreachable();
}

/* Runs one command of the machine; under reeve's manager its systemctl is reeve. */
static int run_words(const struct facts *facts, char *const *argv)
{
    auto_strv char **own = strv_copy(argv);
    auto_free char *output = NULL;

    if (!own)
        return -ENOMEM;
    if (streq(own[0], "systemctl") && facts->source == FACTS_REEVE &&
        str_replace(&own[0], "/proc/self/exe") < 0)
        return -ENOMEM;
    int r = run_program((const char *const *) own, 4096, RUN_LIMIT, &output, NULL);
    return r > 0 ? -EIO : r;
}

static int reload(const struct facts *facts)
{
    return run_words(facts,
                     (char *const[]){ (char[]){ "systemctl" }, (char[]){ "daemon-reload" }, NULL });
}

static int undo_all(const struct facts *facts, json_t *undo)
{
    int result = 0;

    for (size_t i = json_array_size(undo); i-- > 0;) {
        auto_strv char **argv = NULL;
        json_t *word;
        size_t k;

        json_array_foreach(json_array_get(undo, i), k, word)(void)
            strv_add(&argv, strempty(json_string_value(word)));
        int r = argv ? run_words(facts, argv) : -EINVAL;
        result = result < 0 ? result : r;
    }
    return result;
}

static int write_record(const char *unit, json_t *undo)
{
    auto_free char *path = record_path(unit), *text = json_dumps(undo, JSON_INDENT(1));

    return path && text ? file_replace(path, text, strlen(text), 0600) : -ENOMEM;
}

static int write_dropin(const struct facts *facts, json_t *fix, json_t *undo)
{
    const char *text = json_string_value(json_object_get(fix, "dropin"));
    auto_free char *path = fix_dropin_path(facts, fix);
    auto_free char *missing = path ? first_missing(path) : NULL;

    if (!path)
        return -ENOMEM;
    if (!missing)
        return -EEXIST;
    if (!streq(missing, path) &&
        undo_with(undo, "rmdir", "--ignore-fail-on-non-empty", "--", missing) < 0)
        return -ENOMEM;
    if (undo_with(undo, "rm", "--", path) < 0)
        return -ENOMEM;
    int r = write_record(facts->unit, undo);
    if (r >= 0)
        r = mkdir_parents(path, 0755);
    return r < 0 ? r : file_replace(path, text, strlen(text), 0644);
}

static int run_line(const struct facts *facts, const char *line, json_t *undo)
{
    char **next, **words = NULL;
    int r = fix_split(line, &words);

    for (char **argv = words; r >= 0 && argv && *argv; argv = next) {
        auto_strv char **one = NULL;

        r = fix_next_command(argv, &one, &next);
        if (r >= 0)
            r = plan_undo(facts->unit, one, undo);
        if (r >= 0)
            r = write_record(facts->unit, undo);
        if (r >= 0)
            r = run_words(facts, one);
    }
    strv_free(words);
    return r < 0 ? r : 0;
}

int fix_apply(const struct facts *facts, json_t *fix)
{
    const char *dropin = json_string_value(json_object_get(fix, "dropin"));
    const char *command = json_string_value(json_object_get(fix, "command"));
    auto_free char *path = record_path(facts->unit);
    json_t *undo = json_array();
    int r = !path || !undo            ? -ENOMEM
            : access(path, F_OK) == 0 ? -EEXIST
                                      : mkdir_parents(path, 0700);

    if (r >= 0)
        r = dropin ? write_dropin(facts, fix, undo) : run_line(facts, command, undo);
    if (r >= 0)
        r = reload(facts);
    else if (r != -EEXIST) {
        (void) undo_all(facts, undo);
        (void) unlink(path);
    }
    json_decref(undo);
    return r;
}

int fix_undo(const struct facts *facts)
{
    auto_free char *path = record_path(facts->unit), *text = NULL;
    int r = path ? file_read(path, (size_t) 1 << 20, &text, NULL) : -ENOMEM;
    json_t *undo = r < 0 ? NULL : json_loads(text, 0, NULL);

    if (r >= 0 && !undo)
        r = -EBADMSG;
    if (r >= 0)
        r = undo_all(facts, undo);
    json_decref(undo);
    if (r >= 0)
        r = unlink(path) < 0 ? -errno : reload(facts);
    return r;
}
