/* The oracle of the stream: what a consumer has popped, and what that says. */
#include <stdio.h>
#include <string.h>

#include "workloads/load/stream.h"

/* "element 17 of worker 0", "a marker of the end", "nothing" */
static const char *name_of(uint64_t stamp, char text[64])
{
    if (stamp == 0)
        return strcpy(text, "nothing");
    if (payload_version(stamp) == STREAM_END)
        snprintf(text, 64, "a marker of the end by worker %u", payload_writer(stamp));
    else
        snprintf(text, 64, "element %llu of worker %u", (unsigned long long)payload_version(stamp), payload_writer(stamp));
    return text;
}

static bool plausible(const struct worker *w, const struct stream *s, uint64_t stamp)
{
    return payload_writer(stamp) < s->producers && payload_tag(stamp) == stream_tag(w->shape) && payload_version(stamp) != 0;
}

static void tell_bytes(struct worker *w, const struct stream *s, const struct payload_view *view, size_t got)
{
    bool partial = got - view->offset < 8; /* a partial word names no element */
    bool torn = plausible(w, s, view->stamp) && (partial || plausible(w, s, view->other));
    struct evidence *evidence = worker_violation(w, torn ? VIOLATION_TORN : VIOLATION_FOREIGN);
    char first[64], second[64], before[64];
    if (!evidence)
        return;
    evidence->form = EVIDENCE_WRITES;
    evidence->expected = (struct evidence_write){payload_version(view->stamp), (int32_t)payload_writer(view->stamp)};
    evidence->found = (struct evidence_write){payload_version(view->other), (int32_t)payload_writer(view->other)};
    evidence->offset = view->offset;
    evidence->bytes_at = view->excerpt_at;
    evidence->bytes_count = (uint32_t)view->excerpt_bytes;
    memcpy(evidence->bytes, view->excerpt, view->excerpt_bytes);
    if (torn)
        snprintf(evidence->text, sizeof evidence->text,
                 "torn at offset %zu of %zu: up to there %s, from there %s; this worker had taken %s before", view->offset, got,
                 name_of(view->stamp, first), partial ? "something else" : name_of(view->other, second),
                 name_of(s->before, before));
    else
        snprintf(evidence->text, sizeof evidence->text,
                 "an element came out that no worker of this trial has pushed (offset %zu of %zu); this worker had taken %s before",
                 view->offset, got, name_of(s->before, before));
}

/* Reads the bytes. True: they are those of one element, *stamp is its stamp. */
static bool read_whole(struct worker *w, const struct stream *s, size_t got, uint64_t *stamp)
{
    struct payload_view view;
    char name[64], before[64];
    if (got < STREAM_SIZE_MIN || got > w->shape->size) {
        worker_violation_values(w, VIOLATION_TORN, w->shape->size, got,
                                "an element of %zu bytes came out; they have %d to %llu; this worker had taken %s before", got,
                                STREAM_SIZE_MIN, (unsigned long long)w->shape->size, name_of(s->before, before));
        return false;
    }
    bool whole = payload_read(s->element, got, &view);
    *stamp = view.stamp;
    if (!whole || !plausible(w, s, view.stamp)) {
        if (whole)
            view = (struct payload_view){.stamp = view.stamp, .other = view.stamp};
        tell_bytes(w, s, &view, got);
        return false;
    }
    size_t length = s->fixed ? w->shape->size : stream_length(w->shape, payload_version(*stamp));
    if (got != length && payload_version(*stamp) != STREAM_END)
        worker_violation_values(w, VIOLATION_TORN, length, got, "%s went in with %zu bytes and came out with %zu",
                                name_of(*stamp, name), length, got);
    return true;
}

