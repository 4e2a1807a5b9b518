/* The counter load on a counter: additions that each give back the value before. */
#ifndef WORKLOADS_LOAD_COUNTER_ADDS_H
#define WORKLOADS_LOAD_COUNTER_ADDS_H

#include <stddef.h>

struct shape;
struct worker;

size_t counter_adds_bytes(const struct shape *shape);
void counter_adds_write(struct worker *w);
void counter_adds_read(struct worker *w);
void counter_adds_audit(struct worker *auditor);

#endif
