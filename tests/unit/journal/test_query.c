/* What is written is what is read and found: files, matches, places, many files as one. */
#include "journal/query.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "journal/file-verify.h"
#include "journal/file-write.h"
#include "journal/output.h"

#define ENTRIES 700
#define START UINT64_C(1700000000000000)

static char directory[] = "/tmp/reeve-query-XXXXXX";

static struct writer_options options_for(bool compact)
{
    struct writer_options o = { .compact = compact, .max_size = 8 << 20 };

    memset(o.machine.bytes, 1, 16);
    memset(o.boot.bytes, 2, 16);
    memset(o.seqnum_id.bytes, 3, 16);
    return o;
}

/* What entry i has. */
static int field_a(int i)
{
    return i * 7 % 4;
}

static int field_b(int i)
{
    return i * i % 5;
}

static void append(struct journal_writer *w, int i)
{
    char a[16], b[16], message[2000];
    int n = snprintf(message, sizeof message, "MESSAGE=%d", i);
    struct dual_time t = { START + (usec_t) i * 1000, 5000 + (usec_t) i };

    snprintf(a, sizeof a, "A=%d", field_a(i));
    snprintf(b, sizeof b, "B=%d", field_b(i));
    if (i % 50 == 3) { /* long enough to be compressed */
        memset(message + n, 'x', 1200);
        n += 1200;
    }
    struct iovec fields[] = { { a, strlen(a) }, { b, strlen(b) }, { message, (size_t) n } };
    journal_writer_set_seqnum(w, (uint64_t) i + 1);
    assert_int_equal(journal_writer_append(w, &t, NULL, 0, fields, 3), 0);
}

/* One file with all entries, or two with every second one each. */
static struct journal *make(bool compact, int files)
{
    struct writer_options o = options_for(compact);
    struct journal *j = journal_new();

    for (int f = 0; f < files; f++) {
        auto_free char *path = format("%s/%d-%d-%d.journal", directory, compact, files, f);
        struct journal_writer *w;

        unlink(path);
        assert_int_equal(journal_writer_open(path, &o, &w), 0);
        for (int i = f; i < ENTRIES; i += files)
            append(w, i);
        journal_writer_close(w, f % 2 == 0, false);
        assert_int_equal(journal_add_file(j, path), 0);
        assert_int_equal(journal_add_file(j, path), -EEXIST);
    }
    return j;
}

static int current(struct journal *j)
{
    const char *value;
    size_t n;

    assert_int_equal(
        entry_field(journal_current_file(j), journal_current(j), "MESSAGE", &value, &n), 1);
    return atoi(value); /* ends at the next field or a letter */
}

static void files_are_sound(void **state)
{
    for (int compact = 0; compact < 2; compact++) {
        struct journal *j = make(compact, 2);

        for (size_t i = 0; i < journal_n_files(j); i++) {
            struct verify_report report;

            if (journal_file_verify(journal_get_file(j, i), &report) < 0)
                fail_msg("%jx: %s", (uintmax_t) report.offset, report.text);
            assert_int_equal(report.n_entries, ENTRIES / 2);
        }
        journal_free(j);
    }
}

static void all_in_order_both_ways(void **state)
{
    for (int files = 1; files <= 3; files++) {
        struct journal *j = make(true, files);
        int n = 0;

        journal_seek_head(j);
        while (journal_step(j, true) > 0)
            assert_int_equal(current(j), n++);
        assert_int_equal(n, ENTRIES);
        journal_seek_tail(j);
        while (journal_step(j, false) > 0)
            assert_int_equal(current(j), --n);
        assert_int_equal(n, 0);
        /* Turning round gives the neighbour, not the same one again. */
        journal_seek_realtime(j, START + 100 * 1000);
        assert_int_equal(journal_step(j, true), 1);
        assert_int_equal(current(j), 100);
        assert_int_equal(journal_step(j, true), 1);
        assert_int_equal(journal_step(j, false), 1);
        assert_int_equal(current(j), 100);
        assert_int_equal(journal_step(j, true), 1);
        assert_int_equal(current(j), 101);
        journal_free(j);
    }
}

/* A random expression, and what it means. */
static struct match *random_match(int depth)
{
    static const char *const texts[] = { "A=0", "A=1", "A=3", "B=0", "B=1", "B=4", "C=1" };
    int kind = depth == 0 ? 0 : rand() % 4;
    struct match *m;

    if (kind == 0) {
        const char *text = texts[rand() % (int) ELEMENTSOF(texts)];

        return match_field(text, strlen(text));
    }
    m = match_group(kind == 1 ? MATCH_AND : kind == 2 ? MATCH_OR : MATCH_NOT);
    for (int i = kind == 3 ? 1 : 1 + rand() % 3; i > 0; i--)
        assert_int_equal(match_add(m, random_match(depth - 1)), 0);
    return m;
}

