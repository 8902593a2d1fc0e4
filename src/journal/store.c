#include "journal/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <syslog.h>
#include <unistd.h>

#include "base/access.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "base/users.h"
#include "journal/entry-list.h"
#include "journal/file-write.h"
#include "journal/vacuum.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define FILES_MAX 100
#define USERS_OPEN_MAX 16
#define MEASURE_EVERY (30 * USEC_PER_SEC)
#define NOTIFY_DELAY (100 * USEC_PER_MSEC)
#define RETENTION_PARTS 8 /* by how much of its time an entry may be late to go */
#define FIRST_USER 1000   /* login.defs(5) UID_MIN: smaller ids log to the system's file */

struct file {
    uid_t uid;                         /* 0: the system's */
    const struct retention *retention; /* of some units; NULL: of all others */
    char *name, *path;
    struct journal_writer *writer;
    usec_t opened_at; /* CLOCK_REALTIME */
};

struct store {
    struct event_loop *loop;
    struct store_options options;
    struct event_source *sync_timer, *notify_timer;
    char *directory; /* with the machine id; NULL: nothing is written */
    bool persistent;
    struct file system;
    struct map users;  /* uid -> struct file */
    struct file *kept; /* one for each of options.retentions */
    size_t n_kept;
    struct event_source *retention_timer;
    struct id128 seqnum_id;
    uint64_t next_seqnum;
    usec_t measured_at; /* CLOCK_MONOTONIC; 0: never */
    uint64_t available;
    bool failed; /* told already */
    bool dirty;
};

static const struct store_limits *limits_of(const struct store *s)
{
    return s->persistent ? &s->options.system : &s->options.runtime;
}

/* ---- limits ---- */

/* As systemd: a tenth of the file system, at most 4 GiB; a file is an eighth of that, at most
 * 128 MiB. */
static uint64_t max_use(const struct store *s, const struct file *f)
{
    struct statvfs fs;

    if (f && f->retention && f->retention->max_use > 0)
        return f->retention->max_use;
    if (limits_of(s)->max_use > 0)
        return limits_of(s)->max_use;
    if (statvfs(s->directory, &fs) < 0)
        return 64 * MIB;
    uint64_t size = (uint64_t) fs.f_blocks * fs.f_frsize / 10;
    return MIN(MAX(size, MIB), 4 * GIB);
}

static uint64_t max_file_size(const struct store *s, const struct file *f)
{
    if (limits_of(s)->max_file_size > 0)
        return limits_of(s)->max_file_size;
    return MIN(MAX(max_use(s, f) / 8, 512 * UINT64_C(1024)), 128 * MIB);
}

struct space {
    uint64_t available, keep_free;
};

static bool space_of(const struct store *s, struct space *ret)
{
    struct statvfs fs;

    if (statvfs(s->directory, &fs) < 0)
        return false;
    uint64_t total = (uint64_t) fs.f_blocks * fs.f_frsize, keep = limits_of(s)->keep_free;
    *ret = (struct space){ .available = (uint64_t) fs.f_bavail * fs.f_frsize,
                           .keep_free = keep ? keep : MIN(MAX(total * 15 / 100, MIB), 4 * GIB) };
    return true;
}

/* What may be used in all, given what is to be left free. */
static uint64_t allowed_use(const struct store *s, const struct file *f)
{
    uint64_t use = max_use(s, f);
    struct space space;

    if (!space_of(s, &space) || space.available >= space.keep_free)
        return use;
    /* Past it: what is there gives way, down to what one file takes. */
    uint64_t over = space.keep_free - space.available;
    return over < use ? MAX(use - over, max_file_size(s, f)) : max_file_size(s, f);
}

