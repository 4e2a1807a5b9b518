/* Every family of findings, one declaration a family; workloads/finding/contents.c puts them in order. */
#ifndef WORKLOADS_FINDING_ROWS_H
#define WORKLOADS_FINDING_ROWS_H

#include "contract/finding.h"

extern const struct finding_ops findings_place[], findings_memory[], findings_objects[], findings_limits[],
    findings_kernel[], findings_cpu[], findings_process[], findings_message[];

#endif