static bool holds(const struct match *m, int i)
{
    switch (m->kind) {
    case MATCH_FIELD:
        return (m->text[0] == 'A' && m->text[2] - '0' == field_a(i)) ||
               (m->text[0] == 'B' && m->text[2] - '0' == field_b(i));
    case MATCH_NOT:
        return !holds(m->children[0], i);
    case MATCH_AND:
        for (size_t k = 0; k < m->n_children; k++) {
            if (!holds(m->children[k], i))
                return false;
        }
        return true;
    case MATCH_OR:
        for (size_t k = 0; k < m->n_children; k++) {
            if (holds(m->children[k], i))
                return true;
        }
        return false;
    }
    return false;
}

static void matches_find_what_they_mean(void **state)
{
    srand(11);
    for (int files = 1; files <= 2; files++) {
        struct journal *j = make(files == 1, files);

        for (int round = 0; round < 300; round++) {
            struct match *m = random_match(3);
            int i = 0;

            assert_int_equal(journal_set_match(j, m), 0);
            journal_seek_head(j);
            for (; journal_step(j, true) > 0; i++) {
                while (i < ENTRIES && !holds(m, i))
                    i++;
                if (current(j) != i)
                    fail_msg("round %d: %d instead of %d", round, current(j), i);
            }
            for (; i < ENTRIES; i++)
                assert_false(holds(m, i));
            journal_seek_tail(j);
            for (i = ENTRIES - 1; journal_step(j, false) > 0; i--) {
                while (i >= 0 && !holds(m, i))
                    i--;
                if (current(j) != i)
                    fail_msg("round %d backwards: %d instead of %d", round, current(j), i);
            }
            for (; i >= 0; i--)
                assert_false(holds(m, i));
        }
        journal_free(j);
    }
}

static void cursors_lead_back(void **state)
{
    struct journal *j = make(true, 2);
    char text[JOURNAL_CURSOR_MAX];
    struct journal_cursor c;

    for (int i = 0; i < ENTRIES; i += 37) {
        journal_seek_realtime(j, START + (usec_t) i * 1000);
        assert_int_equal(journal_step(j, true), 1);
        journal_cursor_format(journal_current_file(j), journal_current(j), text);
        assert_int_equal(journal_cursor_parse(text, &c), 0);
        for (int backward = 0; backward < 2; backward++) {
            journal_seek_cursor(j, &c);
            assert_int_equal(journal_step(j, !backward), 1);
            assert_int_equal(current(j), i);
            assert_true(journal_test_cursor(j, &c));
        }
    }
    journal_free(j);
    static const char *const bad[] = { "", "x", "s=1;i=2", "t=zz", "q=1", "i=5", ";;;" };
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        if (journal_cursor_parse(bad[i], &c) != -EINVAL)
            fail_msg("\"%s\" is taken for a cursor", bad[i]);
    }
}

static void grows_under_the_reader(void **state)
{
    struct writer_options o = options_for(true);
    auto_free char *path = format("%s/live.journal", directory);
    struct journal_writer *w;
    struct journal *j = journal_new();

    assert_int_equal(journal_writer_open(path, &o, &w), 0);
    append(w, 0);
    assert_int_equal(journal_add_file(j, path), 0);
    journal_seek_tail(j);
    assert_int_equal(journal_step(j, false), 1);
    assert_int_equal(journal_step(j, true), 0);
    for (int i = 1; i < ENTRIES; i++) {
        append(w, i);
        assert_int_equal(journal_refresh(j), 1);
        assert_int_equal(journal_step(j, true), 1);
        assert_int_equal(current(j), i);
        assert_int_equal(journal_step(j, true), 0);
    }
    /* Not closed: it may not be written on by another. */
    struct journal_writer *second;
    assert_int_equal(journal_writer_open(path, &o, &second), -EBUSY);
    journal_writer_close(w, false, false);
    assert_int_equal(journal_writer_open(path, &o, &second), 0);
    assert_int_equal(journal_writer_seqnum(second), ENTRIES + 1);
    append(second, ENTRIES);
    journal_writer_close(second, true, false);
    assert_int_equal(journal_refresh(j), 1);
    assert_int_equal(journal_step(j, true), 1);
    assert_int_equal(current(j), ENTRIES);
    journal_free(j);
}