uint64_t store_available(struct store *s, usec_t now)
{
    struct space space;

    if (!s->directory)
        return 0;
    if (s->measured_at != 0 && now < usec_add(s->measured_at, MEASURE_EVERY))
        return s->available;
    uint64_t used = journal_directory_use(s->directory), limit = max_use(s, NULL);
    if (space_of(s, &space)) {
        uint64_t there = used + space.available;

        limit = MIN(limit, there > space.keep_free ? there - space.keep_free : 0);
    }
    s->measured_at = now;
    s->available = limit > used ? limit - used : 0;
    return s->available;
}

static bool is_kept(const char *name, const void *userdata)
{
    const struct file *f = userdata;

    return journal_name_is_of(name, f->retention->file);
}

static bool is_of_others(const char *name, const void *userdata)
{
    const struct store *s = userdata;

    for (size_t i = 0; i < s->n_kept; i++) {
        if (is_kept(name, &s->kept[i]))
            return false;
    }
    return true;
}

/* The limits of some units, or (NULL) of all others. */
static void vacuum(struct store *s, const struct file *f)
{
    usec_t max_age = f && f->retention->max_age ? f->retention->max_age : s->options.max_retention;
    struct vacuum_limits limits = {
        .max_use = allowed_use(s, f),
        .max_files = limits_of(s)->max_files ? limits_of(s)->max_files : FILES_MAX,
        .not_before = max_age ? usec_sub(now_usec(CLOCK_REALTIME), max_age) : 0,
        .meant = f ? is_kept : is_of_others,
        .userdata = f ? (const void *) f : s,
    };

    (void) vacuum_directory(s->directory, &limits, NULL, NULL, NULL);
}

void store_vacuum(struct store *s)
{
    if (!s->directory)
        return;
    vacuum(s, NULL);
    for (size_t i = 0; i < s->n_kept; i++)
        vacuum(s, &s->kept[i]);
}

/* ---- files ---- */

static int file_paths(const struct store *s, struct file *f)
{
    char name[64];

    snprintf(name, sizeof name, f->uid == 0 ? "system" : "user-%u", f->uid);
    f->name = strdup(f->retention ? f->retention->file : name);
    f->path = f->name ? format("%s/%s.journal", s->directory, f->name) : NULL;
    return f->path ? 0 : -ENOMEM;
}

static void file_done(struct store *s, struct file *f, bool sync)
{
    if (f->writer) {
        s->next_seqnum = MAX(s->next_seqnum, journal_writer_seqnum(f->writer));
        journal_writer_close(f->writer, false, sync);
    }
    free(f->name);
    free(f->path);
    *f = (struct file){ .uid = f->uid, .retention = f->retention };
}

/* A file that was not closed as it should be is kept under another name, and read as far as it is
 * sound. Its numbers go on. */
static void set_aside(struct store *s, const struct file *f)
{
    struct journal_file *old;
    struct id128 random = id128_random();
    uint64_t part;

    if (journal_file_open(f->path, &old) >= 0) {
        if (id128_is_null(s->seqnum_id) && journal_header(old)->n_entries > 0) {
            s->seqnum_id = journal_header(old)->seqnum_id;
            s->next_seqnum = MAX(s->next_seqnum, journal_header(old)->tail_entry_seqnum + 1);
        }
        journal_file_close(old);
    }
    memcpy(&part, random.bytes, sizeof part);
    auto_free char *to = format("%s/%s@%016jx-%016jx.journal~", s->directory, f->name,
                                (uintmax_t) now_usec(CLOCK_REALTIME), (uintmax_t) part);
    if (to && rename(f->path, to) >= 0)
        log_info("%s was not closed cleanly; it is kept as %s", f->path, path_basename(to));
}

