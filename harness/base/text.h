/* Text from outside: is it what it says it is? */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the UTF-8 character at the start of `text`, 1 to 4; 0 where there is none (RFC 3629: no overlong forms, no
 * surrogates). */
size_t text_utf8_length(const char *text);

/* Is the whole string UTF-8? */
bool text_is_utf8(const char *text);

#endif
