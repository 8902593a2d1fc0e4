#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "cli/log.h"
#include "journal/file-verify.h"
#include "journal/vacuum.h"

/* ---- fields ---- */

static int print_value(const char *value, size_t n, void *userdata)
{
    fwrite(value, 1, n, stdout);
    putchar('\n');
    return ferror(stdout) ? -EPIPE : 0;
}

/* ---- boots and invocations ---- */

struct row {
    long index;
    struct id128 id;
    usec_t first, last;
};

static void print_table(const struct log_options *o, const char *what, const struct row *rows,
                        size_t n)
{
    enum timestamp_style style = o->output.utc ? TIMESTAMP_UTC : TIMESTAMP_PRETTY;
    int width = o->quiet ? 1 : 3, first_width = (int) strlen("FIRST ENTRY");

    for (size_t i = 0; i < n; i++) {
        char text[TIMESTAMP_TEXT_MAX], number[24];
        int k = snprintf(number, sizeof number, "%ld", rows[i].index);

        width = MAX(width, k);
        k = (int) strlen(strempty(timestamp_format(text, rows[i].first, style)));
        first_width = MAX(first_width, k);
    }
    if (!o->quiet)
        printf("%*s %-32s %-*s %s\n", width, "IDX", what, first_width, "FIRST ENTRY", "LAST ENTRY");
    for (size_t i = 0; i < n; i++) {
        char id[ID128_TEXT_MAX], first[TIMESTAMP_TEXT_MAX], last[TIMESTAMP_TEXT_MAX];

        printf("%*ld %s %-*s %s\n", width, rows[i].index, id128_format(rows[i].id, id), first_width,
               strempty(timestamp_format(first, rows[i].first, style)),
               strempty(timestamp_format(last, rows[i].last, style)));
    }
}

static void print_json(const char *name, const struct row *rows, size_t n)
{
    putchar('[');
    for (size_t i = 0; i < n; i++) {
        char id[ID128_TEXT_MAX];

        printf("%s{\"index\":%ld,\"%s\":\"%s\",\"first_entry\":%" PRIu64 ",\"last_entry\":%" PRIu64
               "}",
               i > 0 ? "," : "", rows[i].index, name, id128_format(rows[i].id, id), rows[i].first,
               rows[i].last);
    }
    puts("]");
}

static int print_rows(const struct log_options *o, const char *what, const char *name,
                      struct row *rows, size_t n)
{
    size_t from = 0;

    for (size_t i = 0; i < n; i++)
        rows[i].index = o->lines_oldest ? (long) i + 1 : (long) i - (long) n + 1;
    if (o->lines >= 0 && (size_t) o->lines < n) {
        from = o->lines_oldest ? 0 : n - (size_t) o->lines;
        n = (size_t) o->lines;
    }
    rows += from;
    for (size_t i = 0; o->reverse && i < n / 2; i++) {
        struct row t = rows[i];

        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = t;
    }
    if (o->output.mode >= ENTRY_JSON && o->output.mode <= ENTRY_JSON_SEQ)
        print_json(name, rows, n);
    else
        print_table(o, what, rows, n);
    return 0;
}

static int list_boots(const struct log_options *o, struct journal *j)
{
    auto_free struct journal_span *boots = NULL;
    size_t n;
    int r = journal_boots(j, &boots, &n);
    auto_free struct row *rows = r < 0 ? NULL : new0(struct row, n + 1);

    if (!rows)
        return 1;
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){ 0, boots[i].id, boots[i].first, boots[i].last };
    return print_rows(o, "BOOT ID", "boot_id", rows, n);
}

static int list_invocations(const struct log_options *o, struct journal *j)
{
    auto_free struct journal_span *all = NULL;
    size_t n;

    if (!o->units && !o->user_units) {
        fprintf(stderr, "%s: --list-invocations needs --unit=\n", o->program);
        return 1;
    }
    int r = log_invocations(o, j, &all, &n);
    auto_free struct row *rows = r < 0 ? NULL : new0(struct row, n + 1);
    if (!rows)
        return 1;
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){ 0, all[i].id, all[i].first, all[i].last };
    return print_rows(o, "INVOCATION ID", "invocation_id", rows, n);
}

