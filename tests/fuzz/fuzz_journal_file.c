/* A journal file of unknown origin: verified, listed forwards and backwards, asked, written in
 * every output mode. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "journal/file-verify.h"
#include "journal/output.h"
#include "journal/query.h"

#define ENTRIES_MAX 200

static int ignore(const char *value, size_t n, void *userdata)
{
    return (*(int *) userdata)++ < 1000 ? 0 : -1;
}

static void show_all(struct journal *j, enum entry_mode mode, bool forward)
{
    struct strbuf text = { 0 };
    struct output_options options = { .mode = mode, .columns = 80, .full = forward };
    struct output *o = output_new(&options, &text);

    if (forward)
        journal_seek_head(j);
    else
        journal_seek_tail(j);
    for (int i = 0; o && i < ENTRIES_MAX && journal_step(j, forward) > 0; i++) {
        (void) output_entry(o, journal_current_file(j), journal_current(j), NULL);
        strbuf_clear(&text);
    }
    output_free(o);
    strbuf_done(&text);
}

static void ask(struct journal *j)
{
    struct match *all = match_group(MATCH_AND), *any = match_group(MATCH_OR);
    struct match *not = match_group(MATCH_NOT);

    (void) match_add_field(any, "PRIORITY", "6");
    (void) match_add_field(any, "SYSLOG_IDENTIFIER", "two");
    (void) match_add_field(not, "_TRANSPORT", "kernel");
    (void) match_add(all, any);
    (void) match_add(all, not );
    if (journal_set_match(j, all) < 0)
        return;
    show_all(j, ENTRY_SHORT, true);
    show_all(j, ENTRY_CAT, false);
    (void) journal_set_match(j, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    auto_close int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct verify_report report;
    struct journal_span *boots = NULL;
    size_t n_boots;
    int count = 0;

    if (fd < 0 || fd_write_all(fd, data, size) < 0)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct journal *j = journal_new();
    if (!j || journal_add_file(j, path) < 0) {
        journal_free(j);
        return 0;
    }
    (void) journal_file_verify(journal_get_file(j, 0), &report);
    for (int mode = 0; mode < ENTRY_MODE_MAX; mode++)
        show_all(j, (enum entry_mode) mode, mode % 2 == 0);
    ask(j);
    journal_seek_realtime(j, 1700000000500000);
    (void) journal_step(j, true);
    (void) journal_boots(j, &boots, &n_boots);
    free(boots);
    (void) journal_fields(j, ignore, &count);
    (void) journal_unique(j, "MESSAGE", ignore, &count);
    journal_free(j);
    return 0;
}
