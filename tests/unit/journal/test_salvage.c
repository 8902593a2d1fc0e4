/* A file costs no more than what of it is damaged: every bit of it is a place where that is tried,
 * and every length that it may be cut to.
 *
 * They are sampled, the header and what leads to entries more densely; REEVE_BITS=N takes N samples
 * of each file, and REEVE_BITS=all tries all, which takes hours. The files are ours, and those that
 * journald has written (which are an archive among the tests). */
#include "journal/salvage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "journal/file-verify.h"
#include "journal/file-write.h"
#include "journal/query.h"

#define ENTRIES 300
#define VALUES 5
#define START UINT64_C(1700000000000000)

static char directory[] = "/tmp/reeve-salvage-XXXXXX";

/* ---- a file as it is sound ---- */

struct image {
    const char *name, *path; /* where it is changed */
    int fd;
    uint8_t *bytes;
    uint64_t size;
    uint64_t *entries; /* offsets */
    size_t n;
    char *values[VALUES];  /* "NAME=value" that are asked for */
    bool *has[VALUES + 2]; /* by query and entry */
    usec_t middle;
    bool *hit; /* by entry, what was changed */
};

enum { ALL = VALUES, LATE, QUERIES };

static struct journal *ask(const struct image *m, size_t query, bool forward)
{
    struct journal *j = journal_new();

    if (journal_add_file(j, m->path) < 0) {
        journal_free(j);
        return NULL;
    }
    if (query < VALUES)
        assert_int_equal(
            journal_set_match(j, match_field(m->values[query], strlen(m->values[query]))), 0);
    if (query == LATE && forward)
        journal_seek_realtime(j, m->middle);
    else if (forward)
        journal_seek_head(j);
    else
        journal_seek_tail(j);
    return j;
}

static uint64_t current(struct journal *j)
{
    const struct entry_object *e = journal_current(j);

    assert_non_null(e);
    return (uint64_t) ((const uint8_t *) e - journal_current_file(j)->map);
}

static int compare_offsets(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

    return x < y ? -1 : x > y;
}

static size_t number_of(const struct image *m, uint64_t offset)
{
    const uint64_t *at = bsearch(&offset, m->entries, m->n, sizeof offset, compare_offsets);

    return at ? (size_t) (at - m->entries) : SIZE_MAX;
}

/* Values that few and that many entries have. */
static void choose_values(struct image *m, struct journal_file *f)
{
    static const char *const names[VALUES] = { "_BOOT_ID", "PRIORITY", "MESSAGE", "_PID",
                                               "SYSLOG_IDENTIFIER" };

    for (size_t i = 0; i < VALUES; i++) {
        uint64_t *all;
        size_t n_all, n;
        const char *payload;

        assert_int_equal(journal_list_data(f, names[i], strlen(names[i]), &all, &n_all), 0);
        assert_true(n_all > 0);
        assert_int_equal(journal_data(f, all[n_all / 2], &payload, &n), 0);
        m->values[i] = memdup0(payload, n);
        free(all);
    }
}

static void image_load(struct image *m, const char *name, const char *path)
{
    struct stat st;
    struct journal_file *f;
    struct verify_report report;

    *m = (struct image){ .name = name, .path = path, .fd = open(path, O_RDWR | O_CLOEXEC) };
    assert_true(m->fd >= 0);
    assert_int_equal(fstat(m->fd, &st), 0);
    m->size = (uint64_t) st.st_size;
    m->bytes = malloc(m->size);
    assert_int_equal(pread(m->fd, m->bytes, m->size, 0), m->size);
    assert_int_equal(journal_file_open(path, &f), 0);
    if (journal_file_verify(f, &report) < 0)
        fail_msg("%s: %jx: %s", name, (uintmax_t) report.offset, report.text);
    m->n = report.n_entries;
    m->entries = new0(uint64_t, m->n);
    m->hit = new0(bool, m->n);
    choose_values(m, f);
    journal_file_close(f);
    size_t n = 0;
    struct journal *j = ask(m, ALL, true);
    while (journal_step(j, true) > 0) {
        if (n == m->n / 2)
            m->middle = journal_current(j)->realtime;
        m->entries[n++] = current(j);
    }
    assert_int_equal(n, m->n);
    journal_free(j);
    for (size_t q = 0; q < QUERIES; q++) {
        m->has[q] = new0(bool, m->n);
        j = ask(m, q, true);
        while (journal_step(j, true) > 0)
            m->has[q][number_of(m, current(j))] = true;
        assert_false(journal_get_file(j, 0)->damaged);
        journal_free(j);
    }
}

