#include "manager/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "manager/state_private.h"

/* ---- writing ---- */

/* Backslash, newline and carriage return are all that could end a line. */
void state_write(struct state_writer *w, const char *key, const char *value)
{
    if (isempty(value))
        return;
    strbuf_add(&w->text, key);
    strbuf_add_char(&w->text, '=');
    for (const char *p = value; *p;) {
        size_t n = strcspn(p, "\\\n\r");

        strbuf_add_n(&w->text, p, n);
        p += n;
        if (!*p)
            break;
        strbuf_add(&w->text, *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : "\\\\");
        p++;
    }
    strbuf_add_char(&w->text, '\n');
}

void state_writef(struct state_writer *w, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    auto_free char *value = vformat(fmt, ap);
    va_end(ap);
    if (!value)
        w->text.failed = true;
    else
        state_write(w, key, value);
}

static void begin_row(struct state_writer *w, const char *key)
{
    strbuf_add(&w->text, key);
    strbuf_add_char(&w->text, '=');
}

static void add_i64(struct state_writer *w, int64_t value)
{
    if (value < 0)
        strbuf_add_char(&w->text, '-');
    strbuf_add_u64(&w->text, value < 0 ? -(uint64_t) value : (uint64_t) value);
}

static void end_row(struct state_writer *w)
{
    strbuf_add_char(&w->text, '\n');
}

void state_write_i64_always(struct state_writer *w, const char *key, int64_t value)
{
    begin_row(w, key);
    add_i64(w, value);
    end_row(w);
}

void state_write_u64_always(struct state_writer *w, const char *key, uint64_t value)
{
    begin_row(w, key);
    strbuf_add_u64(&w->text, value);
    end_row(w);
}

void state_write_u64(struct state_writer *w, const char *key, uint64_t value)
{
    if (value != 0)
        state_write_u64_always(w, key, value);
}

void state_write_i64(struct state_writer *w, const char *key, int64_t value)
{
    if (value != 0)
        state_write_i64_always(w, key, value);
}

void state_write_bool(struct state_writer *w, const char *key, bool value)
{
    state_write_u64(w, key, value);
}

void state_write_time(struct state_writer *w, const char *key, struct dual_time t)
{
    if (!t.realtime && !t.monotonic)
        return;
    begin_row(w, key);
    strbuf_add_u64(&w->text, t.realtime);
    strbuf_add_char(&w->text, ' ');
    strbuf_add_u64(&w->text, t.monotonic);
    end_row(w);
}

void state_write_id(struct state_writer *w, const char *key, struct id128 id)
{
    char text[ID128_TEXT_MAX];

    if (!id128_is_null(id))
        state_write(w, key, id128_format(id, text));
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : (uint64_t) st.st_ino;
}

const char *state_fd_text(int fd, char text[static STATE_FD_TEXT_MAX])
{
    snprintf(text, STATE_FD_TEXT_MAX, "%d %ju", fd, (uintmax_t) inode_of(fd));
    return text;
}

void state_write_fd(struct state_writer *w, const char *key, int fd)
{
    if (fd < 0)
        return;
    begin_row(w, key);
    strbuf_add_u64(&w->text, (uint64_t) fd);
    strbuf_add_char(&w->text, ' ');
    strbuf_add_u64(&w->text, inode_of(fd));
    end_row(w);
}

/* ---- reading ---- */

int state_read_u64(const char *value, uint64_t *ret)
{
    return parse_u64_base(value, 10, ret) < 0 ? -EINVAL : 0;
}

int state_read_i64(const char *value, int64_t *ret)
{
    return parse_i64(value, ret) < 0 ? -EINVAL : 0;
}

int state_read_bool(const char *value, bool *ret)
{
    int r = parse_boolean(value);

    if (r < 0)
        return -EINVAL;
    *ret = r;
    return 0;
}

int state_read_time(const char *value, struct dual_time *ret)
{
    struct dual_time t;
    char end;

    if (sscanf(value, "%" SCNu64 " %" SCNu64 "%c", &t.realtime, &t.monotonic, &end) != 2)
        return -EINVAL;
    *ret = t;
    return 0;
}

int state_read_id(const char *value, struct id128 *ret)
{
    return id128_parse(value, ret);
}

int state_take_fd(struct state_reader *r, const char *value, int *ret)
{
    unsigned fd;
    uintmax_t inode;
    /* A manager of before wrote the number alone. */
    int n = sscanf(value, "%u %ju", &fd, &inode);

    if (n < 1 || fd > STATE_FD_MAX)
        return -EINVAL;
    if (n == 2 && inode != inode_of((int) fd))
        return -EBADF;
    if (!(r->open[fd / 64] & (UINT64_C(1) << (fd % 64))))
        return -EBADF;
    int k = fd_cloexec((int) fd, true);
    if (k < 0)
        return -EBADF;
    r->open[fd / 64] &= ~(UINT64_C(1) << (fd % 64));
    *ret = (int) fd;
    return 0;
}

int state_reader_init(struct state_reader *r, int state_fd)
{
    *r = (struct state_reader){ 0 };
    /* What is not close-on-exec was handed over; what this process has opened itself is. */
    for (int fd = 3; fd <= STATE_FD_MAX; fd++)
        if (fd != state_fd && fcntl(fd, F_GETFD) == 0)
            r->open[fd / 64] |= UINT64_C(1) << (fd % 64);
    off_t size = lseek(state_fd, 0, SEEK_END);
    if (size < 0 || lseek(state_fd, 0, SEEK_SET) < 0)
        return -errno;
    return fd_read_whole(state_fd, STATE_SIZE_MAX, &r->text, NULL);
}

void state_reader_own_rest(struct state_reader *r)
{
    for (int fd = 3; fd <= STATE_FD_MAX; fd++) {
        uint64_t bit = UINT64_C(1) << (fd % 64);

        if (!(r->open[fd / 64] & bit))
            continue;
        /* Who has taken a descriptor in another way (the collector's client) has made it
         * close-on-exec. */
        if (fcntl(fd, F_GETFD) != 0 || fd_cloexec(fd, true) < 0)
            r->open[fd / 64] &= ~bit;
    }
}

void state_reader_close_rest(struct state_reader *r)
{
    for (int fd = 3; fd <= STATE_FD_MAX; fd++)
        if (r->open[fd / 64] & (UINT64_C(1) << (fd % 64)))
            close(fd);
}

void state_reader_done(struct state_reader *r)
{
    free(r->text);
    *r = (struct state_reader){ 0 };
}

static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++) {
        if (*s == '\\' && s[1]) {
            s++;
            *to++ = *s == 'n' ? '\n' : *s == 'r' ? '\r' : *s;
        } else
            *to++ = *s;
    }
    *to = '\0';
}

int state_next(struct state_reader *r, char **ret_key, char **ret_value)
{
    if (!r->at)
        r->at = r->text;
    if (!*r->at)
        return -ENODATA;

    char *line = r->at, *end = strchr(line, '\n');
    if (end) {
        *end = '\0';
        r->at = end + 1;
    } else
        r->at = line + strlen(line);
    if (!*line)
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return -EINVAL;
    *equals = '\0';
    unescape(equals + 1);
    *ret_key = line;
    *ret_value = equals + 1;
    return 1;
}
