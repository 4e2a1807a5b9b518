/* Escaping: any text, as TAP, YAML and XML can hold it. */
#include "report/escape.h"

#include <string.h>

#include "base/text.h"

/* Writes the character at the start of `text`, or what stands for one that could end the line or is not UTF-8. Returns its
 * length. */
static size_t put_plain(FILE *out, const char *text)
{
    size_t length = text_utf8_length(text);
    unsigned char c = (unsigned char)*text;
    if (length == 0)
        fputc('?', out);
    else if (c < 0x20 || c == 0x7f)
        fputc(' ', out);
    else
        fwrite(text, 1, length, out);
    return length ? length : 1;
}

void escape_tap(FILE *out, const char *text)
{
    while (*text) {
        if (*text == '#' || *text == '\\')
            fputc('\\', out);
        text += put_plain(out, text);
    }
}

void escape_yaml(FILE *out, const char *key, const char *text)
{
    fprintf(out, "  %s: \"", key);
    while (*text) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        text += put_plain(out, text);
    }
    fputs("\"\n", out);
}

/* Control characters have no place in XML 1.0, and what is not UTF-8 none in a file that says so. */
void escape_xml(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        size_t length = text_utf8_length(text);
        if (strncmp(text, "\357\277\276", 3) == 0 || strncmp(text, "\357\277\277", 3) == 0) { /* no characters of XML */
            fputc('?', out);
            text += 2;
        } else if (length > 1) {
            fwrite(text, 1, length, out);
            text += length - 1;
        } else if (c >= 0x80 || c == 0x7f)
            fputc('?', out);
        else if (c == '&')
            fputs("&amp;", out);
        else if (c == '<')
            fputs("&lt;", out);
        else if (c == '>')
            fputs("&gt;", out);
        else if (c == '"')
            fputs("&quot;", out);
        else
            fputc(c < 0x20 && c != '\n' ? ' ' : c, out);
    }
}