/* ---- files ---- */

static int disk_usage(struct journal *j)
{
    uint64_t sum = 0;
    char text[SIZE_TEXT_MAX];

    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct stat st;

        if (fstat(journal_get_file(j, i)->fd, &st) >= 0)
            sum += (uint64_t) st.st_blocks * 512;
    }
    printf("Archived and active journals take up %s in the file system.\n", size_format(text, sum));
    return 0;
}

/* Old flags and new ones of one kind stand together. */
static uint32_t sort_flags(uint32_t flags)
{
    uint32_t keyed = flags >> 2 & 1, zstd = flags >> 3 & 1;

    return (flags & ~UINT32_C(0xc)) | zstd << 2 | keyed << 3;
}

static void print_flags(const char *what, uint32_t flags, const char *const *names, size_t n)
{
    printf("%s flags:", what);
    for (size_t i = 0; i < n; i++) {
        if (names[i] && (flags >> i & 1))
            printf(" %s", names[i]);
    }
    for (size_t i = 0; i < 32; i++) {
        if ((flags >> i & 1) && (i >= n || !names[i]))
            printf(" ???");
    }
    putchar('\n');
}

static void print_time(const char *what, usec_t t, const struct log_options *o)
{
    char text[TIMESTAMP_TEXT_MAX];

    printf("%s timestamp: %s (%" PRIx64 ")\n", what,
           t == 0 ? "n/a"
                  : strempty(timestamp_format(text, t,
                                              o->output.utc ? TIMESTAMP_UTC : TIMESTAMP_PRETTY)),
           t);
}

