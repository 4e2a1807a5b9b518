/* Writing the meter's cost, fairness and quantiles into records. */
#include "report/records_measure.h"

#include "run/fairness.h"
#include "run/meter.h"

void records_put_meter(json_t *record, const struct trial_spec *spec, const struct trial_result *result)
{
    if (!result->gate_ns)
        return;
    const struct meter *meter = meter_facts();
    double share = meter_share(meter, result);
    uint64_t line_ns = result->ledger.slots ? result->ledger.slots[0].line_ns : 0;
    json_object_set_new(record, "meter",
                        json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:o, s:o}", "clock", meter->clock, "stamp_ns",
                                  meter->stamp_ns, "empty_ns", meter->empty_ns, "step_ns", meter->step_ns, "loop_ns",
                                  meter->loop_ns, "timing_ns", meter->timing_ns,
                                  "sampling", (json_int_t)spec->shape.sampling, "timed", (json_int_t)result->sampled,
                                  "timing_share", share < 0 ? json_null() : json_real(share), "line_ns",
                                  line_ns ? json_integer((json_int_t)line_ns) : json_null()));
}

void records_put_pages(json_t *record, const struct page_sizes *had)
{
    if (had->page_bytes)
        json_object_set_new(record, "pages_had",
                            json_pack("{s:I, s:I, s:I}", "page_bytes", (json_int_t)had->page_bytes, "mapped_bytes",
                                      (json_int_t)had->mapped_bytes, "huge_bytes", (json_int_t)had->huge_bytes));
}

static json_t *fairness_object(const struct fairness *f)
{
    json_t *starved = json_array();
    for (uint32_t i = 0; i < f->starved_count && i < FAIRNESS_NAMED; i++)
        json_array_append_new(starved, json_integer(f->starved[i]));
    return json_pack("{s:I, s:f, s:f, s:f, s:I, s:I, s:o, s:I, s:I}", "workers", (json_int_t)f->workers, "jain", f->jain, "min_max", f->min_max,
                     "least", f->least, "least_worker", (json_int_t)f->least_worker, "starved_count", (json_int_t)f->starved_count,
                     "starved", starved, "unscheduled_count", (json_int_t)f->unscheduled_count, "late_count",
                     (json_int_t)f->late_count);
}

void records_put_fairness(json_t *record, const struct trial_spec *spec, const struct trial_result *result)
{
    struct fairness fairness;
    json_t *object = json_object();
    if (result->ops && result->gate_ns)
        json_object_set_new(object, "handoff_share", json_real((double)result->handoffs / (double)result->ops));
    if (fairness_of(spec, result, true, &fairness))
        json_object_set_new(object, "writers", fairness_object(&fairness));
    if (fairness_of(spec, result, false, &fairness))
        json_object_set_new(object, "readers", fairness_object(&fairness));
    if (json_object_size(object))
        json_object_set_new(record, "fairness", object);
    else
        json_decref(object);
}

static json_t *quantiles(const struct histogram *h, uint64_t (*quantile)(const struct histogram *h, double quantile))
{
    return json_pack("{s:I, s:I, s:I, s:I}", "p50", (json_int_t)quantile(h, 0.5), "p90", (json_int_t)quantile(h, 0.9), "p99",
                     (json_int_t)quantile(h, 0.99), "p999", (json_int_t)quantile(h, 0.999));
}

void records_put_quantiles(json_t *record, const struct histogram *h)
{
    json_object_set_new(record, "by_number", quantiles(h, histogram_quantile));
    json_object_set_new(record, "by_time", quantiles(h, histogram_time_quantile));
}