static void image_done(struct image *m)
{
    close(m->fd);
    unlink(m->path);
    free(m->bytes);
    free(m->entries);
    free(m->hit);
    for (size_t i = 0; i < VALUES; i++)
        free(m->values[i]);
    for (size_t i = 0; i < QUERIES; i++)
        free(m->has[i]);
}

/* ---- damage ---- */

static bool within(const struct image *m, uint64_t object, uint64_t from, uint64_t to)
{
    const struct object *o = (const struct object *) (m->bytes + object);

    return object < to && from < object + o->size;
}

/* Which entries are of what is changed from..to. */
static void mark_hit(struct image *m, uint64_t from, uint64_t to)
{
    const struct journal_header *h = (const struct journal_header *) m->bytes;
    bool compact = h->incompatible_flags & INCOMPATIBLE_COMPACT;

    for (size_t i = 0; i < m->n; i++) {
        const struct entry_object *e = (const struct entry_object *) (m->bytes + m->entries[i]);
        const uint8_t *items = (const uint8_t *) (e + 1);

        m->hit[i] = within(m, m->entries[i], from, to);
        for (size_t k = 0; k < (e->head.size - ENTRY_ITEMS) / (compact ? 4 : 16); k++)
            m->hit[i] = m->hit[i] || within(m,
                                            compact ? ((const uint32_t *) items)[k]
                                                    : ((const uint64_t *) items)[2 * k],
                                            from, to);
    }
}

static bool any_hit(const struct image *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->hit[i])
            return true;
    }
    return false;
}

/* Asks everything. What was not hit is there, once and in order, and nothing else; but where a time
 * is looked for among entries one of which has a wrong one, too early ones may come first. */
static void check(struct image *m, const char *what, uint64_t at)
{
    auto_free bool *seen = new0(bool, m->n);

    for (size_t q = 0; q < QUERIES; q++) {
        for (int forward = 1; forward >= (q == LATE); forward--) {
            struct journal *j = ask(m, q, forward);
            uint64_t last = forward ? 0 : UINT64_MAX;

            memset(seen, 0, m->n * sizeof *seen);
            while (j && journal_step(j, forward) > 0) {
                uint64_t here = current(j);
                size_t i = number_of(m, here);

                if (forward ? here <= last : here >= last)
                    fail_msg("%s, %s %jx, query %zu: out of order", m->name, what, (uintmax_t) at,
                             q);
                last = here;
                if (i == SIZE_MAX || (!m->has[q][i] && !m->hit[i] && (q != LATE || !any_hit(m))))
                    fail_msg("%s, %s %jx, query %zu: an entry that is none, or not asked for",
                             m->name, what, (uintmax_t) at, q);
                seen[i] = true;
            }
            for (size_t i = 0; i < m->n; i++) {
                if (m->has[q][i] && !m->hit[i] && !seen[i])
                    fail_msg("%s, %s %jx, query %zu %s: entry %zu at %jx is lost (%s)", m->name,
                             what, (uintmax_t) at, q, forward ? "forward" : "backward", i,
                             (uintmax_t) m->entries[i],
                             j ? strempty(journal_get_file(j, 0)->damage) : "not opened");
            }
            journal_free(j);
        }
    }
}

static void flip(struct image *m, uint64_t bit)
{
    uint64_t at = bit / 8;
    uint8_t changed = m->bytes[at] ^ (uint8_t) (1 << bit % 8);

    assert_int_equal(pwrite(m->fd, &changed, 1, (off_t) at), 1);
    mark_hit(m, at, at + 1);
    check(m, "bit", bit);
    assert_int_equal(pwrite(m->fd, m->bytes + at, 1, (off_t) at), 1);
}

/* Where its last object ends. */
static uint64_t end_of(const struct image *m)
{
    const struct journal_header *h = (const struct journal_header *) m->bytes;
    const struct object *o = (const struct object *) (m->bytes + h->tail_object_offset);

    return h->tail_object_offset + align8(o->size);
}