static int file_open(struct store *s, struct file *f)
{
    struct writer_options o = {
        .compact = s->options.compact,
        .max_size = max_file_size(s, f),
        .compress_threshold = s->options.compress_threshold,
        .machine = s->options.machine,
        .boot = s->options.boot,
        .seqnum_id = s->seqnum_id,
        .next_seqnum = s->next_seqnum,
        .mode = 0640,
    };

    if (!f->path) {
        int r = file_paths(s, f);

        if (r < 0)
            return r;
    }
    int r = journal_writer_open(f->path, &o, &f->writer);
    if (r == -EBUSY || r == -EBADMSG) {
        set_aside(s, f);
        o.seqnum_id = s->seqnum_id;
        o.next_seqnum = s->next_seqnum;
        r = journal_writer_open(f->path, &o, &f->writer);
    }
    if (r == -ENOSPC) {
        store_vacuum(s);
        r = journal_writer_open(f->path, &o, &f->writer);
    }
    if (r < 0)
        return r;
    /* Users may read what is theirs; where there are no access lists, only root and the group can.
     */
    if (f->uid != 0)
        (void) access_list_set(journal_writer_fd(f->writer), 6, 4, f->uid, 4);
    const struct journal_header *h = journal_writer_header(f->writer);
    if (id128_is_null(s->seqnum_id))
        s->seqnum_id = h->seqnum_id;
    s->next_seqnum = MAX(s->next_seqnum, journal_writer_seqnum(f->writer));
    f->opened_at = h->head_entry_realtime ? h->head_entry_realtime : now_usec(CLOCK_REALTIME);
    return 0;
}

static int file_rotate(struct store *s, struct file *f)
{
    char id[ID128_TEXT_MAX];

    if (!f->writer)
        return file_open(s, f);
    const struct journal_header *h = journal_writer_header(f->writer);
    if (h->n_entries > 0) {
        auto_free char *to = format(
            "%s/%s@%s-%016jx-%016jx.journal", s->directory, f->name, id128_format(h->seqnum_id, id),
            (uintmax_t) h->head_entry_seqnum, (uintmax_t) h->head_entry_realtime);
        if (!to)
            return -ENOMEM;
        if (rename(f->path, to) < 0)
            return -errno;
    }
    s->next_seqnum = MAX(s->next_seqnum, journal_writer_seqnum(f->writer));
    bool had_entries = h->n_entries > 0;
    journal_writer_close(f->writer, had_entries, false);
    f->writer = NULL;
    int r = file_open(s, f);
    store_vacuum(s);
    return r;
}

static bool own_file(const struct store *s, uid_t uid)
{
    /* Not for nobody, and not for dynamic users (systemd.exec(5), DynamicUser=). */
    return s->options.split_users && s->persistent && uid >= FIRST_USER && uid != 65534 &&
           uid != (uid_t) -1 && !(uid >= 61184 && uid <= 65519);
}

static struct file *file_for(struct store *s, const struct entry *e)
{
    uid_t uid = e->owner;
    struct file *f;

    if (s->n_kept > 0) {
        const struct retention *r = retention_of(s->options.retentions, e->unit);

        for (size_t i = 0; r && i < s->n_kept; i++) {
            if (s->kept[i].retention == r)
                return &s->kept[i];
        }
    }
    if (!own_file(s, uid))
        return &s->system;
    f = map_get_u64(&s->users, uid);
    if (f)
        return f;
    if (s->users.n >= USERS_OPEN_MAX) {
        size_t position = 0;
        f = map_next(&s->users, &position, NULL);
        map_remove_u64(&s->users, f->uid);
        file_done(s, f, false);
    } else {
        f = new0(struct file, 1);
    }
    if (!f)
        return &s->system;
    f->uid = uid;
    if (file_open(s, f) < 0 || map_put_u64(&s->users, uid, f) < 0) {
        file_done(s, f, false);
        free(f);
        return &s->system;
    }
    return f;
}

/* ---- entries ---- */

static bool is_old(const struct store *s, const struct file *f, usec_t now)
{
    usec_t age = s->options.max_file_age ? s->options.max_file_age : USEC_PER_MONTH;

    if (f->retention && f->retention->max_age > 0)
        age = MIN(age, f->retention->max_age / RETENTION_PARTS);
    return journal_writer_header(f->writer)->n_entries > 0 && usec_sub(now, f->opened_at) > age;
}

