/* Text from outside: is it what it says it is? */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Length of the UTF-8 character at the start of `text`, 1 to 4; 0 where there is none (RFC 3629: no overlong forms, no
 * surrogates). */
size_t text_utf8_length(const char *text);

/* Is the whole string UTF-8? */
bool text_is_utf8(const char *text);

/* The same for a character that a terminal only shows: 0 for control characters, those that steer the order or the joining
 * of others (a name that reads backwards is another one), and the backslash, with which text_put() begins what it escapes. */
size_t text_plain_length(const char *text);

/* Writes it with "\x1b" for each byte that is not plain: nothing in it steers a terminal, and no two texts look the same. */
void text_put(FILE *out, const char *text);

/* Writes the text of several lines that is our own, the later ones indented by so much, and ends the last. */
void text_put_lines(FILE *out, const char *text, int indent);

/* Copies it, with "\xff" for each byte that is no UTF-8; as much as there is room for. */
void text_mend(const char *text, char *mended, size_t size);

#endif
