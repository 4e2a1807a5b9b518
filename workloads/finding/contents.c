/* Contents: every family of findings, in curated order. A new finding is one row in its family's file. */
#include "contract/contents.h"

#include <stddef.h>

#include "workloads/finding/rows.h"

const struct finding_ops *const contents_findings[] = {
    findings_place,  findings_memory, findings_objects, findings_removers, findings_limits,
    findings_kernel, findings_cpu,    findings_process, findings_process_locks,
    findings_message, NULL,
};
