#include "cli/place.h"

#include "cli/interrupt.h"
#include "cli/print.h"

void place_text(const struct run *run, struct text *t) {
    const struct fit_status *status = run_status(run);
    const struct stream *stream = run_stream(run);
    if (stream)
        text_addf(t, "window %zu of %zu", stream->done + !stream_over(stream), stream->windows);
    else if (run_estimation(run))
        text_add(t, "the estimation of the shift");
    else if (!status || status->epoch == 0)
        text_add(t, "the first step");
    else
        text_addf(t, "epoch %zu%s, step %zu of %zu", status->epoch,
                  run_training(run)->search ? " of the refit" : "", status->step, status->steps);
}

void place_interrupted(const struct run *run) {
    struct text text = {0};
    text_addf(&text, "dltrain: stopped by %s at ", interrupt_name());
    place_text(run, &text);
    text_add(&text, "; the same command with --resume goes on from the checkpoint in ");
    add_printable(&text, run_folder(run));
    text_add(&text, "\n");
    print_log(&text);
    text_release(&text);
}

void place_resumed(const struct run *run) {
    const struct run_resumed *resumed = run_resumed(run);
    struct text text = {0};
    if (run_notice(run))
        text_addf(&text, "dltrain: warning: %s\n", run_notice(run));
    text_add(&text, "dltrain: ");
    if (resumed->finished) {
        add_printable(&text, run_folder(run));
        text_add(&text, ": this run is finished, nothing is left to do\n");
    } else if (!resumed->on) {
        add_printable(&text, run_folder(run));
        text_add(&text, ": holds no checkpoint, the run begins\n");
    } else {
        text_add(&text, "going on from ");
        place_text(run, &text);
        text_add(&text, "\n");
    }
    print_log(&text);
    text_release(&text);
}
