/* Tests of the bank load: money that is conserved under a lock, and what shows when two were inside. */
#include "workloads/load/oracle_testing.h"
#include "workloads/load/plain.h"

/* The area as lines: the last one to transfer, the number of transfers, and the accounts. */
enum { LAST, TRANSFERS, FIRST_ACCOUNT, ACCOUNTS = 4, BALANCE = 1000 };

static void (*on_enter)(uint64_t call), (*on_inside)(uint64_t call);

static uint64_t *line(int i)
{
    return (uint64_t *)(void *)(area + i * PLAIN_LINE);
}

static int take(struct sync_self *self)
{
    pass(self);
    if (on_enter)
        on_enter(calls);
    return 0;
}

static int give(struct sync_self *self)
{
    (void)self;
    return 0;
}

static void meddle(struct worker *worker, double parameter)
{
    (void)worker;
    (void)parameter;
    if (on_inside)
        on_inside(calls);
}

static const struct sync_ops scripted = {.name = "scripted", .family = SYNC_LOCK, .lock = {.acquire = take, .release = give}};
static const struct fault_ops meddler = {.name = "meddler", .inside = meddle};

static void start(uint32_t index, void (*enter)(uint64_t call), void (*inside)(uint64_t call))
{
    spec = (struct trial_spec){
        .load = &load_bank,
        .sync = &scripted,
        .fault = &meddler,
        .shape = {.writers = 2, .readers = 1, .size = ACCOUNTS * 8, .sampling = 1, .seed = 7},
    };
    on_enter = enter;
    on_inside = inside;
    begin(index);
}

static uint64_t total(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        sum += *line(FIRST_ACCOUNT + i);
    return sum;
}

/* Another writer's whole transfer, done as it should be. */
static void other_transfers(uint64_t call)
{
    int from = FIRST_ACCOUNT + (int)(call % ACCOUNTS), to = FIRST_ACCOUNT + (int)((call + 1) % ACCOUNTS);
    uint64_t amount = *line(from) / 3;
    *line(from) -= amount;
    *line(to) += amount;
    *line(LAST) = OTHER + 1;
    ++*line(TRANSFERS);
}

START_TEST(transfers_one_after_the_other_keep_all_the_money)
{
    start(WRITER, NULL, NULL);
    run(1000);
    ck_assert_uint_eq(total(), ACCOUNTS * BALANCE);
    ck_assert_uint_eq(*line(TRANSFERS), 1000);
    ck_assert_uint_eq(w.slot->handoffs, 1);
    check_clean();
    start(WRITER, other_transfers, NULL);
    run(1000);
    ck_assert_uint_eq(w.slot->handoffs, 1000);
    check_clean();
    start(READER, other_transfers, NULL);
    run(1000);
    ck_assert_uint_eq(w.slot->handoffs, 1000);
    check_clean();
}
END_TEST

/* A transfer under way: taken, and not paid in yet. */
static void half_a_transfer(uint64_t call)
{
    if (call == 3)
        *line(FIRST_ACCOUNT) -= 10;
    if (call == 4)
        *line(FIRST_ACCOUNT + 1) += 10;
}

START_TEST(a_reader_that_sees_half_a_transfer_tells_the_total)
{
    start(READER, half_a_transfer, NULL);
    run(6);
    struct evidence found = check_found(VIOLATION_COUNT, 1, "under the lock, the 4 accounts hold 3990 in all, and 4000 were paid in");
    ck_assert_uint_eq(found.expected.version, 4000);
    ck_assert_uint_eq(found.found.version, 3990);
}
END_TEST

static void money_is_gone(uint64_t call)
{
    if (call == 3)
        *line(FIRST_ACCOUNT + 2) -= 1;
}

START_TEST(money_that_stays_away_is_told_once_by_each_and_by_the_audit)
{
    start(WRITER, money_is_gone, NULL);
    run(50);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_COUNT], 1);
    become(AUDITOR);
    spec.load->audit(&w);
    check_found(VIOLATION_COUNT, 1, "at the end, the 4 accounts hold 3999 in all");
}
END_TEST

static void other_comes_in(uint64_t call)
{
    if (call == 2)
        *line(LAST) = OTHER + 1;
}

START_TEST(who_comes_in_during_a_transfer_is_seen_after_it)
{
    start(WRITER, NULL, other_comes_in);
    run(2);
    check_found(VIOLATION_OVERLAP, 1, "while worker 0 made a transfer, worker 1 came in");
}
END_TEST

static void other_completes(uint64_t call)
{
    if (call == 2)
        ++*line(TRANSFERS);
}

START_TEST(a_transfer_that_completes_while_somebody_reads_is_an_overlap)
{
    start(READER, NULL, other_completes);
    run(2);
    check_found(VIOLATION_OVERLAP, 1, "while worker 2 was reading, the number of transfers went from 0 to 1");
}
END_TEST

static void books_go_back(uint64_t call)
{
    if (call == 5)
        *line(TRANSFERS) = 2;
}

START_TEST(books_that_go_back_are_told_while_it_goes_on_and_at_the_end)
{
    start(WRITER, books_go_back, NULL);
    run(8);
    ck_assert_uint_eq(w.slot->violations[VIOLATION_BACK], 1);
    testing_has(w.slot->evidence[0].text, "the number of transfers went back from 4 to 2");
    become(AUDITOR);
    spec.load->audit(&w);
    check_found(VIOLATION_LOST, 1, "8 transfers were made, the books show 6");
}
END_TEST

START_TEST(whole_books_pass_the_audit)
{
    start(WRITER, NULL, NULL);
    run(70);
    become(AUDITOR);
    spec.load->audit(&w);
    check_clean();
}
END_TEST

int main(void)
{
    return testing_run("bank", (const TTest *[]){
                                   transfers_one_after_the_other_keep_all_the_money,
                                   a_reader_that_sees_half_a_transfer_tells_the_total,
                                   money_that_stays_away_is_told_once_by_each_and_by_the_audit,
                                   who_comes_in_during_a_transfer_is_seen_after_it,
                                   a_transfer_that_completes_while_somebody_reads_is_an_overlap,
                                   books_that_go_back_are_told_while_it_goes_on_and_at_the_end,
                                   whole_books_pass_the_audit,
                                   NULL,
                               });
}
