#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/glob.h"
#include "base/strv.h"
#include "cli/log.h"
#include "cli/term.h"
#include "journal/json.h"

/* Where journals are: systemd's places, and reeve's own beside a real systemd. */
const char *const log_places[] = { "/var/log/journal", "/run/log/journal", "/var/log/reeve/journal",
                                   "/run/reeve/journal", NULL };

static void on_problem(const char *path, int error, void *userdata)
{
    const struct log_options *o = userdata;

    if (o->quiet)
        return;
    if (error == -EUCLEAN)
        fprintf(stderr, "%s: %s is damaged, and read as far as it is sound (--verify tells more)\n",
                o->program, path);
    else if (error == -EPROTONOSUPPORT)
        fprintf(stderr, "%s: %s was written by a newer version and is left out\n", o->program,
                path);
    else if (error == -EBADMSG)
        fprintf(stderr, "%s: %s is damaged or no journal file, and is left out\n", o->program,
                path);
    else
        fprintf(stderr, "%s: %s cannot be read: %s\n", o->program, path, strerror(-error));
}

static int open_files(const struct log_options *o, struct journal *j)
{
    STRV_FOREACH (pattern, o->files) {
        auto_strv char **found = NULL;
        int n = path_glob(*pattern, &found);

        if (n <= 0) {
            fprintf(stderr, "%s: no file %s\n", o->program, *pattern);
            return n < 0 ? n : -ENOENT;
        }
        STRV_FOREACH (path, found) {
            int r = journal_add_file(j, *path);

            if (r >= 0 || r == -EEXIST)
                continue;
            if (r != -ENODATA || n == 1)
                on_problem(*path, r, (void *) o);
            if (n == 1)
                return r;
        }
    }
    return 0;
}

static unsigned kinds(const struct log_options *o)
{
    return (o->system_only ? JOURNAL_SYSTEM : 0u) | (o->user_only ? JOURNAL_USER : 0u);
}

/* Of a user's manager (manager/places.c): below the runtime folder or, where there is none, /tmp,
 * where anybody could have made it. */
static void add_users_own(const struct log_options *o, struct journal *j)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    auto_free char *path = runtime ? path_join(runtime, "reeve/journal", NULL)
                                   : format("/tmp/reeve-%u/reeve/journal", getuid());
    struct stat st;

    if (path && stat(path, &st) >= 0 && st.st_uid == getuid())
        (void) journal_add_directory(j, path, 0, true, NULL, on_problem, (void *) o);
}

int log_open(const struct log_options *o, struct journal *j)
{
    struct id128 machine;
    bool any = false;

    int problem = 0;

    journal_set_namespaces(j, o->namespaces);
    journal_on_damage(j, on_problem, (void *) o);
    if (o->machine) {
        fprintf(stderr,
                "%s: --machine=%s: containers are not reached; use --directory= or --root=\n",
                o->program, o->machine);
        return -EOPNOTSUPP;
    }
    if (o->files)
        return open_files(o, j);
    if (o->directory) {
        int r = journal_add_directory(j, o->directory, kinds(o), true, NULL, on_problem,
                                      (void *) o);

        if (r < 0)
            fprintf(stderr, "%s: %s cannot be opened: %s\n", o->program, o->directory,
                    strerror(-r));
        return r;
    }
    bool have_machine = id128_machine(o->root, &machine) >= 0;
    for (size_t i = 0; log_places[i]; i++) {
        auto_free char *path = path_join(strempty(o->root), log_places[i], NULL);
        int r = path ? journal_add_directory(j, path, kinds(o), true,
                                             have_machine && !o->merge ? &machine : NULL,
                                             on_problem, (void *) o)
                     : -ENOMEM;

        any = any || r >= 0;
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
            problem = r;
    }
    if (!o->root && getuid() != 0)
        add_users_own(o, j);
    if (journal_n_files(j) == 0 && !o->quiet) {
        if (problem == -EACCES)
            fprintf(stderr,
                    "%s: this user may not read the journal; users of the groups adm and "
                    "systemd-journal may\n",
                    o->program);
        else
            fprintf(stderr, "No journal files were found.\n");
    }
    return 0;
}

/* Namespaces of this machine that have a journal; each once. */
static void find_namespaces(const struct log_options *o, char ***ret)
{
    struct id128 machine;
    char id[ID128_TEXT_MAX];

    if (id128_machine(o->root, &machine) < 0)
        return;
    id128_format(machine, id);
    for (size_t i = 0; log_places[i]; i++) {
        auto_free char *path = path_join(strempty(o->root), log_places[i], NULL);
        DIR *d = path ? opendir(path) : NULL;

        for (struct dirent *e; d && (e = readdir(d));) {
            const char *rest = startswith(e->d_name, id);

            if (rest && rest[0] == '.' && rest[1] && !strv_contains(*ret, rest + 1) &&
                strv_add(ret, rest + 1) < 0)
                break;
        }
        if (d)
            closedir(d);
    }
    strv_sort(*ret);
}

int log_list_namespaces(const struct log_options *o)
{
    auto_strv char **names = NULL;
    bool json = o->output.mode >= ENTRY_JSON && o->output.mode <= ENTRY_JSON_SEQ, more = false;

    find_namespaces(o, &names);
    if (json)
        putchar('[');
    else if (!names && !o->quiet)
        fputs("No namespaces found.\n", stderr);
    else if (!o->quiet)
        printf("%sNAMESPACE%s\n", term_color(COLOR_UNDERLINE), term_reset());
    STRV_FOREACH (name, names) {
        auto_strbuf struct strbuf text = { 0 };

        json_add_text(&text, *name, strlen(*name));
        if (json)
            printf("%s{\"namespace\":%s}", more ? "," : "", strbuf_text(&text));
        else
            puts(*name);
        more = true;
    }
    if (json)
        puts("]");
    return 0;
}
