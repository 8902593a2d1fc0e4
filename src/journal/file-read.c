#include "journal/file-read.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "journal/compress.h"
#include "journal/salvage.h"

#define DATA_SIZE_MAX (768u << 20)
#define TRIES 50 /* to read what is written at this moment */

/* ---- opening ---- */

void journal_file_close(struct journal_file *f)
{
    if (!f)
        return;
    if (f->map)
        munmap(f->map, f->size);
    close_fd(f->fd);
    for (size_t i = 0; i < ELEMENTSOF(f->unpacked); i++)
        free(f->unpacked[i].data);
    journal_file_salvage_done(f);
    free(f->path);
    free(f);
}

DEFINE_AUTO(struct journal_file, journal_file, journal_file_close)

static bool table_sound(const struct journal_header *h, uint64_t size, uint64_t offset,
                        uint64_t table_size)
{
    return offset % 8 == 0 && offset >= h->header_size &&
           table_size % sizeof(struct hash_item) == 0 && table_size > 0 && offset <= size &&
           table_size <= size - offset;
}

static int check_header(const struct journal_header *h, uint64_t size)
{
    if (memcmp(h->signature, JOURNAL_SIGNATURE, 8) != 0) {
        static const uint8_t zeros[8];

        /* Made, and not yet written to. */
        return memcmp(h->signature, zeros, 8) == 0 ? -ENODATA : -EBADMSG;
    }
    if (h->incompatible_flags & ~(uint32_t) INCOMPATIBLE_KNOWN)
        return -EPROTONOSUPPORT;
    if (h->header_size < JOURNAL_HEADER_MIN || h->header_size % 8 != 0 || h->header_size > size ||
        h->state > STATE_ARCHIVED)
        return -EBADMSG;
    if (!table_sound(h, size, h->data_hash_table_offset, h->data_hash_table_size) ||
        !table_sound(h, size, h->field_hash_table_offset, h->field_hash_table_size))
        return h->data_hash_table_size == 0 ? -ENODATA : -EBADMSG;
    return 0;
}

static bool is_entry(int fd, uint64_t at, uint64_t seqnum, uint64_t realtime)
{
    struct entry_object e;

    return pread(fd, &e, sizeof e, (off_t) at) == sizeof e && e.head.type == OBJECT_ENTRY &&
           e.seqnum == seqnum && e.realtime == realtime;
}

/* The header alone may tell that a file is not looked into yet or, of an archived one, at all
 * (query.c): it has to be right. */
static bool ends_agree(const struct journal_file *f, const struct journal_header *h)
{
    uint64_t first = 0;
    ssize_t n = f->compact ? 4 : 8;

    /* As long as the first entry is being written. */
    if (h->n_entries == 0 || h->head_entry_seqnum == 0 || h->head_entry_realtime == 0)
        return h->state == STATE_ONLINE || h->n_entries == 0;
    return pread(f->fd, &first, (size_t) n, (off_t) h->entry_array_offset + ARRAY_ITEMS) == n &&
           is_entry(f->fd, first, h->head_entry_seqnum, h->head_entry_realtime) &&
           (h->state != STATE_ARCHIVED || !HEADER_HAS(h, tail_entry_offset) ||
            h->tail_entry_offset == 0 ||
            is_entry(f->fd, h->tail_entry_offset, h->tail_entry_seqnum, h->tail_entry_realtime));
}

static void take_header(struct journal_file *f, const struct journal_header *h)
{
    f->compact = h->incompatible_flags & INCOMPATIBLE_COMPACT;
    f->keyed = h->incompatible_flags & INCOMPATIBLE_KEYED_HASH;
    f->data_table = h->data_hash_table_offset;
    f->data_buckets = h->data_hash_table_size / sizeof(struct hash_item);
    f->field_table = h->field_hash_table_offset;
    f->field_buckets = h->field_hash_table_size / sizeof(struct hash_item);
}

/* Reads the header, again where it makes no sense: it may be written at this moment. Returns what
 * check_header() does, and in *ret_agrees whether the ends of the file are what it says. */
