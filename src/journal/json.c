#include "journal/json.h"

#include "base/utf8.h"

bool json_is_text(const char *value, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t c;
        int k;

        if ((unsigned char) value[i] >= 0x20 && (unsigned char) value[i] < 0x7f) {
            i++;
            continue;
        }
        k = utf8_decode(value + i, n - i, &c);
        if (k < 0 || (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c <= 0x9f))
            return false;
        i += (size_t) k;
    }
    return true;
}

void json_add_text(struct strbuf *b, const char *value, size_t n)
{
    static const char short_escapes[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    size_t plain = 0; /* where the run that needs no escape began */

    strbuf_add_char(b, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char) value[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        strbuf_add_n(b, value + plain, i - plain);
        plain = i + 1;
        if (c >= 0x20)
            strbuf_addf(b, "\\%c", c);
        else if (short_escapes[c])
            strbuf_addf(b, "\\%c", short_escapes[c]);
        else
            strbuf_addf(b, "\\u%04x", c);
    }
    strbuf_add_n(b, value + plain, n - plain);
    strbuf_add_char(b, '"');
}

void json_add_value(struct strbuf *b, const char *value, size_t n)
{
    if (json_is_text(value, n)) {
        json_add_text(b, value, n);
        return;
    }
    strbuf_add_char(b, '[');
    for (size_t i = 0; i < n; i++)
        strbuf_addf(b, "%s%u", i > 0 ? "," : "", (unsigned char) value[i]);
    strbuf_add_char(b, ']');
}