static void print_header(const struct log_options *o, const struct journal_file *f)
{
    static const char *const compatible[] = { "SEALED", "TAIL_ENTRY_BOOT_ID", "SEALED_CONTINUOUS" };
    static const char *const incompatible[] = { "COMPRESSED-XZ", "COMPRESSED-LZ4",
                                                "COMPRESSED-ZSTD", "KEYED-HASH", "COMPACT" };
    static const char *const states[] = { "OFFLINE", "ONLINE", "ARCHIVED" };
    const struct journal_header *h = journal_header(f);
    char a[ID128_TEXT_MAX], b[ID128_TEXT_MAX], c[ID128_TEXT_MAX], d[ID128_TEXT_MAX];
    char span[TIMESPAN_TEXT_MAX], size[SIZE_TEXT_MAX];
    uint64_t data_buckets = h->data_hash_table_size / 16, fields = h->field_hash_table_size / 16;
    struct stat st = { 0 };

    printf("File path: %s\nFile ID: %s\nMachine ID: %s\nBoot ID: %s\nSequential number ID: %s\n"
           "State: %s\n",
           f->path, id128_format(h->file_id, a), id128_format(h->machine_id, b),
           id128_format(h->tail_entry_boot_id, c), id128_format(h->seqnum_id, d),
           h->state < 3 ? states[h->state] : "UNKNOWN");
    print_flags("Compatible", h->compatible_flags, compatible, ELEMENTSOF(compatible));
    print_flags("Incompatible", sort_flags(h->incompatible_flags), incompatible,
                ELEMENTSOF(incompatible));
    printf("Header size: %" PRIu64 "\nArena size: %" PRIu64 "\nData hash table size: %" PRIu64
           "\nField hash table size: %" PRIu64 "\n",
           h->header_size, h->arena_size, data_buckets, fields);
    bool rotate = h->header_size < sizeof *h || !HEADER_HAS(h, n_fields) ||
                  h->n_data * 4 > data_buckets * 3 || h->n_fields * 4 > fields * 3;
    printf("Rotate suggested: %s\n", rotate ? "yes" : "no");
    printf("Head sequential number: %" PRIu64 " (%" PRIx64 ")\nTail sequential number: %" PRIu64
           " (%" PRIx64 ")\n",
           h->head_entry_seqnum, h->head_entry_seqnum, h->tail_entry_seqnum, h->tail_entry_seqnum);
    print_time("Head realtime", h->head_entry_realtime, o);
    print_time("Tail realtime", h->tail_entry_realtime, o);
    printf("Tail monotonic timestamp: %s (%" PRIx64 ")\n",
           timespan_format(span, h->tail_entry_monotonic, USEC_PER_MSEC), h->tail_entry_monotonic);
    printf("Objects: %" PRIu64 "\nEntry objects: %" PRIu64 "\n", h->n_objects, h->n_entries);
    if (HEADER_HAS(h, n_data))
        printf("Data objects: %" PRIu64 "\nData hash table fill: %.1f%%\n", h->n_data,
               100.0 * (double) h->n_data / (double) MAX(data_buckets, UINT64_C(1)));
    if (HEADER_HAS(h, n_fields))
        printf("Field objects: %" PRIu64 "\nField hash table fill: %.1f%%\n", h->n_fields,
               100.0 * (double) h->n_fields / (double) MAX(fields, UINT64_C(1)));
    if (HEADER_HAS(h, n_tags))
        printf("Tag objects: %" PRIu64 "\n", h->n_tags);
    if (HEADER_HAS(h, n_entry_arrays))
        printf("Entry array objects: %" PRIu64 "\n", h->n_entry_arrays);
    if (HEADER_HAS(h, field_hash_chain_depth))
        printf("Deepest field hash chain: %" PRIu64 "\n", h->field_hash_chain_depth);
    if (HEADER_HAS(h, data_hash_chain_depth))
        printf("Deepest data hash chain: %" PRIu64 "\n", h->data_hash_chain_depth);
    if (fstat(f->fd, &st) >= 0)
        printf("Disk usage: %s\n", size_format(size, (uint64_t) st.st_blocks * 512));
}

static int headers(const struct log_options *o, struct journal *j)
{
    for (size_t i = 0; i < journal_n_files(j); i++) {
        if (i > 0)
            putchar('\n');
        print_header(o, journal_get_file(j, i));
    }
    return 0;
}

/* ---- vacuum ---- */

static void on_deleted(const char *path, uint64_t size, void *userdata)
{
    char text[SIZE_TEXT_MAX];

    fprintf(stderr, "Deleted archived journal %s (%s).\n", path, size_format(text, size));
}

static int vacuum(const struct log_options *o, struct journal *j)
{
    struct vacuum_limits limits = { .max_use = o->vacuum_size, .max_files = o->vacuum_files };
    const char *path;
    int result = 0;

    if (o->vacuum_time > 0)
        limits.not_before = usec_sub(now_usec(CLOCK_REALTIME), o->vacuum_time);
    for (size_t i = 0; (path = journal_get_directory(j, i)); i++) {
        uint64_t freed = 0;
        char text[SIZE_TEXT_MAX];
        int r = vacuum_directory(path, &limits, o->quiet ? NULL : on_deleted, NULL, &freed);

        if (r < 0) {
            fprintf(stderr, "%s: %s cannot be vacuumed: %s\n", o->program, path, strerror(-r));
            result = 1;
        } else if (!o->quiet) {
            fprintf(stderr, "Vacuuming done, freed %s of archived journals from %s.\n",
                    size_format(text, freed), path);
        }
    }
    return result;
}

/* ---- verify ---- */

static int verify(const struct log_options *o, struct journal *j)
{
    int result = 0;

    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct journal_file *f = journal_get_file(j, i);
        struct verify_report report;
        int r = journal_file_verify(f, &report);

        if (r >= 0) {
            fprintf(stderr, "PASS: %s\n", f->path);
            continue;
        }
        if (r == -EBADMSG)
            fprintf(stderr, "%s: %" PRIx64 ": %s\n", f->path, report.offset, report.text);
        fprintf(stderr, "FAIL: %s (%s)\n", f->path, strerror(-r));
        result = 1;
    }
    return result;
}

