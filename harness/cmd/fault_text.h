/* A fault as it is typed: NAME, NAME:PARAM, NAME:WORD:WORD:PARAM. */
#ifndef CMD_FAULT_TEXT_H
#define CMD_FAULT_TEXT_H

#include "base/error.h"
#include "contract/contents.h"

struct fault_choice {
    const struct fault_ops *fault;
    double parameter;
    uint8_t choices[FAULT_CHOICES];
};

int fault_parse(const char *text, struct fault_choice *choice, struct error *error);

#endif