/* A third in the header, a third in the heads of objects and in arrays, a third anywhere. */
static uint64_t choose_bit(const struct image *m, int i)
{
    const struct journal_header *h = (const struct journal_header *) m->bytes;
    uint64_t wanted = (uint64_t) rand() % h->n_objects, at = h->header_size;
    const struct object *o = (const struct object *) (m->bytes + at);

    if (i % 3 == 0)
        return (uint64_t) rand() % (h->header_size * 8);
    if (i % 3 == 1)
        return (uint64_t) rand() % (end_of(m) * 8);
    for (; wanted > 0; wanted--) {
        at += align8(o->size);
        o = (const struct object *) (m->bytes + at);
    }
    return (at + (uint64_t) rand() % (o->type == OBJECT_ENTRY_ARRAY ? o->size : 64)) * 8 +
           (uint64_t) rand() % 8;
}

static void flip_bits(struct image *m, int samples)
{
    for (int i = 0; i < samples; i++)
        flip(m, choose_bit(m, i));
    for (uint64_t bit = 0; samples == 0 && bit < end_of(m) * 8; bit++)
        flip(m, bit);
}

static void cut(struct image *m, int samples)
{
    uint64_t end = end_of(m), step = samples == 0 ? 8 : end / (uint64_t) samples | 1;

    for (uint64_t size = 1; size < end; size += step) {
        assert_int_equal(ftruncate(m->fd, (off_t) size), 0);
        mark_hit(m, size, m->size);
        check(m, "cut to", size);
        assert_int_equal(pwrite(m->fd, m->bytes + size, m->size - size, (off_t) size),
                         m->size - size);
    }
}

/* As a disk does it that lost what was not written yet. */
static void lose_pages(struct image *m, int samples)
{
    static const uint8_t zeros[4096];
    uint64_t n_pages = end_of(m) / sizeof zeros + 1;
    uint64_t step = samples == 0 ? 1 : n_pages / (uint64_t) samples + 1;

    for (uint64_t page = 0; page < n_pages; page += step) {
        uint64_t at = page * sizeof zeros;
        size_t n = MIN(sizeof zeros, m->size - at);

        assert_int_equal(pwrite(m->fd, zeros, n, (off_t) at), n);
        mark_hit(m, at, at + n);
        check(m, "page", at);
        assert_int_equal(pwrite(m->fd, m->bytes + at, n, (off_t) at), n);
    }
}

static void damage(const char *name, const char *path, int samples)
{
    struct image m;

    const char *bits = getenv("REEVE_BITS");

    if (bits)
        samples = streq(bits, "all") ? 0 : atoi(bits);
    image_load(&m, name, path);
    srand((unsigned) samples);
    flip_bits(&m, samples);
    cut(&m, samples / 4);
    lose_pages(&m, samples / 4);
    image_done(&m);
}

/* ---- the files ---- */

static void append(struct journal_writer *w, int i)
{
    static const char *const names[] = { "app", "web", "db", "cron" };
    char message[2000], priority[16], pid[16], identifier[40];
    int n = snprintf(message, sizeof message, "MESSAGE=%d of the lines", i);
    struct dual_time t = { START + (usec_t) i * 1000, 5000 + (usec_t) i };

    if (i % 20 == 3) { /* long enough to be compressed */
        memset(message + n, 'x', 1200);
        n += 1200;
    }
    struct iovec fields[] = {
        { (char *) "_BOOT_ID=02020202020202020202020202020202", 41 },
        { priority, (size_t) snprintf(priority, sizeof priority, "PRIORITY=%d", i * i % 5 + 2) },
        { pid, (size_t) snprintf(pid, sizeof pid, "_PID=%d", 100 + i / 9) },
        { identifier, (size_t) snprintf(identifier, sizeof identifier, "SYSLOG_IDENTIFIER=%s",
                                        names[i * 7 % 4]) },
        { message, (size_t) n },
    };
    assert_int_equal(journal_writer_append(w, &t, NULL, 0, fields, ELEMENTSOF(fields)), 0);
}

static struct writer_options options_for(bool compact)
{
    struct writer_options o = { .compact = compact, .max_size = 512 << 10 };

    memset(o.machine.bytes, 1, 16);
    memset(o.boot.bytes, 2, 16);
    memset(o.seqnum_id.bytes, 3, 16);
    return o;
}

