/* Words and escapes, under every combination of flags; escaping comes back as it was. The first
 * byte is the flags. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/escape.h"
#include "base/quote.h"
#include "base/strv.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void escape_and_back(const char *text)
{
    auto_free char *escaped = c_escape(text, strlen(text), true), *back = NULL;
    auto_free char *name = name_escape(text), *unescaped = NULL;

    assert(c_unescape(escaped, false, &back) >= 0 && strcmp(back, text) == 0);
    int r = name_unescape(name, &unescaped);
    assert(r >= 0 && strcmp(unescaped, text) == 0);

    auto_free char *sane = utf8_sanitize(text, strlen(text), true);
    assert(utf8_is_valid(sane));
    auto_free char *cut = utf8_ellipsize(text, 7, 30);
    assert(utf8_width(cut) <= 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_strv char **words = NULL;

    if (size == 0)
        return 0;
    auto_free char *text = memdup0(data + 1, size - 1);
    if (!text)
        return 0;
    (void) quote_split(text, &words, data[0] & 1 ? ":," : NULL, data[0]);
    escape_and_back(text);
    return 0;
}
