#include "journal/wall.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

static void write_terminal(const char *line, const struct strbuf *text)
{
    auto_free char *path = format("/dev/%.*s", UT_LINESIZE, line);

    /* What another program has put into the file is not to lead anywhere else. */
    if (!path || strstr(path, "/../"))
        return;
    auto_close int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && isatty(fd))
        (void) !write(fd, text->text, text->length);
}

void wall(const struct entry *e)
{
    auto_strbuf struct strbuf text = { 0 };
    char host[64] = "", when[64];
    time_t seconds = (time_t) (e->time.realtime / USEC_PER_SEC);
    struct utmp u;
    struct tm tm;

    auto_close int fd = open(UTMP_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !e->message)
        return;
    (void) gethostname(host, sizeof host - 1);
    localtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%a %Y-%m-%d %H:%M:%S %Z", &tm);
    strbuf_addf(&text, "\r\n\aBroadcast message from systemd-journald@%s (%s):\r\n\r\n", host,
                when);
    strbuf_addf(&text, "%s[%d]: ", e->identifier ? e->identifier : "unknown", e->pid);
    /* Nothing that moves the cursor or sets colours: lines and what is printed. */
    for (size_t i = 0; i < e->message_length; i++) {
        unsigned char c = (unsigned char) e->message[i];

        if (c == '\n')
            strbuf_add(&text, "\r\n");
        else
            strbuf_add_char(&text, c < ' ' || c == 0x7f ? '?' : (char) c);
    }
    strbuf_add(&text, "\r\n\r\n");
    while (!text.failed && read(fd, &u, sizeof u) == sizeof u) {
        if (u.ut_type == USER_PROCESS && u.ut_user[0])
            write_terminal(u.ut_line, &text);
    }
}
