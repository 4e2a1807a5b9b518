/* The formats that shmoo has for checks. */
#include "report/checks.h"

const struct check_format *const check_formats[] = {&check_human, &check_jsonl, &check_tap, &check_junit, NULL};
