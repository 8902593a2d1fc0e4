/* Cursors: what names an entry, as sd_journal_get_cursor(3) writes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "journal/query.h"

int journal_cursor_parse(const char *text, struct journal_cursor *ret)
{
    struct journal_cursor c = { 0 };
    bool any = false, has_monotonic = false, has_boot = false, has_id = false, has_number = false;

    while (*text) {
        size_t n = strcspn(text, ";");
        char value[64];

        if (n < 3 || text[1] != '=' || n - 2 >= sizeof value)
            return -EINVAL;
        memcpy(value, text + 2, n - 2);
        value[n - 2] = 0;
        char *end = value;
        uint64_t number = strtoull(value, &end, 16);
        bool is_number = end != value && *end == 0;
        switch (text[0]) {
        case 's':
            if (id128_parse(value, &c.seqnum_id) < 0)
                return -EINVAL;
            has_id = true;
            break;
        case 'b':
            if (id128_parse(value, &c.boot) < 0)
                return -EINVAL;
            has_boot = true;
            break;
        case 'i':
            c.seqnum = number;
            has_number = true;
            break;
        case 'm':
            c.monotonic = number;
            has_monotonic = true;
            break;
        case 't':
            c.realtime = number;
            c.has_realtime = true;
            break;
        case 'x':
            c.xor_hash = number;
            c.has_xor_hash = true;
            break;
        default:
            break; /* of a newer version */
        }
        if (strchr("imtx", text[0]) && !is_number)
            return -EINVAL;
        any = true;
        text += n + (text[n] == ';');
    }
    c.has_seqnum = has_id && has_number;
    c.has_boot = has_boot && has_monotonic;
    if (!any || (!c.has_seqnum && !c.has_boot && !c.has_realtime))
        return -EINVAL;
    *ret = c;
    return 0;
}

static char *put(char *p, const char *text)
{
    while (*text)
        *p++ = *text++;
    return p;
}

static char *put_hex(char *p, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    int shift = v == 0 ? 0 : (63 - __builtin_clzll(v)) / 4 * 4;

    for (; shift >= 0; shift -= 4)
        *p++ = digits[v >> shift & 15];
    return p;
}

static char *put_id(char *p, struct id128 id)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof id.bytes; i++) {
        *p++ = digits[id.bytes[i] >> 4];
        *p++ = digits[id.bytes[i] & 15];
    }
    return p;
}

/* By hand: export and json have one for each entry. */
void journal_cursor_format(const struct journal_file *f, const struct entry_object *e,
                           char text[static JOURNAL_CURSOR_MAX])
{
    char *p = put_id(put(text, "s="), journal_header(f)->seqnum_id);

    p = put_hex(put(p, ";i="), e->seqnum);
    p = put_id(put(p, ";b="), e->boot_id);
    p = put_hex(put(p, ";m="), e->monotonic);
    p = put_hex(put(p, ";t="), e->realtime);
    p = put_hex(put(p, ";x="), e->xor_hash);
    *p = 0;
}

bool journal_test_cursor(const struct journal *j, const struct journal_cursor *c)
{
    const struct entry_object *e = journal_current(j);
    const struct journal_header *h = journal_header(journal_current_file(j));

    if (!e)
        return false;
    if (c->has_seqnum && id128_equal(c->seqnum_id, h->seqnum_id) && c->seqnum != e->seqnum)
        return false;
    if (c->has_boot && (!id128_equal(c->boot, e->boot_id) || c->monotonic != e->monotonic))
        return false;
    if (c->has_realtime && c->realtime != e->realtime)
        return false;
    return !c->has_xor_hash || c->xor_hash == e->xor_hash;
}