/* A file that is damaged while it is read, and written on: it is followed all the same. */
static void damaged_while_written(void **state)
{
    for (int matching = 0; matching < 2; matching++) {
        struct writer_options o = options_for(true);
        auto_free char *path = format("%s/live.journal", directory);
        auto_close int fd = -1;
        struct journal_writer *w;
        struct journal *j = journal_new();
        uint32_t wrong = 0x1008;
        int n = 0;

        assert_int_equal(journal_writer_open(path, &o, &w), 0);
        for (int i = 0; i < 50; i++)
            append(w, i);
        assert_int_equal(journal_add_file(j, path), 0);
        if (matching)
            assert_int_equal(journal_set_match(j, match_field("_BOOT_ID="
                                                              "02020202020202020202020202020202",
                                                              41)),
                             0);
        journal_seek_head(j);
        for (; n < 20; n++)
            assert_int_equal(journal_step(j, true), 1);
        fd = open(path, O_RDWR | O_CLOEXEC);
        /* Of its list, which is being read. */
        uint64_t array = journal_writer_header(w)->entry_array_offset;
        const struct entry_array_object *a = (const struct entry_array_object *) journal_object(
            journal_get_file(j, 0), array, OBJECT_ENTRY_ARRAY);
        while (a->next_entry_array_offset != 0) {
            array = a->next_entry_array_offset;
            a = (const struct entry_array_object *) journal_object(journal_get_file(j, 0), array,
                                                                   OBJECT_ENTRY_ARRAY);
        }
        assert_int_equal(pwrite(fd, &wrong, sizeof wrong, (off_t) (array + ARRAY_ITEMS)),
                         sizeof wrong);
        for (; n < 50; n++)
            assert_int_equal(journal_step(j, true), 1);
        assert_int_equal(journal_step(j, true), 0);
        assert_true(matching || journal_get_file(j, 0)->damaged);
        for (; n < 200; n++) {
            append(w, n);
            assert_int_equal(journal_refresh(j), 1);
            assert_int_equal(journal_step(j, true), 1);
            assert_int_equal(journal_current(j)->realtime, START + (usec_t) n * 1000);
            assert_int_equal(journal_step(j, true), 0);
        }
        journal_writer_close(w, false, false);
        journal_free(j);
        unlink(path);
    }
}

static void ours(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        struct writer_options o = options_for(kind & 1);
        auto_free char *path = format("%s/ours.journal", directory);
        auto_free char *name = format("%s, %s", kind & 1 ? "compact" : "regular",
                                      kind & 2 ? "archived" : "not closed");
        struct journal_writer *w;

        assert_int_equal(journal_writer_open(path, &o, &w), 0);
        for (int i = 0; i < ENTRIES; i++)
            append(w, i);
        if (kind & 2) {
            journal_writer_close(w, true, false);
        } else {
            /* As if killed: a copy of it while it is open. */
            auto_free char *copy = format("%s/copy.journal", directory);
            auto_free char *command = format("cp %s %s", path, copy);

            assert_int_equal(system(command), 0);
            journal_writer_close(w, false, false);
            assert_int_equal(rename(copy, path), 0);
        }
        damage(name, path, 600);
    }
}

/* Into a folder of its name. */
static bool unpack(const char *archive)
{
    auto_free char *command = format("mkdir %s/%s && tar xJf %s/%s.tar.xz --strip-components=2 -C "
                                     "%s/%s 2>&1",
                                     directory, archive, CORPUS_DIR "/../integration/journals",
                                     archive, directory, archive);

    if (system(command) == 0)
        return true;
    print_message("skipped: %s.tar.xz cannot be unpacked\n", archive);
    return false;
}

static void journalds(void **state)
{
    static const char *const archives[] = { "systemd-252", "systemd-257" };

    for (size_t i = 0; i < ELEMENTSOF(archives); i++) {
        if (!unpack(archives[i]))
            skip();
        auto_free char *folder = format("%s/%s", directory, archives[i]);
        auto_strv char **names = NULL;

        DIR *d = opendir(folder);
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));) {
            if (endswith(e->d_name, ".journal"))
                assert_true(strv_add(&names, e->d_name) >= 0);
        }
        closedir(d);
        strv_sort(names);
        STRV_FOREACH (name, names) {
            auto_free char *path = path_join(folder, *name, NULL);

            damage(*name, path, 100);
        }
    }
}

static int remove_directory(void **state)
{
    return remove_all(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_while_written),
        cmocka_unit_test(ours),
        cmocka_unit_test(journalds),
    };

    if (!mkdtemp(directory))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_directory);
}
