/* Facts about the machine that a run's figures belong to. */
#ifndef REPORT_HOST_H
#define REPORT_HOST_H

#include <jansson.h>

/* The `host` record; see results/README.md. What cannot be read is left out. New reference, NULL when out of memory. */
json_t *host_record(void);

#endif