static int read_header(struct journal_file *f, bool *ret_agrees)
{
    for (int i = 0;; i++) {
        struct stat st;
        ssize_t n = pread(f->fd, &f->early, sizeof f->early, 0);

        if (n < JOURNAL_HEADER_MIN || fstat(f->fd, &st) < 0)
            return n < 0 ? -errno : -ENODATA;
        f->size = (uint64_t) st.st_size;
        take_header(f, &f->early);
        int r = check_header(&f->early, f->size);
        *ret_agrees = r >= 0 && ends_agree(f, &f->early);
        if (*ret_agrees || r == -ENODATA || i == TRIES)
            return r;
        sched_yield();
    }
}

/* What cannot be read by its header is a journal file if it has entries. That it had a header as
 * soon as it had entries is seen by reading it again. */
static int peek_damaged(struct journal_file *f, int error)
{
    const uint64_t *entries;
    size_t n = 0;
    bool agrees;

    journal_file_damaged(f, 0, "header is damaged");
    int r = journal_file_map(f);
    if (r >= 0)
        r = journal_file_salvage(f, &entries, &n);
    if (r < 0 || n == 0)
        return r < 0 ? r : error;
    uint64_t mapped = f->size;
    bool compact = f->compact, keyed = f->keyed; /* as they were worked out */
    if (read_header(f, &agrees) >= 0 && agrees) {
        journal_file_salvage_done(f);
        munmap(f->map, mapped);
        f->map = NULL;
        f->damaged = false;
    } else {
        f->size = mapped;
        f->compact = compact;
        f->keyed = keyed;
    }
    return 0;
}

static int file_peek(int fd, const char *path, struct journal_file **ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EBADMSG;
    if (st.st_size < JOURNAL_HEADER_MIN)
        return -ENODATA;
    _cleanup_(auto_journal_file_p) struct journal_file *f = new0(struct journal_file, 1);
    if (!f)
        return -ENOMEM;
    f->fd = -1;
    f->path = strdup(path);
    if (!f->path)
        return -ENOMEM;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->fd = fd;
    bool agrees = true;
    int r = read_header(f, &agrees);
    if (r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ENODATA)
        r = f->size < JOURNAL_HEADER_MIN ? r : peek_damaged(f, r);
    else if (r >= 0 && !agrees)
        journal_file_damaged(f, 0, "header and entries differ in numbers or times");
    if (r < 0) {
        f->fd = -1; /* the caller's still */
        return r;
    }
    *ret = take_ptr(f);
    return 0;
}

static bool is_table(const struct journal_file *f, uint64_t items, uint64_t buckets,
                     enum object_type type)
{
    const struct object *o = journal_object(f, items - sizeof *o, type);

    return o && o->size == sizeof *o + buckets * sizeof(struct hash_item);
}

/* The first field of the first entry has the hash that this file would give it. */
static bool has_its_hash(struct journal_file *f)
{
    const struct journal_header *h = journal_header(f);
    const struct entry_object *e = NULL;
    const char *payload;
    size_t n;

    if (h->n_entries == 0)
        return true;
    if (journal_object(f, h->entry_array_offset, OBJECT_ENTRY_ARRAY))
        e = journal_entry(f, journal_array_item(f, h->entry_array_offset, 0));
    if (!e || journal_entry_n_items(f, e) == 0)
        return false;
    uint64_t at = journal_entry_item(f, e, 0);
    return journal_data(f, at, &payload, &n) >= 0 &&
           ((const struct data_object *) (f->map + at))->hash == journal_hash(f, payload, n);
}

/* What was allocated behind the last object may be gone: a file is cut there when it is archived.
 */
static bool is_whole(const struct journal_file *f)
{
    uint64_t last = journal_header(f)->tail_object_offset;

    if (last == 0)
        return true;
    if (last % 8 != 0 || last > f->size || f->size - last < sizeof(struct object))
        return false;
    return ((const struct object *) (f->map + last))->size <= f->size - last;
}

static const char *contradiction(struct journal_file *f)
{
    const struct journal_header *h = journal_header(f);

    take_header(f, h);
    if (check_header(h, f->size) < 0)
        return "header is damaged";
    if (!is_table(f, f->data_table, f->data_buckets, OBJECT_DATA_HASH_TABLE) ||
        !is_table(f, f->field_table, f->field_buckets, OBJECT_FIELD_HASH_TABLE))
        return "hash tables are not where the header says";
    if (!is_whole(f))
        return "file is shorter than its header says";
    return has_its_hash(f) ? NULL : "fields do not have the hashes of the header's kind";
}

