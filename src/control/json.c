#include "control/json.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/utf8.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64_encode(const uint8_t *data, size_t n)
{
    char *text = malloc((n + 2) / 3 * 4 + 1), *t = text;

    if (!text)
        return NULL;
    for (size_t i = 0; i < n; i += 3) {
        unsigned left = (unsigned) MIN(n - i, (size_t) 3);
        uint32_t v = (uint32_t) data[i] << 16;

        if (left > 1)
            v |= (uint32_t) data[i + 1] << 8;
        if (left > 2)
            v |= data[i + 2];
        *t++ = digits[v >> 18];
        *t++ = digits[v >> 12 & 63];
        *t++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *t++ = left > 2 ? digits[v & 63] : '=';
    }
    *t = '\0';
    return text;
}

static int base64_decode(const char *text, char **ret, size_t *ret_size)
{
    size_t length = strlen(text), n = 0;
    auto_free char *data = NULL;
    uint32_t v = 0;

    if (length % 4 != 0)
        return -EINVAL;
    data = malloc(length / 4 * 3 + 1);
    if (!data)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        bool pad = text[i] == '=' && (i + 1 == length || (i + 2 == length && text[i + 1] == '='));

        if (!digit && !pad)
            return -EINVAL;
        v = v << 6 | (digit ? (uint32_t) (digit - digits) : 0);
        if (i % 4 == 3) {
            data[n++] = (char) (v >> 16);
            data[n++] = (char) (v >> 8);
            data[n++] = (char) v;
            v = 0;
        }
    }
    if (length > 0 && text[length - 1] == '=')
        n -= text[length - 2] == '=' ? 2 : 1;
    data[n] = '\0';
    *ret = take_ptr(data);
    *ret_size = n;
    return 0;
}

json_t *json_text_n(const void *data, size_t n)
{
    auto_free char *encoded = NULL;

    if (!memchr(data, '\0', n) && utf8_is_valid_n(data, n))
        return json_stringn_nocheck(data, n);
    encoded = base64_encode(data, n);
    return encoded ? json_pack("{s:s}", "bytes", encoded) : NULL;
}

json_t *json_text(const char *s)
{
    return s ? json_text_n(s, strlen(s)) : json_null();
}

json_t *json_texts(char *const *v)
{
    json_t *array = json_array();

    STRV_FOREACH (s, v)
        if (json_array_append_new(array, json_text(*s)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

json_t *json_u64(uint64_t n)
{
    char text[24];

    if (n == UINT64_MAX)
        return json_null();
    if (n <= INT64_MAX)
        return json_integer((json_int_t) n);
    snprintf(text, sizeof text, "%ju", (uintmax_t) n);
    return json_string(text);
}

int json_text_get(const json_t *v, char **ret, size_t *ret_size)
{
    auto_free char *text = NULL;
    size_t size;

    if (json_is_string(v)) {
        size = json_string_length(v);
        text = memdup0(json_string_value(v), size);
        if (!text)
            return -ENOMEM;
    } else {
        const char *encoded = json_string_value(json_object_get(v, "bytes"));
        int r = encoded ? base64_decode(encoded, &text, &size) : -EINVAL;

        if (r < 0)
            return r;
    }
    *ret = take_ptr(text);
    if (ret_size)
        *ret_size = size;
    return 0;
}

int json_texts_get(const json_t *v, char ***ret)
{
    auto_strv char **strv = NULL;
    json_t *element;
    size_t i;

    if (!json_is_array(v))
        return -EINVAL;
    json_array_foreach(v, i, element)
    {
        char *text;
        int r = json_text_get(element, &text, NULL);

        if (r >= 0)
            r = strv_push(&strv, text);
        if (r < 0)
            return r;
    }
    *ret = take_ptr(strv);
    return 0;
}

int json_u64_get(const json_t *v, uint64_t *ret)
{
    if (json_is_null(v)) {
        *ret = UINT64_MAX;
        return 0;
    }
    if (json_is_string(v))
        return parse_u64_base(json_string_value(v), 10, ret);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return -EINVAL;
    *ret = (uint64_t) json_integer_value(v);
    return 0;
}
