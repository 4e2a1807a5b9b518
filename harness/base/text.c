/* Text from outside: UTF-8, checked byte by byte. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

static bool continues(const unsigned char *byte)
{
    return (*byte & 0xc0) == 0x80;
}

size_t text_utf8_length(const char *text)
{
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x80)
        return b[0] != 0;
    if (b[0] >= 0xc2 && b[0] <= 0xdf)
        return continues(b + 1) ? 2 : 0;
    if (b[0] >= 0xe0 && b[0] <= 0xef) {
        bool overlong = b[0] == 0xe0 && b[1] < 0xa0, surrogate = b[0] == 0xed && b[1] > 0x9f;
        return continues(b + 1) && continues(b + 2) && !overlong && !surrogate ? 3 : 0;
    }
    if (b[0] >= 0xf0 && b[0] <= 0xf4) {
        bool overlong = b[0] == 0xf0 && b[1] < 0x90, beyond = b[0] == 0xf4 && b[1] > 0x8f;
        return continues(b + 1) && continues(b + 2) && continues(b + 3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

bool text_is_utf8(const char *text)
{
    while (*text) {
        size_t length = text_utf8_length(text);
        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

static uint32_t code_point(const char *text, size_t length)
{
    static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)text[0] & first[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    return code;
}

/* Of the Unicode categories Cc, Cf, Zl, Zp and the variation selectors: what changes how others look, and has no look. */
static bool steers(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {'\\', '\\'},     {0x7f, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},     {0x600, 0x605},
        {0x61c, 0x61c},   {0x6dd, 0x6dd},   {0x70f, 0x70f},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x13430, 0x1343f},
        {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

size_t text_plain_length(const char *text)
{
    size_t length = text_utf8_length(text);
    return length && !steers(code_point(text, length)) ? length : 0;
}

void text_put(FILE *out, const char *text)
{
    while (*text) {
        size_t length = text_plain_length(text);
        if (length)
            fwrite(text, 1, length, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*text);
        text += length ? length : 1;
    }
}

void text_put_lines(FILE *out, const char *text, int indent)
{
    for (; *text; text++) {
        fputc(*text, out);
        if (*text == '\n')
            fprintf(out, "%*s", indent, "");
    }
    fputc('\n', out);
}

void text_mend(const char *text, char *mended, size_t size)
{
    size_t used = 0;
    while (*text) {
        char piece[8];
        size_t length = text_utf8_length(text);
        int n = length ? snprintf(piece, sizeof piece, "%.*s", (int)length, text)
                       : snprintf(piece, sizeof piece, "\\x%02x", (unsigned char)*text);
        if (used + (size_t)n + 1 > size)
            break;
        memcpy(mended + used, piece, (size_t)n);
        used += (size_t)n;
        text += length ? length : 1;
    }
    mended[used] = '\0';
}
