#include "journal/file-read.h"

#include <errno.h>
#include <fcntl.h>
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

#define DATA_SIZE_MAX (768u << 20)

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

static int check_header(const struct journal_file *f, const struct journal_header *h)
{
    if (memcmp(h->signature, JOURNAL_SIGNATURE, 8) != 0) {
        static const uint8_t zeros[8];

        /* Made, and not yet written to. */
        return memcmp(h->signature, zeros, 8) == 0 ? -ENODATA : -EBADMSG;
    }
    if (h->incompatible_flags & ~(uint32_t) INCOMPATIBLE_KNOWN)
        return -EPROTONOSUPPORT;
    if (h->header_size < JOURNAL_HEADER_MIN || h->header_size % 8 != 0 || h->header_size > f->size)
        return -EBADMSG;
    if (!table_sound(h, f->size, h->data_hash_table_offset, h->data_hash_table_size) ||
        !table_sound(h, f->size, h->field_hash_table_offset, h->field_hash_table_size))
        return h->data_hash_table_size == 0 ? -ENODATA : -EBADMSG;
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
    f->size = (uint64_t) st.st_size;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    struct journal_header *h = &f->early;
    ssize_t n = pread(fd, h, sizeof *h, 0);
    if (n < JOURNAL_HEADER_MIN)
        return n < 0 ? -errno : -ENODATA;
    int r = check_header(f, h);
    if (r < 0)
        return r;
    f->compact = h->incompatible_flags & INCOMPATIBLE_COMPACT;
    f->keyed = h->incompatible_flags & INCOMPATIBLE_KEYED_HASH;
    f->data_table = h->data_hash_table_offset;
    f->data_buckets = h->data_hash_table_size / sizeof(struct hash_item);
    f->field_table = h->field_hash_table_offset;
    f->field_buckets = h->field_hash_table_size / sizeof(struct hash_item);
    f->fd = fd;
    *ret = take_ptr(f);
    return 0;
}

