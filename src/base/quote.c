#include "base/quote.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

static int digits_parse(const char *s, size_t n, unsigned base, uint32_t *ret)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned digit;

        if (s[i] >= '0' && s[i] <= '9')
            digit = (unsigned) (s[i] - '0');
        else if ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f')
            digit = (unsigned) ((s[i] | 0x20) - 'a' + 10);
        else
            return -EINVAL;
        if (digit >= base)
            return -EINVAL;
        value = value * base + digit;
    }
    *ret = value;
    return 0;
}

int c_unescape_one(const char *s, size_t n, bool accept_nul, unsigned *ret, bool *ret_unicode)
{
    static const char letters[] = "abfnrtv\\\"'s", meant[] = "\a\b\f\n\r\t\v\\\"' ";
    size_t skip = 1, digits;
    unsigned base = 16;
    uint32_t value;

    if (n < 1 || !*s)
        return -EINVAL;
    const char *letter = strchr(letters, *s);
    if (letter) {
        *ret = (unsigned char) meant[letter - letters];
        *ret_unicode = false;
        return 1;
    }
    if (*s == 'x')
        digits = 2;
    else if (*s == 'u')
        digits = 4;
    else if (*s == 'U')
        digits = 8;
    else if (*s >= '0' && *s <= '7') {
        skip = 0;
        digits = 3;
        base = 8;
    } else
        return -EINVAL;
    if (n < skip + digits || digits_parse(s + skip, digits, base, &value) < 0)
        return -EINVAL;
    if (value == 0 && !accept_nul)
        return -EINVAL;
    bool unicode = digits == 4 || digits == 8;
    if (unicode ? value > 0x10ffff || (value >= 0xd800 && value < 0xe000) : value > 255)
        return -EINVAL;
    *ret = value;
    *ret_unicode = unicode;
    return (int) (skip + digits);
}

/* Adds what the escape behind the backslash stands for; as c_unescape_one(). */
static int add_unescaped(struct strbuf *b, const char *s, size_t n)
{
    unsigned value;
    bool unicode;
    int used = c_unescape_one(s, n, false, &value, &unicode);

    if (used < 0)
        return used;
    if (unicode) {
        char bytes[4];
        strbuf_add_n(b, bytes, utf8_put(value, bytes));
    } else
        strbuf_add_char(b, (char) value);
    return used;
}

ssize_t c_unescape(const char *s, bool relax, char **ret)
{
    auto_strbuf struct strbuf b = {};

    while (*s) {
        if (*s != '\\') {
            strbuf_add_char(&b, *s++);
            continue;
        }
        int used = add_unescaped(&b, s + 1, strlen(s + 1));
        if (used < 0) {
            if (!relax)
                return used;
            strbuf_add_char(&b, *s++);
            continue;
        }
        s += 1 + used;
    }
    size_t length = b.length;
    char *text = strbuf_take(&b);
    if (!text)
        return -ENOMEM;
    *ret = text;
    return (ssize_t) length;
}