/* ---- what the collector does ---- */

static int ask_collector(const struct log_options *o, const char *method)
{
    static const char *const places[] = { "/run/systemd/journal/io.systemd.journal",
                                          "/run/reeve/journal/io.systemd.journal" };
    const struct timeval patience = { .tv_sec = 60 };
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    const char *own = getenv("REEVE_JOURNAL_DIR");
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto_free char *call = format("{\"method\":\"%s\",\"parameters\":{}}", method);
    char answer[4096];
    int r = -ENOENT;

    if (fd < 0 || !call)
        return 1;
    (void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (size_t i = own ? 0 : 1; i <= ELEMENTSOF(places) && r < 0; i++) {
        if (i == 0)
            snprintf(addr.sun_path, sizeof addr.sun_path, "%s/io.systemd.journal", own);
        else
            strcpy(addr.sun_path, places[i - 1]);
        r = connect(fd, (struct sockaddr *) &addr, sizeof addr) < 0 ? -errno : 0;
    }
    if (r >= 0)
        r = fd_write_all(fd, call, strlen(call) + 1);
    ssize_t n = r < 0 ? -1 : recv(fd, answer, sizeof answer - 1, 0);
    if (r < 0 || n <= 0) {
        fprintf(stderr, "%s: the collector cannot be reached: %s\n", o->program,
                strerror(r < 0   ? -r
                         : n < 0 ? errno
                                 : ECONNRESET));
        return 1;
    }
    answer[n] = 0;
    if (strstr(answer, "\"error\"")) {
        fprintf(stderr, "%s: the collector refused %s: %s\n", o->program, method, answer);
        return 1;
    }
    return 0;
}

/* The number of the mount that the path is on; 0 where it is not there. */
static uint64_t mount_of(const char *path)
{
    struct statx st;

    return statx(AT_FDCWD, path, 0, STATX_MNT_ID, &st) < 0 ? 0 : st.stx_mnt_id;
}

int log_info(const struct log_options *o, struct journal *j)
{
    switch (o->action) {
    case ACTION_FIELD:
        return journal_unique(j, o->field, print_value, NULL) < 0;
    case ACTION_FIELDS:
        return journal_fields(j, print_value, NULL) < 0;
    case ACTION_LIST_BOOTS:
        return list_boots(o, j);
    case ACTION_LIST_INVOCATIONS:
        return list_invocations(o, j);
    case ACTION_DISK_USAGE:
        return disk_usage(j);
    case ACTION_HEADER:
        return headers(o, j);
    case ACTION_VACUUM:
        if (o->rotate && ask_collector(o, "io.systemd.Journal.Rotate") != 0)
            return 1;
        return vacuum(o, j);
    case ACTION_SYNC:
        return ask_collector(o, "io.systemd.Journal.Synchronize");
    case ACTION_FLUSH:
        return ask_collector(o, "io.systemd.Journal.FlushToVar");
    case ACTION_ROTATE:
        return ask_collector(o, "io.systemd.Journal.Rotate");
    case ACTION_SMART_RELINQUISH:
        /* On the root file system there is nothing that could be unmounted. */
        if (mount_of("/") == mount_of(log_places[0]))
            return 0;
        return ask_collector(o, "io.systemd.Journal.RelinquishVar");
    case ACTION_RELINQUISH:
        return ask_collector(o, "io.systemd.Journal.RelinquishVar");
    case ACTION_VERIFY:
        return verify(o, j);
    case ACTION_LIST_NAMESPACES:
    case ACTION_TOP:
    case ACTION_SHOW:
        break;
    }
    assert_unreachable(); /* log.c does these */
}
