/* The windows of a stream as JSON: in summary.json, and a line each in metrics.jsonl. */
#ifndef RUN_STREAM_JSON_H
#define RUN_STREAM_JSON_H

#include "base/json.h"
#include "run/stream.h"

/* The members of a window, inside an object that the caller has opened. */
void stream_print_window(struct json_writer *w, const struct window_record *record);

/* The object "shift" of the summary: the finished windows of the stream, of which there are none where it has
 * not begun. */
void stream_print(struct json_writer *w, const struct shift_spec *spec, const struct stream *stream);

#endif
