/* Text from outside: UTF-8, checked byte by byte. */
#include "base/text.h"

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
