/* Every family of findings, one declaration a family; workloads/finding/contents.c puts them in order. */
#ifndef WORKLOADS_FINDING_ROWS_H
#define WORKLOADS_FINDING_ROWS_H

#include "contract/finding.h"

/* Fixes that many rows have. A setting of a service, in a file of its own. */
#define FIX_SERVICE(setting)                                                                                                \
    "{root}mkdir -p {drop-in} && printf '[Service]\\n" setting "\\n' | {root}tee {drop-in}/{id}.conf && "                         \
    "{systemctl} daemon-reload && {systemctl} restart {unit}"
/* A pod's /dev/shm: 64 MiB of the runtime's, unless it mounts one of its own. */
#define FIX_VOLUME                                                                                                          \
    "spec:\n"                                                                                                               \
    "  containers:\n"                                                                                                       \
    "  - name: NAME\n"                                                                                                      \
    "    volumeMounts: [{name: shm, mountPath: /dev/shm}]\n"                                                                \
    "  volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]"
/* A pod's memory limit, against which its /dev/shm counts. */
#define FIX_MEMORY                                                                                                          \
    "spec:\n"                                                                                                               \
    "  containers:\n"                                                                                                       \
    "  - name: NAME\n"                                                                                                      \
    "    resources: {limits: {memory: 4Gi}}"

extern const struct finding_ops findings_place[], findings_memory[], findings_objects[], findings_removers[],
    findings_limits[], findings_kernel[], findings_cpu[], findings_process[], findings_process_locks[],
    findings_message[];

#endif
