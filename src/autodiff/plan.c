/* The memory plan: panels get the lowest place that no panel of an overlapping lifetime holds. Time runs over
 * the forward calls 0..N-1 and then the reverse calls, of node n at 2N-1-n. */
#include <string.h>

#include "autodiff/tape_parts.h"
#include "base/mem.h"

struct item {
    struct plan_place *place;
    size_t rows, born, dies;
    size_t offset;
};

struct planner {
    const struct tape *tape;
    enum tape_mode mode;
    struct tape_plan *plan;
    struct item *item; /* the thread's panels that are placed, by offset */
    size_t items;
};

/* An elementwise operation may write over its input if nobody else reads it, neither other operations nor its
 * own and the producer's reverse rules. */
static bool in_place(const struct tape *tape, const struct tape_node *node) {
    const struct tape_variable *in = &tape->value[node->input[0]];
    return node->op->flags & OP_ELEMENTWISE && !(node->op->flags & OP_NEEDS_INPUT) && in->consumers == 1 &&
           in->producer != NO_NODE && !(tape->node[in->producer].op->flags & OP_NEEDS_OUTPUT);
}

static bool cotangent_in_place(const struct tape *tape, const struct tape_node *node) {
    return node->op->flags & OP_ELEMENTWISE && tape->value[node->input[0]].consumers == 1;
}

static void place_in_thread(struct planner *p, struct item item) {
    size_t at = 0, i = 0;
    for (; i < p->items; i++) {
        const struct item *other = &p->item[i];
        if (other->dies < item.born || item.dies < other->born || other->offset + other->rows <= at)
            continue;
        if (other->offset >= at + item.rows)
            break;
        at = other->offset + other->rows;
    }
    item.offset = at;
    *item.place = (struct plan_place){MEMORY_THREAD, at};
    for (i = p->items++; i > 0 && p->item[i - 1].offset > at; i--)
        p->item[i] = p->item[i - 1];
    p->item[i] = item;
    if (at + item.rows > p->plan->thread_rows)
        p->plan->thread_rows = at + item.rows;
}

static void place_in_slice(struct planner *p, struct plan_place *place, size_t rows) {
    *place = (struct plan_place){MEMORY_SLICE, p->plan->slice_rows};
    p->plan->slice_rows += rows;
}

/* Whether value v stands where the first operation has written, by operations in place. */
static bool written_first(const struct tape *tape, size_t v) {
    long n = tape->value[v].producer;
    while (n > 0 && in_place(tape, &tape->node[n]))
        n = tape->value[tape->node[n].input[0]].producer;
    return n == 0;
}

/* The last moment at which value v is read, and whether the gradient of parameters reads it after that. */
static size_t value_death(const struct planner *p, size_t v, bool *batch) {
    const struct tape *tape = p->tape;
    size_t last = 2 * tape->nodes, dies = 0;
    *batch = false;
    /* The first operation's output, and what is written over it, waits for the other slices
     * (tape_forward_first). */
    if (p->mode == TAPE_TRAIN_LISTS && written_first(tape, v))
        *batch = true;
    if (p->mode == TAPE_TANGENTS || v == tape_output(tape) || v == tape->values - 1)
        dies = last;
    long producer = tape->value[v].producer;
    if (p->mode != TAPE_EVALUATE && producer != NO_NODE && tape->node[producer].op->flags & OP_NEEDS_OUTPUT)
        dies = last - 1 - (size_t)producer;
    for (size_t n = 0; n < tape->nodes; n++) {
        const struct tape_node *node = &tape->node[n];
        for (size_t i = 0; i < node->op->inputs; i++) {
            if (node->input[i] != v)
                continue;
            bool reverse = p->mode != TAPE_EVALUATE && node->op->flags & OP_NEEDS_INPUT;
            size_t read = reverse ? last - 1 - n : n;
            dies = read > dies ? read : dies;
            *batch = *batch || (p->mode != TAPE_EVALUATE && p->mode != TAPE_TRAIN_PACKED &&
                                node->op->flags & OP_BATCH_INPUT);
        }
    }
    return dies;
}