static void full_file_is_sound(void **state)
{
    auto_free char *path = format("%s/full.journal", directory);

    for (int compact = 0; compact < 2; compact++) {
        struct writer_options o = options_for(compact);
        struct verify_report report;
        struct journal_writer *w;
        struct journal_file *f;
        int r = 0;

        o.max_size = 512 * 1024;
        assert_int_equal(journal_writer_open(path, &o, &w), 0);
        for (int i = 0; r == 0; i++) {
            char message[200];
            int n = snprintf(message, sizeof message, "MESSAGE=%d %0*d", i, i % 150, 7);
            struct iovec fields[] = { { message, (size_t) n }, { (char *) "A=1", 3 } };
            struct dual_time t = { START + (usec_t) i, 1 + (usec_t) i };

            assert_true(i < 100000);
            r = journal_writer_append(w, &t, NULL, 0, fields, 2);
        }
        assert_int_equal(r, -E2BIG);
        journal_writer_close(w, true, false);
        assert_int_equal(journal_file_open(path, &f), 0);
        if (journal_file_verify(f, &report) < 0)
            fail_msg("%jx: %s", (uintmax_t) report.offset, report.text);
        assert_true(report.n_entries > 500);
        journal_file_close(f);
        unlink(path);
    }
}

/* Entries of the file, and those of A=2, after the file was changed. Each is known by its number,
 * and comes in order. */
static void count(const char *path, int *ret_all, int *ret_matching)
{
    for (int matching = 0; matching < 2; matching++) {
        struct journal *j = journal_new();
        struct match *m = match_group(MATCH_AND);
        int n = 0, last = -1;

        assert_int_equal(journal_add_file(j, path), 0);
        assert_int_equal(match_add_field(m, "A", "2"), 0);
        if (matching)
            assert_int_equal(journal_set_match(j, m), 0);
        else
            match_free(m);
        journal_seek_head(j);
        for (; journal_step(j, true) > 0; n++) {
            assert_true(current(j) > last);
            last = current(j);
        }
        *(matching ? ret_matching : ret_all) = n;
        journal_free(j);
    }
}

/* A list leads from array to array: whatever is damaged in one of them, and in the header's word of
 * it, the entries are found. */
static void damaged_lists_cost_nothing(void **state)
{
    for (int compact = 0; compact < 2; compact++) {
        auto_free char *path = format("%s/%d-1-0.journal", directory, compact);
        struct journal *j = make(compact, 1);
        struct journal_file *f = journal_get_file(j, 0);
        uint64_t a2 = journal_find_data(f, "A=2", 3), lists[2];
        int all, matching;

        lists[0] = journal_header(f)->entry_array_offset;
        lists[1] = ((const struct data_object *) journal_object(f, a2, OBJECT_DATA))
                       ->entry_array_offset;
        auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        for (size_t list = 0; list < 2; list++) {
            for (uint64_t at = lists[list]; at != 0;) {
                struct entry_array_object good = *(
                    const struct entry_array_object *) journal_object(f, at, OBJECT_ENTRY_ARRAY);
                struct entry_array_object bad[] = { good, good, good, good, good };

                bad[0].head.type = OBJECT_DATA;
                bad[1].head.size = 0;
                bad[2].head.size = UINT64_MAX;
                bad[3].next_entry_array_offset = at;
                bad[4].next_entry_array_offset += 8;
                for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                    if (good.next_entry_array_offset == 0 && i >= 3)
                        continue;
                    assert_int_equal(pwrite(fd, &bad[i], sizeof good, (off_t) at), sizeof good);
                    count(path, &all, &matching);
                    if (all != ENTRIES || matching != ENTRIES / 4)
                        fail_msg("%d, list %zu, array %jx, damage %zu: %d, %d", compact, list,
                                 (uintmax_t) at, i, all, matching);
                }
                assert_int_equal(pwrite(fd, &good, sizeof good, (off_t) at), sizeof good);
                at = good.next_entry_array_offset;
            }
        }
        for (uint64_t at = offsetof(struct journal_header, n_entries);
             at <= offsetof(struct journal_header, entry_array_offset);
             at += offsetof(struct journal_header, entry_array_offset) -
                   offsetof(struct journal_header, n_entries)) {
            const uint64_t good = *(const uint64_t *) (f->map + at),
                           bad[] = { 0, good / 2, good * 2 };

            for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(pwrite(fd, &bad[i], sizeof good, (off_t) at), sizeof good);
                count(path, &all, &matching);
                if (all != ENTRIES || matching != ENTRIES / 4)
                    fail_msg("%d, header %ju, damage %zu: %d, %d", compact, (uintmax_t) at, i, all,
                             matching);
            }
            assert_int_equal(pwrite(fd, &good, sizeof good, (off_t) at), sizeof good);
        }
        journal_free(j);
    }
}

static int remove_directory(void **state)
{
    return remove_all(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_sound),
        cmocka_unit_test(all_in_order_both_ways),
        cmocka_unit_test(matches_find_what_they_mean),
        cmocka_unit_test(cursors_lead_back),
        cmocka_unit_test(grows_under_the_reader),
        cmocka_unit_test(full_file_is_sound),
        cmocka_unit_test(damaged_lists_cost_nothing),
    };

    if (!mkdtemp(directory))
        return 1;
    return cmocka_run_group_tests(tests, NULL, remove_directory);
}
