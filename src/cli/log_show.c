#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "cli/log.h"
#include "cli/term.h"

#define FLUSH_AT (128u * 1024)

struct show {
    const struct log_options *o;
    struct journal *j;
    struct output *out;
    struct strbuf buffer;
    pcre2_code *pattern;
    pcre2_match_data *found;
    long shown;
    struct id128 boot; /* of the entry before */
    bool has_boot, broken, lost;
    bool beyond;                     /* the entry before was outside of the times */
    char cursor[JOURNAL_CURSOR_MAX]; /* of the last one shown, "" */
    struct journal_cursor end;       /* --context: of the last entry of the run */
    bool has_end, past_end;
    long left; /* entries to show behind that */
};

static void flush(struct show *s)
{
    int r = s->buffer.length > 0 && !s->broken
                ? fd_write_all(STDOUT_FILENO, s->buffer.text, s->buffer.length)
                : 0;

    if (r < 0) {
        s->broken = true;
        s->lost = r != -EPIPE; /* else nobody reads any more */
        if (s->lost)
            fprintf(stderr, "%s: the output cannot be written: %s\n", s->o->program, strerror(-r));
    }
    strbuf_clear(&s->buffer);
}

/* ---- grep ---- */

static int compile(struct show *s)
{
    int error;
    PCRE2_SIZE at;
    PCRE2_UCHAR text[160];

    if (!s->o->grep)
        return 0;
    s->pattern = pcre2_compile((PCRE2_SPTR) s->o->grep, PCRE2_ZERO_TERMINATED,
                               s->o->case_sensitive > 0 ? 0 : PCRE2_CASELESS, &error, &at, NULL);
    if (!s->pattern) {
        pcre2_get_error_message(error, text, sizeof text);
        fprintf(stderr, "%s: --grep=%s: %s at character %zu\n", s->o->program, s->o->grep, text,
                (size_t) at + 1);
        return -EINVAL;
    }
    (void) pcre2_jit_compile(s->pattern, PCRE2_JIT_COMPLETE);
    s->found = pcre2_match_data_create(1, NULL);
    return s->found ? 0 : -ENOMEM;
}

/* The message, which is mostly the field written last. */
static bool message_of(struct journal_file *f, const struct entry_object *e, const char **ret,
                       size_t *ret_n)
{
    for (size_t i = journal_entry_n_items(f, e); i-- > 0;) {
        if (journal_data(f, journal_entry_item(f, e, i), ret, ret_n) >= 0 && *ret_n >= 8 &&
            memcmp(*ret, "MESSAGE=", 8) == 0) {
            *ret += 8;
            *ret_n -= 8;
            return true;
        }
    }
    return false;
}

static bool passes(struct show *s, struct journal_file *f, const struct entry_object *e,
                   size_t highlight[2])
{
    const char *message;
    size_t n;

    if (!s->pattern)
        return true;
    if (!message_of(f, e, &message, &n) ||
        pcre2_match(s->pattern, (PCRE2_SPTR) message, n, 0, 0, s->found, NULL) < 0)
        return false;
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(s->found);
    highlight[0] = span[0];
    highlight[1] = span[1];
    return true;
}

/* ---- one entry ---- */

static void boot_line(struct show *s, const struct entry_object *e)
{
    char id[ID128_TEXT_MAX];

    if (!s->o->merge && !s->o->quiet && s->has_boot && !id128_equal(s->boot, e->boot_id))
        strbuf_addf(&s->buffer, "%s-- Boot %s --%s\n", term_color(COLOR_BOLD),
                    id128_format(e->boot_id, id), term_reset());
    s->boot = e->boot_id;
    s->has_boot = true;
}