int journal_file_map(struct journal_file *f)
{
    const char *wrong = NULL;

    if (f->map)
        return 0;
    void *map = mmap(NULL, f->size, PROT_READ, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    f->map = map;
    for (int i = 0; !f->damaged && i <= TRIES && (wrong = contradiction(f)); i++) {
        sched_yield();
        (void) journal_file_refresh(f);
    }
    if (!f->damaged && wrong)
        journal_file_damaged(f, 0, wrong);
    return 0;
}

int journal_file_open_fd(int fd, const char *path, struct journal_file **ret)
{
    struct journal_file *f;
    int r = file_peek(fd, path, &f);

    if (r < 0)
        return r;
    r = journal_file_map(f);
    if (r < 0) {
        f->fd = -1; /* the caller's still */
        journal_file_close(f);
        return r;
    }
    *ret = f;
    return 0;
}

static int open_by(int folder, const char *name, const char *path,
                   int (*how)(int fd, const char *path, struct journal_file **ret),
                   struct journal_file **ret)
{
    auto_close int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return -errno;
    int r = how(fd, path, ret);
    if (r >= 0)
        take_fd(&fd);
    return r;
}

int journal_file_peek(int folder, const char *name, const char *path, struct journal_file **ret)
{
    return open_by(folder, name, path, file_peek, ret);
}

int journal_file_open(const char *path, struct journal_file **ret)
{
    return open_by(AT_FDCWD, path, path, journal_file_open_fd, ret);
}

int journal_file_refresh(struct journal_file *f)
{
    struct stat st;

    if (fstat(f->fd, &st) < 0)
        return -errno;
    if ((uint64_t) st.st_size <= f->size)
        return 0;
    if (!f->map) {
        f->size = (uint64_t) st.st_size;
        return 1;
    }
    void *map = mremap(f->map, f->size, (size_t) st.st_size, MREMAP_MAYMOVE);
    if (map == MAP_FAILED)
        return -errno;
    f->map = map;
    f->size = (uint64_t) st.st_size;
    return 1;
}

static void on_sigbus(int signo, siginfo_t *si, void *context)
{
    long page = sysconf(_SC_PAGESIZE);
    uintptr_t at = (uintptr_t) si->si_addr & ~((uintptr_t) page - 1);

    /* Beyond the end of a file that was cut: zeros, which no object consists of. Anything else is a
     * bug, and so is a page that cannot be replaced. */
    if (si->si_code != BUS_ADRERR ||
        mmap((void *) at, (size_t) page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED) {
        signal(SIGBUS, SIG_DFL);
        raise(SIGBUS);
    }
}

void journal_file_survive_truncation(void)
{
    struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

    sigaction(SIGBUS, &action, NULL);
}

/* ---- objects ---- */

static uint64_t object_size_min(const struct journal_file *f, enum object_type type)
{
    switch (type) {
    case OBJECT_DATA:
        return journal_data_header_size(f) + 1;
    case OBJECT_FIELD:
        return sizeof(struct field_object) + 1;
    case OBJECT_ENTRY:
        return ENTRY_ITEMS;
    case OBJECT_ENTRY_ARRAY:
        return ARRAY_ITEMS;
    case OBJECT_TAG:
        return 64;
    case OBJECT_UNUSED:
    case OBJECT_DATA_HASH_TABLE:
    case OBJECT_FIELD_HASH_TABLE:
    case OBJECT_TYPE_MAX:
        break;
    }
    return sizeof(struct object);
}

const struct object *journal_object(const struct journal_file *f, uint64_t offset,
                                    enum object_type type)
{
    if (offset % 8 != 0 || offset < JOURNAL_HEADER_MIN || offset > f->size ||
        f->size - offset < sizeof(struct object))
        return NULL;
    const struct object *o = (const struct object *) (f->map + offset);
    if (o->type != type || o->size < object_size_min(f, type) || o->size > f->size - offset)
        return NULL;
    return o;
}

size_t journal_entry_n_items(const struct journal_file *f, const struct entry_object *e)
{
    return (e->head.size - ENTRY_ITEMS) / (f->compact ? 4 : 16);
}

static enum compression compression_of(uint8_t flags)
{
    switch (flags & OBJECT_COMPRESSED) {
    case OBJECT_XZ:
        return COMPRESSION_XZ;
    case OBJECT_LZ4:
        return COMPRESSION_LZ4;
    case OBJECT_ZSTD:
        return COMPRESSION_ZSTD;
    default:
        return COMPRESSION_NONE;
    }
}

int journal_data(struct journal_file *f, uint64_t offset, const char **ret, size_t *ret_n)
{
    const struct object *o = journal_object(f, offset, OBJECT_DATA);

    if (!o)
        return -EBADMSG;
    size_t header = journal_data_header_size(f);
    const uint8_t *payload = (const uint8_t *) o + header;
    size_t n = o->size - header;
    if (!(o->flags & OBJECT_COMPRESSED)) {
        *ret = (const char *) payload;
        *ret_n = n;
        return 0;
    }
    for (size_t i = 0; i < ELEMENTSOF(f->unpacked); i++) {
        if (f->unpacked[i].offset == offset) {
            *ret = (const char *) f->unpacked[i].data;
            *ret_n = f->unpacked[i].n;
            return 0;
        }
    }
    struct unpacked *u = &f->unpacked[f->next_unpacked];
    u->offset = 0;
    int r = decompress(compression_of(o->flags), payload, n, DATA_SIZE_MAX, &u->data, &u->allocated,
                       &u->n);
    if (r < 0)
        return r;
    f->next_unpacked = (f->next_unpacked + 1) % ELEMENTSOF(f->unpacked);
    u->offset = offset;
    *ret = (const char *) u->data;
    *ret_n = u->n;
    return 0;
}

int journal_data_prefix(struct journal_file *f, uint64_t offset, size_t need, const char **ret,
                        size_t *ret_n)
{
    /* Decompressing the beginning only would be cheaper; such payloads are few. */
    return journal_data(f, offset, ret, ret_n);
}

/* ---- looking up ---- */

uint64_t journal_hash(const struct journal_file *f, const void *data, size_t n)
{
    return f->keyed ? siphash24(data, n, journal_header(f)->file_id.bytes)
                    : journal_jenkins(data, n);
}

static bool data_is(struct journal_file *f, uint64_t at, const void *payload, size_t n)
{
    const char *have;
    size_t have_n;

    return journal_data(f, at, &have, &have_n) >= 0 && have_n == n && memcmp(have, payload, n) == 0;
}

static bool field_is(struct journal_file *f, uint64_t at, const void *name, size_t n)
{
    const struct field_object *o = (const struct field_object *) (f->map + at);

    return o->head.size - sizeof *o == n && memcmp(o->payload, name, n) == 0;
}

/* Data and field objects begin alike. Returns 1 at the end of a sound chain, -EAGAIN where it is
 * not known yet: the writer adds an object to the chain first, and to the table then. */
static int find_in_chain(struct journal_file *f, enum object_type type,
                         const struct hash_item *item, uint64_t hash, uint64_t n_buckets,
                         const void *name, size_t n, uint64_t *ret)
{
    bool (*is)(struct journal_file *, uint64_t, const void *,
               size_t) = type == OBJECT_DATA ? data_is : field_is;
    uint64_t before = 0;

    for (uint64_t at = *(const volatile uint64_t *) &item->head_hash_offset; at != 0;) {
        const struct field_object *o = (const struct field_object *) journal_object(f, at, type);

        /* Chains go forward: anything else could go on for ever. */
        if (!o || at <= before || o->hash % n_buckets != hash % n_buckets)
            return -EBADMSG;
        if (o->hash == hash && is(f, at, name, n)) {
            *ret = at;
            return 0;
        }
        before = at;
        at = *(const volatile uint64_t *) &o->next_hash_offset;
    }
    return *(const volatile uint64_t *) &item->tail_hash_offset == before ? 1 : -EAGAIN;
}

/* How many objects the chains of a table lead to. */
static uint64_t count_chained(const struct journal_file *f, enum object_type type,
                              const struct hash_item *table, uint64_t n_buckets)
{
    uint64_t n = 0;

    for (uint64_t b = 0; b < n_buckets; b++) {
        uint64_t before = 0;

        for (uint64_t at = table[b].head_hash_offset; at > before; n++) {
            const struct field_object *o = (const struct field_object *) journal_object(f, at,
                                                                                        type);

            if (!o)
                break;
            before = at;
            at = o->next_hash_offset;
        }
    }
    return n;
}

/* A disk that lost power may have lost a page of a table, which is then empty and looks as if
 * nothing were there. Whether a page is empty for good is told by how full the table should be or,
 * where it is nearly empty, by counting. */
static bool page_is_lost(struct journal_file *f, enum object_type type,
                         const struct hash_item *table, uint64_t n_buckets,
                         const struct hash_item *item, uint64_t n)
{
    uintptr_t page = (uintptr_t) item & ~(uintptr_t) 4095;
    const struct hash_item *from = MAX(table, (const struct hash_item *) page),
                           *to = MIN(table + n_buckets, (const struct hash_item *) (page + 4096));
    bool *counted = type == OBJECT_DATA ? &f->data_counted : &f->fields_counted;

    for (const struct hash_item *i = from; i < to; i++) {
        if (i->head_hash_offset != 0)
            return false;
    }
    /* Of so many, none is in the page by chance once in e^30. */
    if (n > n_buckets || n * (uint64_t) (to - from) / n_buckets > 30)
        return true;
    if (!*counted)
        *counted = count_chained(f, type, table, n_buckets) >= n;
    return !*counted;
}

/* One look-up. What does not fit is in *ret_wrong. */
static uint64_t find_once(struct journal_file *f, enum object_type type, const void *name, size_t n,
                          uint64_t *ret_bucket, const char **ret_wrong)
{
    const struct journal_header *h = journal_header(f);
    uint64_t there = !HEADER_HAS(h, n_fields) ? 0 : type == OBJECT_DATA ? h->n_data : h->n_fields;
    uint64_t hash = journal_hash(f, name, n), found = 0;
    uint64_t offset = type == OBJECT_DATA ? f->data_table : f->field_table;
    uint64_t n_buckets = type == OBJECT_DATA ? f->data_buckets : f->field_buckets;
    const struct hash_item *table = (const struct hash_item *) (f->map + offset);
    const struct hash_item *item = table + hash % n_buckets;
    int r = find_in_chain(f, type, item, hash, n_buckets, name, n, &found);

    *ret_bucket = (uint64_t) ((const uint8_t *) item - f->map);
    *ret_wrong = r < 0 ? "hash chain leads nowhere"
                 : r > 0 && item->head_hash_offset == 0 &&
                         page_is_lost(f, type, table, n_buckets, item, there)
                     ? "part of a hash table is lost"
                     : NULL;
    return found;
}

/* A writer may be between two steps, or have made the file larger. */
static uint64_t find(struct journal_file *f, enum object_type type, const void *name, size_t n)
{
    uint64_t bucket = 0, found = 0;
    const char *wrong = NULL;

    for (int i = 0; i <= TRIES; i++) {
        found = find_once(f, type, name, n, &bucket, &wrong);
        if (!wrong)
            return found;
        sched_yield();
        (void) journal_file_refresh(f);
    }
    journal_file_damaged(f, bucket, wrong);
    return 0;
}

uint64_t journal_find_data(struct journal_file *f, const void *payload, size_t n)
{
    uint64_t at = f->damaged ? 0 : find(f, OBJECT_DATA, payload, n);
    auto_free uint64_t *all = NULL;

    return f->damaged && salvage_find_data(f, payload, n, &all, &n) >= 0 && n > 0 ? all[0] : at;
}

uint64_t journal_find_field(struct journal_file *f, const void *name, size_t n)
{
    uint64_t at = f->damaged ? 0 : find(f, OBJECT_FIELD, name, n);
    auto_free uint64_t *all = NULL;
    size_t n_all = 0;

    if (f->damaged)
        (void) salvage_list_fields(f, &all, &n_all);
    for (size_t i = 0; i < n_all; i++) {
        if (field_is(f, all[i], name, n))
            return all[i];
    }
    return at;
}

struct offsets {
    uint64_t *at;
    size_t n, allocated;
};

static int offsets_add(struct offsets *list, uint64_t at)
{
    if (!grow(&list->at, &list->allocated, list->n + 1))
        return -ENOMEM;
    list->at[list->n++] = at;
    return 0;
}

static bool is_of_field(const struct journal_file *f, const struct data_object *d, const char *name,
                        size_t n)
{
    const char *payload = (const char *) d + journal_data_header_size(f);

    return (d->head.flags & OBJECT_COMPRESSED) ||
           (d->head.size - journal_data_header_size(f) > n && payload[n] == '=' &&
            memcmp(payload, name, n) == 0);
}

/* Returns -EBADMSG where the chain leads nowhere. */
static int list_data_once(struct journal_file *f, const char *name, size_t n, struct offsets *list)
{
    uint64_t at = journal_find_field(f, name, n);

    if (f->damaged)
        return -EBADMSG;
    if (at != 0)
        at = ((const struct field_object *) (f->map + at))->head_data_offset;
    while (at != 0) {
        const struct data_object *d = (const struct data_object *) journal_object(f, at,
                                                                                  OBJECT_DATA);

        /* New objects are put in front: the chain goes back. */
        if (!d || !is_of_field(f, d, name, n) ||
            (d->next_field_offset != 0 && d->next_field_offset >= at))
            return -EBADMSG;
        if (offsets_add(list, at) < 0)
            return -ENOMEM;
        at = d->next_field_offset;
    }
    return 0;
}

static int list_fields_once(struct journal_file *f, const char *name, size_t n,
                            struct offsets *list)
{
    const struct hash_item *table = (const struct hash_item *) (f->map + f->field_table);
    const struct journal_header *h = journal_header(f);
    uint64_t there = HEADER_HAS(h, n_fields) ? h->n_fields : 0;

    for (size_t b = 0; b < f->field_buckets; b++) {
        uint64_t before = 0;

        for (uint64_t at = table[b].head_hash_offset; at != 0;) {
            const struct field_object *o = (const struct field_object *) journal_object(
                f, at, OBJECT_FIELD);

            if (!o || at <= before || o->hash % f->field_buckets != b)
                return -EBADMSG;
            if (offsets_add(list, at) < 0)
                return -ENOMEM;
            before = at;
            at = o->next_hash_offset;
        }
    }
    return list->n < there ? -EBADMSG : 0; /* a part of the table is lost */
}

/* As find() does it, a chain that is being written or in what the file has grown by is looked at
 * again. Returns -EBADMSG where the file is damaged. */
static int list_chain(struct journal_file *f, const char *name, size_t n,
                      int (*once)(struct journal_file *f, const char *name, size_t n,
                                  struct offsets *list),
                      uint64_t **ret, size_t *ret_n)
{
    struct offsets list = { 0 };
    int r = -EBADMSG;

    for (int i = 0; r == -EBADMSG && !f->damaged && i <= TRIES; i++) {
        list.n = 0;
        r = once(f, name, n, &list);
        if (r == -EBADMSG) {
            sched_yield();
            (void) journal_file_refresh(f);
        }
    }
    if (r == -EBADMSG)
        journal_file_damaged(f, f->field_table, "chain of fields leads nowhere");
    if (r < 0)
        free(list.at);
    *ret = r < 0 ? NULL : list.at;
    *ret_n = r < 0 ? 0 : list.n;
    return r;
}

int journal_list_data(struct journal_file *f, const char *name, size_t n, uint64_t **ret,
                      size_t *ret_n)
{
    int r = list_chain(f, name, n, list_data_once, ret, ret_n);

    return r == -EBADMSG ? salvage_list_data(f, name, n, ret, ret_n) : r;
}

int journal_list_fields(struct journal_file *f, uint64_t **ret, size_t *ret_n)
{
    int r = list_chain(f, NULL, 0, list_fields_once, ret, ret_n);

    return r == -EBADMSG ? salvage_list_fields(f, ret, ret_n) : r;
}
