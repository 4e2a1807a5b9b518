/* A fault as it is typed: NAME or NAME:PARAM. */
#ifndef CMD_FAULT_TEXT_H
#define CMD_FAULT_TEXT_H

#include "base/error.h"
#include "contract/contents.h"

struct fault_choice {
    const struct fault_ops *fault;
    double parameter;
};

int fault_parse(const char *text, struct fault_choice *choice, struct error *error);

#endif