/* The current entry. Returns 1 to go on, 0 at the end of what is wanted. */
static int show_entry(struct show *s)
{
    const struct log_options *o = s->o;
    struct journal_file *f = journal_current_file(s->j);
    const struct entry_object *e = journal_current(s->j);
    size_t highlight[2] = { 0, 0 };

    if (!e)
        return 1;
    bool early = o->since != USEC_INFINITY && e->realtime < o->since;
    bool late = o->until != USEC_INFINITY && e->realtime > o->until;
    if (early || late) {
        /* One alone may have a damaged time. */
        bool end = s->beyond && (o->reverse ? early : late);

        s->beyond = true;
        return !end;
    }
    s->beyond = false;
    if (!passes(s, f, e, highlight))
        return 1;
    boot_line(s, e);
    (void) output_entry(s->out, f, e, s->pattern ? highlight : NULL);
    if (o->show_cursor || o->cursor_file)
        journal_cursor_format(f, e, s->cursor);
    s->shown++;
    if (s->buffer.length > FLUSH_AT)
        flush(s);
    if (s->buffer.failed) {
        fprintf(stderr, "%s: out of memory\n", o->program);
        return 0;
    }
    if (s->past_end)
        s->left--;
    else if (s->has_end)
        s->past_end = journal_test_cursor(s->j, &s->end);
    if (s->past_end && s->left == 0)
        return 0;
    return !s->broken && (o->lines < 0 || o->follow || s->shown < o->lines);
}

/* ---- where to begin ---- */

static char *read_cursor(const char *path)
{
    char *line = NULL;

    return file_read_line(path, &line) >= 0 && *line ? line : (free(line), NULL);
}

/* Goes to the first entry. Returns 1 if the journal is at it, 0 if the next step is the first, or a
 * negative errno. */
static int begin_at_cursor(struct show *s, const char *text, bool after)
{
    struct journal_cursor c;

    if (journal_cursor_parse(text, &c) < 0) {
        fprintf(stderr, "%s: \"%s\" is no cursor\n", s->o->program, text);
        return -EINVAL;
    }
    journal_seek_cursor(s->j, &c);
    int r = journal_step(s->j, !s->o->reverse);
    /* The entry itself may be gone: then what comes after it is shown in any case. */
    if (r > 0 && after && journal_test_cursor(s->j, &c))
        r = journal_step(s->j, !s->o->reverse);
    return r > 0 ? 1 : -ENODATA;
}

/* The run's entries tell from where to where; then everybody's are shown. */
static int begin_with_context(struct show *s)
{
    char first[JOURNAL_CURSOR_MAX], last[JOURNAL_CURSOR_MAX];
    struct journal_cursor place;

    journal_seek_tail(s->j);
    if (journal_step(s->j, false) <= 0)
        return -ENODATA;
    journal_cursor_format(journal_current_file(s->j), journal_current(s->j), last);
    journal_seek_head(s->j);
    if (journal_step(s->j, true) <= 0)
        return -ENODATA;
    journal_cursor_format(journal_current_file(s->j), journal_current(s->j), first);
    if (journal_cursor_parse(first, &place) < 0 || journal_cursor_parse(last, &s->end) < 0 ||
        journal_set_match(s->j, NULL) < 0)
        return -EINVAL;
    s->has_end = true;
    s->left = s->o->context;
    journal_seek_cursor(s->j, &place);
    int r = journal_step(s->j, true);
    for (long n = 0; r > 0 && n < s->o->context && journal_step(s->j, false) > 0; n++)
        ;
    return r > 0 ? 1 : -ENODATA;
}

static int begin(struct show *s)
{
    const struct log_options *o = s->o;
    auto_free char *saved = o->cursor_file ? read_cursor(o->cursor_file) : NULL;

    if (o->context >= 0)
        return begin_with_context(s);
    if (o->cursor || o->after_cursor || saved)
        return begin_at_cursor(s,
                               o->cursor         ? o->cursor
                               : o->after_cursor ? o->after_cursor
                                                 : saved,
                               !o->cursor);
    if (o->reverse || (o->lines >= 0 && !o->lines_oldest)) {
        if (o->until != USEC_INFINITY)
            journal_seek_realtime(s->j, o->until);
        else
            journal_seek_tail(s->j);
        if (o->reverse || o->lines == 0)
            return 0;
        long n = 0;
        while (n < o->lines && journal_step(s->j, false) > 0)
            n++;
        return n > 0 ? 1 : -ENODATA;
    }
    if (o->since != USEC_INFINITY)
        journal_seek_realtime(s->j, o->since);
    else
        journal_seek_head(s->j);
    return 0;
}