/* The escape letter of a control character, or 0. */
static char escape_letter(char c)
{
    static const char control[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    const char *p = c ? strchr(control, c) : NULL;

    return p ? letters[p - control] : 0;
}

static bool is_control(char c)
{
    return (unsigned char) c < ' ' || c == 127;
}

static void add_control(struct strbuf *b, char c)
{
    char letter = escape_letter(c);

    if (letter)
        strbuf_addf(b, "\\%c", letter);
    else
        strbuf_addf(b, "\\%03o", (unsigned char) c);
}

char *c_escape(const char *s, size_t n, bool utf8)
{
    auto_strbuf struct strbuf b = {};

    for (size_t i = 0; i < n; i++) {
        uint32_t c;

        if (is_control(s[i]))
            add_control(&b, s[i]);
        else if (s[i] == '\\' || s[i] == '"' || s[i] == '\'')
            strbuf_addf(&b, "\\%c", s[i]);
        else if ((unsigned char) s[i] < 127)
            strbuf_add_char(&b, s[i]);
        else {
            int length = utf8 ? utf8_decode(s + i, n - i, &c) : -EINVAL;
            if (length < 0)
                add_control(&b, s[i]);
            else {
                strbuf_add_n(&b, s + i, (size_t) length);
                i += (size_t) length - 1;
            }
        }
    }
    return strbuf_take(&b);
}

/* What one step of the scanner below finds. */
struct scanner {
    const char *p, *separators;
    unsigned flags;
    char quote;     /* the open quote, or 0 */
    bool is_a_word; /* something of a word was seen, if only "" */
    struct strbuf word;
};

/* p is at a backslash. Returns 0, 1 at the end of the text, -EINVAL. */
static int scan_backslash(struct scanner *s)
{
    const char *next = s->p + 1;

    s->is_a_word = true;
    if (!*next) {
        s->p = next;
        if ((s->flags & QUOTE_KEEP_UNKNOWN) && (!s->quote || (s->flags & QUOTE_RELAX)))
            strbuf_add_char(&s->word, '\\');
        else if (!(s->flags & QUOTE_RELAX))
            return -EINVAL;
        return 1;
    }
    if (!(s->flags & (QUOTE_CUNESCAPE | QUOTE_UNESCAPE_SEPARATORS))) {
        strbuf_add_char(&s->word, *next);
        s->p = next + 1;
        return 0;
    }
    int used = s->flags & QUOTE_CUNESCAPE ? add_unescaped(&s->word, next, strlen(next)) : -EINVAL;
    if (used < 0) {
        bool separator = strchr(s->separators, *next) || *next == '\\';

        if ((s->flags & QUOTE_UNESCAPE_SEPARATORS) && separator)
            strbuf_add_char(&s->word, *next);
        else if (s->flags & QUOTE_KEEP_UNKNOWN)
            strbuf_add_n(&s->word, s->p, 2);
        else
            return -EINVAL;
        used = 1;
    }
    s->p = next + used;
    return 0;
}

/* p is at a quote that opens or closes. */
static void scan_quote(struct scanner *s)
{
    if (!(s->flags & QUOTE_UNQUOTE))
        strbuf_add_char(&s->word, *s->p);
    s->quote = s->quote ? 0 : *s->p;
    s->is_a_word = true;
    s->p++;
}

static bool at_quote(const struct scanner *s)
{
    if (s->quote)
        return *s->p == s->quote;
    return (*s->p == '"' || *s->p == '\'') && (s->flags & (QUOTE_UNQUOTE | QUOTE_KEEP_QUOTE));
}

/* Scans to the end of the word. Returns 0 at a separator, 1 at the end of the text, -EINVAL. */
static int scan_word(struct scanner *s)
{
    for (;;) {
        int r = 0;

        if (!*s->p) {
            if (s->quote && !(s->flags & QUOTE_RELAX))
                return -EINVAL;
            return 1;
        }
        if (!s->quote && strchr(s->separators, *s->p))
            return 0;
        if (at_quote(s))
            scan_quote(s);
        else if (*s->p == '\\' && !(s->flags & QUOTE_RETAIN_ESCAPE))
            r = scan_backslash(s);
        else {
            s->is_a_word = true;
            strbuf_add_char(&s->word, *s->p++);
        }
        if (r != 0)
            return r;
    }
}

int quote_next_word(const char **p, char **ret, const char *separators, unsigned flags)
{
    struct scanner s = { .p = *p, .separators = separators ?: WHITESPACE, .flags = flags };

    if (!s.p) {
        *ret = NULL;
        return 0;
    }
    bool keep_empty = flags & QUOTE_KEEP_EMPTY;
    if (!keep_empty)
        s.p += strspn(s.p, s.separators);

    int r = scan_word(&s);
    char *word = r >= 0 && (s.is_a_word || keep_empty) ? strbuf_take(&s.word) : NULL;
    bool failed = s.word.failed;
    strbuf_done(&s.word);
    if (r < 0)
        return r;
    if (failed || (!word && (s.is_a_word || keep_empty)))
        return -ENOMEM;

    if (r == 0)
        s.p += keep_empty ? 1 : strspn(s.p, s.separators);
    *p = r == 1 || (!keep_empty && !*s.p) ? NULL : s.p;
    *ret = word;
    return word ? 1 : 0;
}

int quote_split(const char *s, char ***ret, const char *separators, unsigned flags)
{
    auto_strv char **words = new0(char *, 2);
    int n = 0;

    if (!words)
        return -ENOMEM;
    for (;; n++) {
        char *word;
        int r = quote_next_word(&s, &word, separators, flags);

        if (r < 0)
            return r;
        if (r == 0)
            break;
        if (strv_push(&words, word) < 0)
            return -ENOMEM;
    }
    *ret = take_ptr(words);
    return n;
}

char *shell_quote(const char *s, unsigned flags)
{
    bool posix = flags & SHELL_QUOTE_POSIX, plain = true;
    auto_strbuf struct strbuf b = {};

    if (!*s)
        return strdup(flags & SHELL_QUOTE_EMPTY ? "\"\"" : "");
    for (const char *p = s; *p && plain; p++)
        plain = !is_control(*p) && !strchr(WHITESPACE "\"\\`$*?['()<>|&;!", *p);
    if (plain)
        return strdup(s);

    strbuf_add(&b, posix ? "$'" : "\"");
    for (const char *p = s; *p; p++) {
        if (is_control(*p))
            add_control(&b, *p);
        else {
            if (strchr(posix ? "\\'" : "\"\\`$", *p))
                strbuf_add_char(&b, '\\');
            strbuf_add_char(&b, *p);
        }
    }
    strbuf_add(&b, posix ? "'" : "\"");
    return strbuf_take(&b);
}

char *quote_command_line(char *const *argv)
{
    auto_strbuf struct strbuf b = {};

    STRV_FOREACH (a, argv) {
        auto_free char *word = shell_quote(*a, SHELL_QUOTE_EMPTY);

        if (!word)
            return NULL;
        if (a != argv)
            strbuf_add_char(&b, ' ');
        strbuf_add(&b, word);
    }
    return strbuf_take(&b);
}