int journal_file_map(struct journal_file *f)
{
    if (f->map)
        return 0;
    void *map = mmap(NULL, f->size, PROT_READ, MAP_SHARED, f->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    f->map = map;
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

uint64_t journal_find_data(struct journal_file *f, const void *payload, size_t n)
{
    uint64_t hash = journal_hash(f, payload, n);
    const struct hash_item *table = (const struct hash_item *) (f->map + f->data_table);
    uint64_t at = table[hash % f->data_buckets].head_hash_offset, before = 0;

    while (at != 0) {
        const struct data_object *d = (const struct data_object *) journal_object(f, at,
                                                                                  OBJECT_DATA);
        const char *have;
        size_t have_n;

        if (!d || at <= before)
            return 0; /* chains go forward: anything else could go on for ever */
        if (d->hash == hash && journal_data(f, at, &have, &have_n) >= 0 && have_n == n &&
            memcmp(have, payload, n) == 0)
            return at;
        before = at;
        at = d->next_hash_offset;
    }
    return 0;
}

uint64_t journal_find_field(const struct journal_file *f, const char *name, size_t n)
{
    const struct journal_header *h = journal_header(f);
    uint64_t hash = journal_hash(f, name, n);
    uint64_t buckets = h->field_hash_table_size / sizeof(struct hash_item);
    const struct hash_item *table = (const struct hash_item *) (f->map +
                                                                h->field_hash_table_offset);
    uint64_t at = table[hash % buckets].head_hash_offset, before = 0;

    while (at != 0) {
        const struct field_object *o = (const struct field_object *) journal_object(f, at,
                                                                                    OBJECT_FIELD);

        if (!o || at <= before)
            return 0;
        if (o->hash == hash && o->head.size - sizeof *o == n && memcmp(o->payload, name, n) == 0)
            return at;
        before = at;
        at = o->next_hash_offset;
    }
    return 0;
}

uint64_t journal_next_of_field(const struct journal_file *f, uint64_t data_offset)
{
    const struct data_object *d = (const struct data_object *) journal_object(f, data_offset,
                                                                              OBJECT_DATA);

    /* New objects are put in front: the chain goes back. */
    return d && d->next_field_offset < data_offset ? d->next_field_offset : 0;
}

/* ---- lists of entries ---- */

void entry_list_done(struct entry_list *l)
{
    free(l->pieces);
    free(l->found);
    *l = (struct entry_list){ 0 };
}

static size_t array_n_items(const struct journal_file *f, const struct object *o)
{
    return (o->size - ARRAY_ITEMS) / (f->compact ? 4 : 8);
}

static uint64_t array_item(const struct journal_file *f, uint64_t array, size_t i)
{
    const uint8_t *items = f->map + array + ARRAY_ITEMS;

    return f->compact ? ((const uint32_t *) items)[i] : ((const uint64_t *) items)[i];
}

/* An array that is full ends before the next one, and so does its last entry, which is behind its
 * beginning. */
static bool array_is_sound(const struct journal_file *f, const struct object *o, uint64_t array,
                           uint64_t next)
{
    size_t n = array_n_items(f, o);

    if (next <= array || next - array < o->size || n == 0)
        return false;
    uint64_t last = array_item(f, array, n - 1);
    return last % 8 == 0 && last < next && (last > array || n == 1);
}

int entry_list_load(struct entry_list *l, const struct journal_file *f, uint64_t data_offset)
{
    uint64_t array, n, before = 0;

    l->data = data_offset;
    l->first = 0;
    l->n = l->n_pieces = l->n_found = l->hint = 0;
    if (data_offset == 0) {
        n = journal_header(f)->n_entries;
        array = journal_header(f)->entry_array_offset;
    } else {
        const struct data_object *d = (const struct data_object *) journal_object(f, data_offset,
                                                                                  OBJECT_DATA);

        if (!d)
            return -EBADMSG;
        n = d->n_entries;
        array = d->entry_array_offset;
        if (n > 0) {
            l->first = d->entry_offset;
            l->n = 1;
        }
    }
    while (l->n < n) {
        const struct object *o = journal_object(f, array, OBJECT_ENTRY_ARRAY);

        if (!o || array <= before)
            return -EBADMSG;
        uint64_t next = ((const struct entry_array_object *) o)->next_entry_array_offset;
        if (next != 0 && !array_is_sound(f, o, array, next))
            return -EBADMSG;
        if (!grow(&l->pieces, &l->allocated, l->n_pieces + 1))
            return -ENOMEM;
        size_t have = MIN(array_n_items(f, o), (size_t) (n - l->n));
        /* A writer that was killed may have counted an entry that it had not listed. */
        while (have > 0 && array_item(f, array, have - 1) == 0)
            have--;
        if (have > 0)
            l->pieces[l->n_pieces++] = (struct entry_piece){ array, l->n, have };
        l->n += have;
        if (have < array_n_items(f, o))
            break;
        before = array;
        array = next;
    }
    return 0;
}

static const struct entry_piece *piece_of(struct entry_list *l, size_t i)
{
    const struct entry_piece *p;

    if (l->hint < l->n_pieces) {
        p = &l->pieces[l->hint];
        if (i >= p->begin && i - p->begin < p->n)
            return p;
    }
    size_t low = 0, high = l->n_pieces;
    while (low < high) {
        size_t middle = (low + high) / 2;

        p = &l->pieces[middle];
        if (i < p->begin) {
            high = middle;
        } else if (i - p->begin >= p->n) {
            low = middle + 1;
        } else {
            l->hint = middle;
            return p;
        }
    }
    return NULL;
}

uint64_t entry_list_get(struct entry_list *l, const struct journal_file *f, size_t i)
{
    if (i == 0 && l->first != 0)
        return l->first;
    if (i >= l->n)
        return 0;
    if (i >= l->n - l->n_found)
        return l->found[i - (l->n - l->n_found)];
    const struct entry_piece *p = piece_of(l, i);
    return p ? array_item(f, p->offset, i - p->begin) : 0;
}

size_t entry_list_seek(struct entry_list *l, const struct journal_file *f, uint64_t offset,
                       size_t from)
{
    size_t low = from, high, step = 1;

    /* Near by most of the time: in growing steps first. */
    for (high = low; high < l->n && entry_list_get(l, f, high) < offset; step *= 2) {
        low = high + 1;
        high = step > l->n - high ? l->n : high + step;
    }
    high = MIN(high, l->n);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (entry_list_get(l, f, middle) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