static bool has_to_rotate(const struct store *s, const struct file *f, const struct entry *e)
{
    const struct journal_header *h = journal_writer_header(f->writer);

    /* In each file time goes forward, whatever was done to the clock. */
    return (h->n_entries > 0 && e->time.realtime < h->tail_entry_realtime) ||
           is_old(s, f, e->time.realtime);
}

static int append(struct store *s, struct file *f, struct entry *e)
{
    for (int attempt = 0;; attempt++) {
        int r;

        if (!f->writer) {
            r = file_open(s, f);
            if (r < 0)
                return r;
        }
        if (attempt == 0 && has_to_rotate(s, f, e))
            (void) file_rotate(s, f);
        if (!f->writer)
            continue;
        journal_writer_set_seqnum(f->writer, s->next_seqnum);
        r = journal_writer_append(f->writer, &e->time, e->groups, e->n_groups, e->fields,
                                  e->n_fields);
        s->next_seqnum = journal_writer_seqnum(f->writer);
        if (r >= 0 || attempt > 0)
            return r;
        if (r == -ENOSPC)
            store_vacuum(s);
        else if (r != -E2BIG)
            return r;
        (void) file_rotate(s, f);
    }
}

int store_append(struct store *s, struct entry *e)
{
    if (!s->directory)
        return -ENODATA;
    int r = append(s, file_for(s, e), e);
    if (r < 0) {
        if (!s->failed)
            log_error("The journal in %s cannot be written: %s", s->directory, strerror(-r));
        s->failed = true;
        return r;
    }
    s->failed = false;
    if (!event_source_enabled(s->notify_timer))
        event_source_set_time_relative(s->notify_timer, NOTIFY_DELAY);
    if (e->priority <= LOG_CRIT)
        store_sync(s);
    else if (!s->dirty && s->options.sync_interval > 0)
        event_source_set_time_relative(s->sync_timer, s->options.sync_interval);
    s->dirty = true;
    return 0;
}

static void each_file(struct store *s, void (*fn)(struct store *s, struct file *f))
{
    struct file *f;

    if (s->system.writer)
        fn(s, &s->system);
    MAP_FOREACH (f, &s->users) {
        if (f->writer)
            fn(s, f);
    }
    for (size_t i = 0; i < s->n_kept; i++) {
        if (s->kept[i].writer)
            fn(s, &s->kept[i]);
    }
}

static void notify_file(struct store *s, struct file *f)
{
    journal_writer_notify(f->writer);
}

static void on_notify(struct event_source *source, usec_t due, void *userdata)
{
    each_file(userdata, notify_file);
}

static void sync_file(struct store *s, struct file *f)
{
    (void) fdatasync(journal_writer_fd(f->writer));
}

void store_sync(struct store *s)
{
    each_file(s, sync_file);
    s->dirty = false;
    event_source_disable(s->sync_timer);
}

static void on_sync(struct event_source *source, usec_t due, void *userdata)
{
    store_sync(userdata);
}

static void rotate_file(struct store *s, struct file *f)
{
    int r = file_rotate(s, f);

    if (r < 0)
        log_warning("%s cannot be rotated: %s", f->path, strerror(-r));
}

static void rotate_if_old(struct store *s, struct file *f)
{
    if (is_old(s, f, now_usec(CLOCK_REALTIME)))
        rotate_file(s, f);
}

/* Time passes where nothing is written, too. */
static void on_retention(struct event_source *source, usec_t due, void *userdata)
{
    struct store *s = userdata;
    usec_t next = s->options.max_retention ? s->options.max_retention / RETENTION_PARTS
                                           : USEC_PER_DAY;

    each_file(s, rotate_if_old);
    store_vacuum(s);
    for (size_t i = 0; i < s->n_kept; i++) {
        if (s->kept[i].retention->max_age > 0)
            next = MIN(next, s->kept[i].retention->max_age / RETENTION_PARTS);
    }
    event_source_set_time_relative(source, MIN(MAX(next, USEC_PER_MINUTE), USEC_PER_DAY));
}

