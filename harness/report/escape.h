/* Text from anywhere, written so that the format around it stays whole. */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include <stdio.h>

/* A TAP description or the reason of a directive: one line, in which '#' does not begin a directive. */
void escape_tap(FILE *out, const char *text);

/* A line "  key: "text"" of a YAML block. */
void escape_yaml(FILE *out, const char *key, const char *text);

/* Text or an attribute's value in XML 1.0, in UTF-8. */
void escape_xml(FILE *out, const char *text);

#endif
