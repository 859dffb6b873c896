/* Pieces of work: each is taken once, by its own member first, and whoever is done helps. */
#include "support.h"

#include "base/team.h"
#include "base/work.h"

enum { MEMBERS = 5, PIECES = 1000 };

static void every_piece_is_taken_once(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 4, 5, 6, PIECES};
    struct err err = {0};
    struct work work;
    assert_true(work_init(&work, MEMBERS, &err));
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        unsigned taken[PIECES] = {0};
        size_t helped[MEMBERS] = {0}, piece, left = MEMBERS;
        work_begin(&work, counts[c]);
        while (left > 0) { /* the members take turns */
            left = 0;
            for (size_t rank = 0; rank < MEMBERS; rank++)
                if (work_take(&work, rank, &helped[rank], &piece)) {
                    assert_true(piece < counts[c]);
                    taken[piece]++;
                    left++;
                }
        }
        for (size_t i = 0; i < counts[c]; i++)
            assert_int_equal(taken[i], 1);
    }
    work_release(&work);
}

static void a_member_begins_with_its_own_range_and_can_do_all(void **state) {
    (void)state;
    struct err err = {0};
    struct work work;
    assert_true(work_init(&work, 4, &err));
    work_begin(&work, 10); /* ranges 0-1, 2-4, 5-6, 7-9 */
    size_t helped = 0, piece;
    static const size_t expected[] = {5, 6, 7, 8, 9, 0, 1, 2, 3, 4};
    for (size_t i = 0; i < 10; i++) {
        assert_true(work_take(&work, 2, &helped, &piece));
        assert_int_equal(piece, expected[i]);
    }
    assert_false(work_take(&work, 2, &helped, &piece));
    assert_false(work_take(&work, 2, &helped, &piece));
    work_release(&work);
}

/* ---- in a team, with many rounds between barriers ---- */

struct rounds {
    struct team *team;
    struct work work;
    atomic_uint count[PIECES];
};

static void take_all(void *arg, size_t rank, size_t size) {
    struct rounds *r = arg;
    (void)size;
    for (size_t piece, helped = 0; work_take(&r->work, rank, &helped, &piece);)
        atomic_fetch_add(&r->count[piece], 1);
    team_barrier(r->team);
}

static void threads_share_every_round(void **state) {
    (void)state;
    enum { ROUNDS = 200 };
    struct err err = {0};
    static struct rounds r;
    r.team = team_create(MEMBERS, &err);
    assert_true(r.team && work_init(&r.work, MEMBERS, &err));
    for (size_t round = 1; round <= ROUNDS; round++) {
        work_begin(&r.work, PIECES);
        team_run(r.team, take_all, &r);
    }
    for (size_t i = 0; i < PIECES; i++)
        assert_int_equal(atomic_load(&r.count[i]), ROUNDS);
    team_free(r.team);
    work_release(&r.work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_is_taken_once),
        cmocka_unit_test(a_member_begins_with_its_own_range_and_can_do_all),
        cmocka_unit_test(threads_share_every_round),
    };
    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