int store_rotate(struct store *s)
{
    each_file(s, rotate_file);
    return s->system.writer || !s->directory ? 0 : -EIO;
}

/* ---- places ---- */

/* Members of the group systemd-journal may read the journal; new files get the folder's group. */
static void give_to_group(const char *directory)
{
    struct users_lookup lookup = { .files_only = true };
    struct group g;

    if (group_find(&lookup, "systemd-journal", &g) < 0)
        return;
    if (chown(directory, (uid_t) -1, g.gid) >= 0)
        (void) chmod(directory, 02755);
    group_done(&g);
}

static int open_place(struct store *s, const char *place, bool persistent)
{
    char id[ID128_TEXT_MAX];
    auto_free char *directory = path_join(place, id128_format(s->options.machine, id), NULL);

    if (!directory)
        return -ENOMEM;
    int r = mkdir_all(directory, 0755);
    if (r < 0)
        return r;
    give_to_group(directory);
    s->directory = take_ptr(directory);
    s->persistent = persistent;
    r = file_open(s, &s->system);
    if (r < 0) {
        file_done(s, &s->system, false);
        free(s->directory);
        s->directory = NULL;
        return r;
    }
    store_vacuum(s);
    return 0;
}

static bool want_persistent(const struct store *s)
{
    const struct store_options *o = &s->options;

    if (!o->persistent_dir || o->storage == STORE_VOLATILE || o->storage == STORE_NONE)
        return false;
    return o->storage == STORE_PERSISTENT || access(o->persistent_dir, F_OK) >= 0;
}

static void open_some_place(struct store *s)
{
    const struct store_options *o = &s->options;
    int r = -ENODATA;

    if (o->storage == STORE_NONE)
        return;
    if (want_persistent(s)) {
        r = open_place(s, o->persistent_dir, true);
        if (r < 0)
            log_warning("The journal cannot be kept in %s: %s", o->persistent_dir, strerror(-r));
    }
    if (r < 0 && o->volatile_dir) {
        r = open_place(s, o->volatile_dir, false);
        if (r < 0)
            log_warning("The journal cannot be kept in %s: %s", o->volatile_dir, strerror(-r));
    }
}

static int kept_new(struct store *s)
{
    const struct retentions *r = s->options.retentions;

    if (!r || r->n == 0)
        return 0;
    s->kept = new0(struct file, r->n);
    if (!s->kept)
        return -ENOMEM;
    for (; s->n_kept < r->n; s->n_kept++)
        s->kept[s->n_kept].retention = r->all[s->n_kept];
    return 0;
}

int store_new(struct event_loop *loop, const struct store_options *options, struct store **ret)
{
    struct store *s = new0(struct store, 1);

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->options = *options;
    s->next_seqnum = 1;
    int r = event_add_time(loop, CLOCK_MONOTONIC, USEC_INFINITY, on_sync, s, &s->sync_timer);
    if (r >= 0)
        r = event_add_time(loop, CLOCK_MONOTONIC, USEC_INFINITY, on_notify, s, &s->notify_timer);
    if (r >= 0)
        r = event_add_time(loop, CLOCK_MONOTONIC,
                           usec_add(now_usec(CLOCK_MONOTONIC), USEC_PER_MINUTE), on_retention, s,
                           &s->retention_timer);
    if (r >= 0)
        r = kept_new(s);
    if (r < 0) {
        store_free(s);
        return r;
    }
    event_source_disable(s->sync_timer);
    event_source_disable(s->notify_timer);
    open_some_place(s);
    *ret = s;
    return 0;
}

static void close_files(struct store *s, bool sync)
{
    struct file *f;

    file_done(s, &s->system, sync);
    MAP_FOREACH (f, &s->users) {
        file_done(s, f, sync);
        free(f);
    }
    map_done(&s->users);
    for (size_t i = 0; i < s->n_kept; i++)
        file_done(s, &s->kept[i], sync);
}