/* ---- following ---- */

static int watch(struct journal *j)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0)
        return -errno;
    const uint32_t what = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ATTRIB;
    const char *path;
    for (size_t i = 0; (path = journal_get_directory(j, i)); i++)
        (void) inotify_add_watch(fd, path, what);
    for (size_t i = 0; i < journal_n_files(j); i++)
        (void) inotify_add_watch(fd, journal_get_file(j, i)->path, what);
    return fd;
}

static int follow(struct show *s)
{
    auto_close int fd = watch(s->j);

    if (fd < 0)
        return fd;
    for (bool first = true; !s->broken; first = false) {
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
        char events[4096];

        flush(s);
        /* What was written before the watch began is looked for at once; file systems of other
         * machines tell nothing, so that a look now and then is needed. */
        int n = first ? 0 : poll(fds, 2, 2000);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)))
            return 0;
        while (read(fd, events, sizeof events) > 0)
            ;
        if (journal_rescan(s->j) > 0) {
            close(take_fd(&fd));
            fd = watch(s->j);
        }
        (void) journal_refresh(s->j);
        while (!s->broken && journal_step(s->j, true) > 0) {
            if (show_entry(s) == 0)
                return 0;
        }
    }
    return 0;
}

/* ---- all ---- */

static int run(struct show *s)
{
    const struct log_options *o = s->o;
    int r = begin(s);

    if (r < 0 && r != -ENODATA)
        return r;
    bool more = r != -ENODATA && !(o->lines == 0 && !o->follow);
    if (r > 0)
        more = show_entry(s) > 0;
    if (o->lines == 0 && o->follow)
        more = false;
    /* None is shown, and its cursor is: scripts ask so from where on to read later. */
    if (o->lines == 0 && !o->follow && (o->show_cursor || o->cursor_file) && r >= 0 &&
        (r > 0 || journal_step(s->j, o->lines_oldest) > 0))
        journal_cursor_format(journal_current_file(s->j), journal_current(s->j), s->cursor);
    while (more && journal_step(s->j, !o->reverse) > 0)
        more = show_entry(s) > 0;
    if (s->shown == 0 && !o->quiet && !o->follow)
        strbuf_add(&s->buffer, "-- No entries --\n");
    flush(s);
    if (o->follow && !s->broken) {
        if (o->lines == 0) /* settle at the tail before anything new comes */
            (void) journal_step(s->j, true);
        return follow(s);
    }
    if (o->grep && s->shown == 0)
        r = -ENODATA; /* as grep(1) */
    else
        r = 0;
    if (o->show_cursor && *s->cursor) {
        strbuf_addf(&s->buffer, "-- cursor: %s\n", s->cursor);
        flush(s);
    }
    if (o->cursor_file && *s->cursor) {
        auto_free char *line = format("%s\n", s->cursor);

        r = line ? file_replace(o->cursor_file, line, strlen(line), 0644) : -ENOMEM;
        if (r < 0)
            fprintf(stderr, "%s: %s cannot be written: %s\n", o->program, o->cursor_file,
                    strerror(-r));
    }
    return r;
}

int log_show(const struct log_options *o, struct journal *j)
{
    struct show s = { .o = o, .j = j };
    struct output_options output = o->output;

    signal(SIGPIPE, SIG_IGN);
    output.color = term_has_color();
    output.columns = term_width();
    s.out = output_new(&output, &s.buffer);
    int r = s.out ? compile(&s) : -ENOMEM;
    if (r >= 0)
        r = run(&s);
    if (s.lost)
        r = -EIO;
    output_free(s.out);
    strbuf_done(&s.buffer);
    pcre2_match_data_free(s.found);
    pcre2_code_free(s.pattern);
    return r < 0 ? 1 : 0;
}