static void tell_news(struct worker *w, const struct stream *s, enum account_news news, uint64_t stamp, uint64_t newest)
{
    char name[64], before[64];
    struct evidence *evidence = worker_violation(w, news == ACCOUNT_AGAIN ? VIOLATION_DUPLICATED : VIOLATION_REORDERED);
    if (!evidence)
        return;
    evidence->form = EVIDENCE_WRITES;
    evidence->expected = (struct evidence_write){newest + 1, (int32_t)payload_writer(stamp)};
    evidence->found = (struct evidence_write){payload_version(stamp), (int32_t)payload_writer(stamp)};
    name_of(stamp, name);
    name_of(s->before, before);
    if (news == ACCOUNT_AGAIN)
        snprintf(evidence->text, sizeof evidence->text,
                 "%s came out twice, both times to worker %u; the newest of that producer's was %llu; taken just before: %s", name,
                 w->index, (unsigned long long)newest, before);
    else
        snprintf(evidence->text, sizeof evidence->text,
                 "%s came out after element %llu of the same producer, which went in later; taken just before: %s", name,
                 (unsigned long long)newest, before);
}

/* Looks what others know: has another consumer had it, has the producer pushed it? Read from other processes' lines, and so for
 * sampled elements only. */
static void ask_others(struct worker *w, const struct stream *s, uint64_t stamp)
{
    const struct shape *shape = w->shape;
    uint64_t number = payload_version(stamp), pushed = slot_load(&w->crew.slots[payload_writer(stamp)].ops);
    char name[64];
    if (number > pushed + 1)
        worker_violation_values(w, VIOLATION_FOREIGN, pushed, number, "%s came out before its producer had pushed it: it is at %llu",
                                name_of(stamp, name), (unsigned long long)pushed);
    if (shape->readers < 2)
        return;
    uint32_t other = shape->writers + (uint32_t)seed_below(&w->random, shape->readers - 1);
    other += other >= w->index;
    if (account_has(&s->book, account_of(&s->book, other, payload_writer(stamp)), number))
        worker_violation_text(w, VIOLATION_DUPLICATED, "%s came out twice: to worker %u and to worker %u", name_of(stamp, name),
                              other, w->index);
}

static void check_guard(struct worker *w, const struct stream *s)
{
    uint64_t *guard = (uint64_t *)(void *)(s->buffer + (w->shape->size + 7) / 8 * 8);
    if (__builtin_expect(*guard == STREAM_END, 1))
        return;
    worker_violation_values(w, VIOLATION_SCRIBBLED, STREAM_END, *guard, "a pop has written beyond the %llu bytes it was given",
                            (unsigned long long)w->shape->size);
    *guard = STREAM_END;
}

bool stream_read(struct worker *w, const struct stream *s, size_t got, uint64_t *stamp)
{
    check_guard(w, s);
    return read_whole(w, s, got, stamp);
}

enum stream_taken stream_judge(struct worker *w, struct stream *s, size_t got)
{
    uint64_t stamp, missing;
    uint32_t missing_count;
    if (!stream_read(w, s, got, &stamp))
        return STREAM_SPOILT;
    if (payload_version(stamp) == STREAM_END)
        return STREAM_MARKER;
    struct account *account = account_of(&s->book, w->index, payload_writer(stamp));
    uint64_t newest = account->newest;
    enum account_news news = account_note(&s->book, account, payload_version(stamp), &missing, &missing_count);
    account_add(&s->book, account, payload_version(stamp));
    if (__builtin_expect(news != ACCOUNT_NEW, 0))
        tell_news(w, s, news, stamp, newest);
    if (__builtin_expect(missing_count != 0, 0) && w->shape->readers == 1)
        worker_violation_text(w, VIOLATION_LOST,
                              "element %llu of worker %u has not come out%s; element %llu of the same producer has just come out",
                              (unsigned long long)missing, payload_writer(stamp), missing_count > 1 ? ", nor have some after it" : "",
                              (unsigned long long)payload_version(stamp));
    if (__builtin_expect(w->timed, 0))
        ask_others(w, s, stamp);
    s->before = stamp;
    return STREAM_ELEMENT;
}
