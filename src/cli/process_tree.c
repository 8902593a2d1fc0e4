#include "cli/process_tree.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/term.h"

/* Deeper cgroups than this are shown as if they were at this depth. */
#define DEPTH_MAX 32

struct row {
    const char *cgroup; /* without slash in front */
    char *text;         /* "123 /bin/sleep 5" */
    json_int_t pid;
};

struct tree {
    struct row *rows; /* sorted by cgroup: those of a folder itself before those below it */
    size_t n, indent, width;
    bool more[DEPTH_MAX];
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int r = strcmp(x->cgroup, y->cgroup);

    return r != 0 ? r : (x->pid > y->pid) - (x->pid < y->pid);
}

static void print_line(const struct tree *t, unsigned depth, bool last, const char *text,
                       enum color color)
{
    size_t used = t->indent + 2 * (depth + 1);
    auto_free char *cut = utf8_ellipsize(text, t->width > used + 8 ? t->width - used : 8, 100);
    bool utf8 = term_is_utf8();

    printf("%*s", (int) t->indent, "");
    for (unsigned i = 0; i < depth; i++)
        fputs(t->more[i] ? (utf8 ? "│ " : "| ") : "  ", stdout);
    fputs(last ? (utf8 ? "└─" : "`-") : (utf8 ? "├─" : "|-"), stdout);
    printf("%s%s%s\n", term_color(color), cut ? cut : text,
           color == COLOR_NONE ? "" : term_reset());
}

/* The rows from `begin` whose cgroup starts with the first `length` bytes of that of the first one,
 * and a "/" (or its end) after it. */
static size_t same_folder(const struct tree *t, size_t begin, size_t end, size_t length)
{
    size_t i = begin;

    while (i < end && strncmp(t->rows[i].cgroup, t->rows[begin].cgroup, length) == 0 &&
           (t->rows[i].cgroup[length] == '/' || t->rows[i].cgroup[length] == '\0'))
        i++;
    return i;
}

/* Prints rows [begin, end), which share the first `prefix` bytes of their cgroup (a slash behind
 * included). */
static void print_rows(struct tree *t, size_t begin, size_t end, size_t prefix, unsigned depth)
{
    size_t i = begin;

    while (i < end) {
        const char *below = t->rows[i].cgroup + MIN(prefix, strlen(t->rows[i].cgroup));
        size_t length = prefix + strcspn(below, "/"), next;
        auto_free char *name = NULL;

        if (!*below || depth + 1 >= DEPTH_MAX) {
            print_line(t, depth, i + 1 == end, t->rows[i].text, COLOR_NONE);
            i++;
            continue;
        }
        next = same_folder(t, i, end, length);
        name = memdup0(below, length - prefix);
        t->more[depth] = next < end;
        print_line(t, depth, next == end, strempty(name), COLOR_NONE);
        print_rows(t, i, next, length + 1, depth + 1);
        i = next;
    }
}

void process_tree_print(const json_t *processes, size_t indent, size_t width)
{
    struct tree t = { .indent = indent, .width = width };
    json_t *process;
    size_t i;

    t.rows = new0(struct row, json_array_size(processes) + 1);
    if (!t.rows)
        return;
    json_array_foreach(processes, i, process)
    {
        const char *cgroup = json_string_value(json_object_get(process, "cgroup"));
        const char *command = json_string_value(json_object_get(process, "command"));
        json_int_t pid = json_integer_value(json_object_get(process, "pid"));

        cgroup = strempty(cgroup);
        while (*cgroup == '/')
            cgroup++;
        t.rows[t.n].cgroup = cgroup;
        t.rows[t.n].pid = pid;
        t.rows[t.n].text = format("%lld %s", pid, command ? command : "n/a");
        if (t.rows[t.n].text)
            t.n++;
    }
    qsort(t.rows, t.n, sizeof *t.rows, compare_rows);
    print_rows(&t, 0, t.n, 0, 0);
    for (i = 0; i < t.n; i++)
        free(t.rows[i].text);
    free(t.rows);
}