void store_free(struct store *s)
{
    if (!s)
        return;
    close_files(s, true);
    event_source_free(s->sync_timer);
    event_source_free(s->notify_timer);
    event_source_free(s->retention_timer);
    free(s->kept);
    free(s->directory);
    free(s);
}

/* One entry of an old file into the new one. */
static int copy_entry(struct store *s, struct journal_file *from, const struct entry_object *e)
{
    size_t n = journal_entry_n_items(from, e);
    auto_free struct iovec *fields = new0(struct iovec, n + 1);
    struct field_group packed = { 0 };
    auto_free char *unit = NULL;
    struct entry out = {
        .time = { e->realtime, e->monotonic },
        .priority = LOG_INFO,
        .groups = { &packed },
        .n_groups = 1,
    };

    if (!fields)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *payload;
        size_t size;

        /* Copied: what is unpacked lives shortly. */
        if (journal_data(from, journal_entry_item(from, e, i), &payload, &size) >= 0)
            field_add_whole(&packed, payload, size);
    }
    size_t length;
    const char *value = field_get(&packed, "_SYSTEMD_UNIT", &length);
    if (value)
        out.unit = unit = memdup0(value, length);
    int r = append(s, file_for(s, &out), &out);
    field_group_done(&packed);
    return r;
}

static int compare_files(const void *a, const void *b)
{
    uint64_t x = journal_header(*(struct journal_file *const *) a)->head_entry_seqnum;
    uint64_t y = journal_header(*(struct journal_file *const *) b)->head_entry_seqnum;

    return x < y ? -1 : x > y;
}

static int copy_file(struct store *s, struct journal_file *from)
{
    struct entry_list list = { 0 };
    uint64_t done = 0;
    int r = entry_list_load(&list, from);

    for (size_t i = 0; r >= 0 && i < list.n;) {
        if (!entry_list_check(&list, from, i)) { /* it is damaged, and listed anew */
            r = entry_list_load(&list, from);
            i = entry_list_seek(&list, from, done + 1, 0);
            continue;
        }
        done = entry_list_get(&list, from, i++);
        r = copy_entry(s, from, journal_entry(from, done));
    }
    entry_list_done(&list);
    return r;
}

/* All journal files of the folder, in the order of their entries. */
static int copy_directory(struct store *s, const char *path)
{
    DIR *d = opendir(path);
    struct journal_file **files = NULL;
    size_t n = 0, allocated = 0;
    int r = 0;

    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        auto_free char *whole = path_join(path, e->d_name, NULL);

        if (!whole || (!endswith(e->d_name, ".journal") && !endswith(e->d_name, ".journal~")))
            continue;
        if (grow(&files, &allocated, n + 1) && journal_file_open(whole, &files[n]) >= 0)
            n++;
    }
    closedir(d);
    if (n > 0)
        qsort(files, n, sizeof *files, compare_files);
    for (size_t i = 0; i < n; i++) {
        if (r >= 0)
            r = copy_file(s, files[i]);
        journal_file_close(files[i]);
    }
    free(files);
    return r;
}

int store_flush(struct store *s)
{
    const char *to = s->options.persistent_dir;

    if (!s->directory || s->persistent || !to || s->options.storage == STORE_VOLATILE)
        return -ENODATA;
    auto_free char *from = s->directory;
    close_files(s, false);
    s->directory = NULL;
    int r = open_place(s, to, true);
    if (r < 0) {
        (void) open_place(s, s->options.volatile_dir, false);
        return r;
    }
    r = copy_directory(s, from);
    if (r >= 0)
        (void) remove_all(from);
    return r;
}

int store_relinquish(struct store *s)
{
    if (!s->directory || !s->persistent || !s->options.volatile_dir)
        return -ENODATA;
    close_files(s, true);
    s->directory = (free(s->directory), NULL);
    int r = open_place(s, s->options.volatile_dir, false);
    if (r < 0)
        (void) open_place(s, s->options.persistent_dir, true);
    return r;
}
