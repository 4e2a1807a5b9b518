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

int fault_parse(const char *text, struct fault_choice *choice, struct error *error)
{
    char name[64];
    const char *colon = strchr(text, ':');
    snprintf(name, sizeof name, "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
    choice->fault = contents_fault(name);
    if (!choice->fault)
        return unknown(name, error);
    choice->parameter = choice->fault->fallback;
    return colon ? parse_parameter(choice->fault, colon + 1, &choice->parameter, error) : 0;
}