static void place_values(struct planner *p) {
    const struct tape *tape = p->tape;
    size_t first = p->mode == TAPE_TRAIN_LISTS ? 1 : 0; /* lists stand elsewhere */
    /* Backwards: what is written in place takes its successor's. */
    for (size_t v = tape->values; v-- > first;) {
        const struct tape_variable *value = &tape->value[v];
        const struct tape_node *next = value->consumers ? &tape->node[value->last_consumer] : NULL;
        size_t born = value->producer == NO_NODE ? 0 : (size_t)value->producer;
        bool batch;
        size_t dies = value_death(p, v, &batch);
        if (next && in_place(tape, next))
            p->plan->value[v] = p->plan->value[next->output];
        else if (batch)
            place_in_slice(p, &p->plan->value[v], value->rows);
        else {
            /* What writes in place before this value begins its life. */
            while (born < tape->nodes && value->producer != NO_NODE && in_place(tape, &tape->node[born]))
                born = (size_t)tape->value[tape->node[born].input[0]].producer;
            place_in_thread(p, (struct item){&p->plan->value[v], value->rows, born, dies, 0});
        }
    }
}

static void place_cotangents(struct planner *p) {
    const struct tape *tape = p->tape;
    size_t last = 2 * tape->nodes - 1;
    for (size_t v = 0; v + 1 < tape->values; v++) { /* the loss's cotangent is the caller's seed */
        const struct tape_variable *value = &tape->value[v];
        if (!value->wants_cotangent)
            continue;
        long n = value->producer;
        size_t dies = last - (size_t)n;
        /* What its producer writes in place lives on in the same panel. */
        size_t input = tape->node[n].input[0];
        while (cotangent_in_place(tape, &tape->node[n]) && tape->value[input].wants_cotangent) {
            n = tape->value[input].producer;
            dies = last - (size_t)n;
            input = tape->node[n].input[0];
        }
        const struct tape_node *next = &tape->node[value->last_consumer];
        if (cotangent_in_place(tape, next) && next->output + 1 < tape->values)
            continue;
        place_in_thread(
            p, (struct item){&p->plan->cotangent[v], value->rows, last - value->last_consumer, dies, 0});
    }
    for (size_t v = tape->values - 1; v-- > 0;) {
        const struct tape_variable *value = &tape->value[v];
        if (value->wants_cotangent && p->plan->cotangent[v].memory == MEMORY_NONE)
            p->plan->cotangent[v] = p->plan->cotangent[tape->node[value->last_consumer].output];
    }
}

static void place_saved(struct planner *p) {
    const struct tape *tape = p->tape;
    for (size_t n = 0; n < tape->nodes; n++) {
        size_t dies = p->mode == TAPE_EVALUATE ? n : 2 * tape->nodes - 1 - n;
        if (tape->node[n].shape.saved)
            place_in_thread(p, (struct item){&p->plan->saved[n], tape->node[n].shape.saved, n, dies, 0});
    }
}

/* Tangents are for checks, not for training: they live side by side. */
static void place_tangents(struct planner *p) {
    const struct tape *tape = p->tape;
    size_t widest = 0;
    p->plan->tangent = p->plan->thread_rows;
    for (size_t v = 0; v < tape->values; v++) {
        p->plan->thread_rows += tape->value[v].rows;
        widest = tape->value[v].rows > widest ? tape->value[v].rows : widest;
    }
    p->plan->scratch = p->plan->thread_rows;
    p->plan->thread_rows += widest;
}

bool tape_plan_make(const struct tape *tape, enum tape_mode mode, struct tape_plan *plan, struct err *err) {
    struct planner p = {tape, mode, plan, NULL, 0};
    plan->value = mem_alloc(tape->values, sizeof *plan->value, "the memory plan", err);
    plan->cotangent =
        plan->value ? mem_alloc(tape->values, sizeof *plan->cotangent, "the memory plan", err) : NULL;
    plan->saved =
        plan->cotangent ? mem_alloc(tape->nodes, sizeof *plan->saved, "the memory plan", err) : NULL;
    p.item = plan->saved ? mem_alloc(2 * tape->values + tape->nodes, sizeof *p.item, "the memory plan", err)
                         : NULL;
    if (!p.item)
        return false;
    place_values(&p);
    if (mode != TAPE_EVALUATE)
        place_cotangents(&p);
    place_saved(&p);
    if (mode == TAPE_TANGENTS)
        place_tangents(&p);
    mem_free(p.item);
    return true;
}

void tape_plan_release(struct tape_plan *plan) {
    mem_free(plan->value);
    mem_free(plan->cotangent);
    mem_free(plan->saved);
}
