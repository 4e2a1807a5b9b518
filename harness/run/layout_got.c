/* What a crew had of its layout: read from the workers' slots, and held against what was asked for. */
#include "run/layout_got.h"

#include <stdio.h>
#include <stdlib.h>

#include "contract/layout.h"
#include "run/pages.h"

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* At how many addresses the workers had the region, and how many of them had it. */
static uint32_t count_addresses(const struct ledger *ledger, uint32_t *had)
{
    uint64_t *at = calloc(ledger->workers + 1, sizeof *at);
    uint32_t count = 0, distinct = 0;
    for (uint32_t i = 0; at && i < ledger->workers; i++)
        if (ledger->slots[i].fault.region_base)
            at[count++] = ledger->slots[i].fault.region_base;
    if (at)
        qsort(at, count, sizeof *at, compare);
    for (uint32_t i = 0; i < count; i++)
        distinct += i == 0 || at[i] != at[i - 1];
    free(at);
    *had = count;
    return distinct;
}

static void check_addresses(const struct trial_spec *spec, struct trial_result *result, uint32_t had)
{
    uint8_t asked = spec->shape.layout.choice[LAYOUT_ADDRESS];
    uint32_t wanted = asked == ADDRESS_SAME ? had > 0 : had;
    if (asked == ADDRESS_FREE || result->region_addresses == wanted || result->verdict != VERDICT_CLEAN)
        return;
    result->verdict = VERDICT_INCONCLUSIVE;
    result->as_expected = spec_as_expected(spec, result->verdict);
    snprintf(result->reason, sizeof result->reason, "--address %s: %u workers had the region at %u addresses",
             layout_word(&spec->shape.layout, LAYOUT_ADDRESS), had, result->region_addresses);
}

/* A trial that had other pages than it was to have has no figures: they would be those of something else. */
static void check_pages(const struct trial_spec *spec, struct trial_result *result)
{
    char why[600];
    bool missed = false;
    for (uint32_t i = 0; i < result->ledger.workers; i++) {
        const struct slot *slot = &result->ledger.slots[i];
        struct page_sizes had = {slot->page_bytes, slot->mapped_bytes, slot->huge_bytes};
        result->pages.page_bytes = had.page_bytes > result->pages.page_bytes ? had.page_bytes : result->pages.page_bytes;
        result->pages.mapped_bytes += had.mapped_bytes;
        result->pages.huge_bytes += had.huge_bytes;
        missed = missed || pages_missed((enum layout_pages)spec->shape.layout.choice[LAYOUT_PAGES], &had, why, sizeof why);
    }
    if (!missed || (result->verdict != VERDICT_CLEAN && result->verdict != VERDICT_INCONCLUSIVE))
        return;
    result->verdict = VERDICT_UNSUPPORTED;
    result->as_expected = !spec->expect_given || spec->expect == VERDICT_UNSUPPORTED;
    result->window_ns = 0;
    snprintf(result->reason, sizeof result->reason, "%s", why);
}

void layout_got(const struct trial_spec *spec, struct trial_result *result)
{
    uint32_t had;
    result->region_addresses = count_addresses(&result->ledger, &had);
    check_addresses(spec, result, had);
    check_pages(spec, result);
}
