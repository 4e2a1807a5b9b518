/* A fault as it is typed. */
#include "cmd/fault_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"

#define NAMES_MAX 256

static int unknown(const char *name, struct error *error)
{
    const char *names[NAMES_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; contents_faults[i] && n < NAMES_MAX; i++)
        names[n++] = contents_faults[i]->name;
    names[n] = NULL;
    return suggest_fail(error, "fault", name, names);
}

static int parse_parameter(const struct fault_ops *fault, const char *text, double *value, struct error *error)
{
    char *end;
    if (!fault->parameter)
        return error_set(error, STATUS_USAGE, 0, "fault %s takes no parameter, \":%s\" was given", fault->name, text);
    if (!*text || strspn(text, "0123456789.") != strlen(text) || (*value = strtod(text, &end), *end))
        return error_set(error, STATUS_USAGE, 0, "fault %s: \"%s\" is not a number of %s", fault->name, text, fault->parameter);
    if (*value < fault->min || *value > fault->max)
        return error_set(error, STATUS_USAGE, 0, "fault %s: %s is out of bounds: %g to %g %s", fault->name, text, fault->min,
                         fault->max, fault->parameter);
    return 0;
}

/* The word's place in one of the lists from *next on; -1: it is in none. A word that is left out keeps its default. */
static int find_choice(const struct fault_ops *fault, const char *word, int *next)
{
    for (int list = *next; list < FAULT_CHOICES && fault->choices[list]; list++)
        for (int i = 0; fault->choices[list][i]; i++)
            if (strcmp(fault->choices[list][i], word) == 0) {
                *next = list + 1;
                return i;
            }
    return -1;
}

static int unknown_word(const struct fault_ops *fault, const char *word, struct error *error)
{
    char what[96];
    const char *names[NAMES_MAX + 1];
    size_t n = 0;
    for (int list = 0; list < FAULT_CHOICES && fault->choices[list]; list++)
        for (int i = 0; fault->choices[list][i] && n < NAMES_MAX; i++)
            names[n++] = fault->choices[list][i];
    names[n] = NULL;
    snprintf(what, sizeof what, "word of fault %s", fault->name);
    return suggest_fail(error, what, word, names);
}

/* The words behind the name; returns what is left for the parameter, or NULL with the error. */
static const char *parse_words(const char *text, struct fault_choice *choice, struct error *error)
{
    int next = 0;
    while (choice->fault->choices[0] && *text && !strchr("0123456789.", *text)) {
        char word[64];
        size_t length = strcspn(text, ":");
        snprintf(word, sizeof word, "%.*s", (int)length, text);
        int place = find_choice(choice->fault, word, &next);
        if (place < 0)
            return unknown_word(choice->fault, word, error), NULL;
        choice->choices[next - 1] = (uint8_t)place;
        text += length + (text[length] == ':');
    }
    return text;
}

int fault_parse(const char *text, struct fault_choice *choice, struct error *error)
{
    char name[64];
    const char *colon = strchr(text, ':');
    snprintf(name, sizeof name, "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
    choice->fault = contents_fault(name);
    if (!choice->fault)
        return unknown(name, error);
    choice->parameter = choice->fault->fallback;
    memset(choice->choices, 0, sizeof choice->choices);
    if (colon && choice->fault->choices[0]) {
        const char *rest = parse_words(colon + 1, choice, error);
        return !rest ? -1 : *rest ? parse_parameter(choice->fault, rest, &choice->parameter, error) : 0;
    }
    return colon ? parse_parameter(choice->fault, colon + 1, &choice->parameter, error) : 0;
}
