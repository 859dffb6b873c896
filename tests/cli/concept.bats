#!/usr/bin/env bats
# shift.kind "concept": a stream of windows, each predicted, watched and then learned from.

load support
# shellcheck disable=SC2154

# The rows of the drawn digits from FROM on: digits_part NAME FROM COUNT
digits_part() {
    { u32 2051; u32 "$3"; u32 28; u32 28; tail -c +$((17 + $2 * 784)) "$box/all-images" | head -c $(($3 * 784)); } >"$box/data/$1-i"
    { u32 2049; u32 "$3"; tail -c +$((9 + $2)) "$box/all-labels" | head -c "$3"; } >"$box/data/$1-l"
}

# The same images, but every class is now called by the name of the next one: renamed FROM TO
renamed() {
    cp "$box/data/$1-i" "$box/data/$2-i"
    { head -c 8 "$box/data/$1-l"; tail -c +9 "$box/data/$1-l" | tr '\000\001\002\003\004\005\006\007\010\011' '\001\002\003\004\005\006\007\010\011\000'; } >"$box/data/$2-l"
}

# config_of FILE WINDOW...
config_of() {
    local file=$1 stream='' window
    shift
    for window in "$@"; do
        stream="$stream${stream:+, }{\"images\": \"$window-i\", \"labels\": \"$window-l\"}"
    done
    cat >"$file" <<JSON
{
  "data": { "root": "data", "train": { "images": "train-i", "labels": "train-l" }, "validation": { "fraction": 0.1 },
            "test": { "images": "last-i", "labels": "last-l" } },
  "model": { "layers": [{ "units": 24 }] },
  "optimizer": { "kind": "adam", "lr": 0.005, "schedule": { "kind": "cosine" } },
  "train": { "epochs": 6, "batch_size": 32 },
  "shift": { "kind": "concept", "stream": [$stream], "epochs": 6 }
}
JSON
}

setup_file() {
    box=$BATS_FILE_TMPDIR
    mkdir -p "$box/data"
    gzip -dc data/digits/train-images-idx3-ubyte.gz >"$box/all-images"
    gzip -dc data/digits/train-labels-idx1-ubyte.gz >"$box/all-labels"
    digits_part train 0 2000
    for i in 0 1 2 3 4 5; do
        digits_part w$i $((2000 + i * 400)) 400
        renamed w$i r$i
    done
    renamed w5 last
    config_of "$box/drifts.json" w0 w1 w2 r3 r4 r5
    config_of "$box/still.json" w0 w1 w2 w3 w4 w5
    "$DLTRAIN" --config "$box/drifts.json" --out "$box/drifts" >"$box/result" 2>"$box/log"
    "$DLTRAIN" --config "$box/still.json" --out "$box/still" -q >/dev/null
    # The model before the stream.
    sed '/"shift"/d; s/"batch_size": 32 },/"batch_size": 32 }/' "$box/still.json" >"$box/base.json"
    "$DLTRAIN" --config "$box/base.json" --set data.test.images="$box/data/w0-i" \
        --set data.test.labels="$box/data/w0-l" --out "$box/base" -q >/dev/null
}

setup() {
    box=$BATS_FILE_TMPDIR
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work" || return 1
}

needs_python() { python3 -c 'import json' 2>/dev/null || skip "no python3 here"; }

# of RUN EXPRESSION: of the summary s, whose windows are w, and the lines m of the metrics that are windows
of() {
    python3 - "$@" <<'PYTHON' || { echo "not so: $2"; return 1; }
import json, sys
s = json.load(open(sys.argv[1] + "/summary.json"))
m = [line for line in map(json.loads, open(sys.argv[1] + "/metrics.jsonl")) if line.get("phase") == "window"]
w = s["shift"]["windows"]
sys.exit(not eval(sys.argv[2]))
PYTHON
}

# evaluate MODEL NAME: the figures of the model on such a part
evaluate() {
    "$DLTRAIN" eval --model "$1" --config "$box/base.json" --set data.test.images="$box/data/$2-i" --set data.test.labels="$box/data/$2-l" --json
}

digest() { sed -n 's/.*"model_digest": "\(.*\)".*/\1/p' "$1/summary.json"; }

@test "before any learning the figures are those of eval on the first window" {
    needs_python
    evaluate "$box/base/model.safetensors" w0 >eval.json
    python3 - "$box/drifts/summary.json" eval.json <<'PYTHON'
import json, sys
window = json.load(open(sys.argv[1]))["shift"]["windows"][0]
evaluation = json.load(open(sys.argv[2]))["test"]
for figures in (window, window["static"]):
    assert figures["loss"] == evaluation["loss"] and figures["accuracy"] == evaluation["accuracy"]
assert window["samples"] == evaluation["samples"] == 400
PYTHON
}

@test "a model that learns follows the drift, the static one does not, and the drift is found in its window" {
    needs_python
    of "$box/drifts" 's["shift"]["kind"] == "concept" and s["shift"]["detector"] == "adwin" and len(w) == 6'
    of "$box/drifts" '[x["drift"] for x in w] == [False] * 3 + [True] + [False] * 2 and s["shift"]["drifts"] == 1'
    of "$box/drifts" '0 <= w[3]["drift_at"] < 200 and w[0]["drift_at"] is None'
    of "$box/drifts" '[x["action"] for x in w] == [None] * 3 + ["adapt"] + [None] * 2'
    of "$box/drifts" 'w[3]["accuracy"] < 0.2 and w[5]["accuracy"] > 0.7 and w[5]["static"]["accuracy"] < 0.2'
    # The model that is saved and tested is the one behind the last window, which the test part repeats.
    of "$box/drifts" 's["test"]["accuracy"] > 0.9 and s["test"]["accuracy"] > w[5]["accuracy"]'
    evaluate "$box/drifts/model.safetensors" last >eval.json
    python3 -c 'import json, sys; a, b = (json.load(open(f)) for f in sys.argv[1:]); sys.exit(a["test"]["loss"] != b["test"]["loss"])' \
        "$box/drifts/summary.json" eval.json
}

@test "a window has a line in the log and in the metrics, the stream one in the result" {
    needs_python
    [ "$(grep -c '^window ./6  before learning loss .* accuracy .* %  static .* %' "$box/log")" -eq 6 ]
    grep -q '^window 4/6 .*  drift at [0-9]*, adapt$' "$box/log"
    grep -q '^with  *.*a stream of 6 windows watched by adwin' "$box/log"
    grep -q '^figures of  *window 6 of the stream; validation: before it$' "$box/result"
    grep -q '^stream  *6 windows, accuracy before learning .* %, static .* %; 1 with a drift$' "$box/result"
    of "$box/drifts" '[x["window"] for x in m] == list(range(1, 7))'
    of "$box/drifts" 'all(a[k] == b[k] for a, b in zip(m, w) for k in b)'
    # 400 samples in batches of 32, six times over; the rate is that of the config, whatever the schedule was.
    of "$box/drifts" 'all(x["steps"] == 78 for x in m)'
    of "$box/drifts" '[round(x["lr"], 9) for x in m] == [0.005] * 3 + [0.015] + [0.005] * 2'
}

@test "nothing is found in a stream without a drift" {
    needs_python
    of "$box/still" 's["shift"]["drifts"] == 0 and not any(x["drift"] for x in w)'
    of "$box/still" 'all(x["accuracy"] > 0.8 for x in w)'
}

@test "every detector finds the drift in its window" {
    needs_python
    for detector in page_hinkley ddm adwin; do
        level=()
        [ $detector != page_hinkley ] || level=(--set shift.page_hinkley.threshold=20)
        "$DLTRAIN" --config "$box/drifts.json" --set shift.detector=$detector "${level[@]}" --out $detector -q >/dev/null
        of $detector 'w[3]["drift"] and s["shift"]["detector"] == "'$detector'"'
    done
}

@test "threads and instruction sets do not change a bit" {
    for threads in 1 2 3; do
        DLTRAIN_OVERCOMMIT=1 "$DLTRAIN" --config "$box/drifts.json" --set shift.replay=100 --set shift.fresh=true \
            --threads $threads --out t$threads -q >/dev/null
        sed -n '/"shift"/,/"drifts"/p' t$threads/summary.json >t$threads.shift
        cmp t$threads/model.safetensors t1/model.safetensors
        cmp t$threads.shift t1.shift
    done
    "$DLTRAIN" --config "$box/drifts.json" --isa scalar --out scalar -q >/dev/null
    cmp scalar/model.safetensors "$box/drifts/model.safetensors"
}

@test "without epochs the model stays as it was" {
    needs_python
    "$DLTRAIN" --config "$box/drifts.json" --set shift.epochs=0 --set shift.on_drift=reset --out out -q >/dev/null
    [ "$(digest out)" = "$(digest "$box/base")" ]
    [ "$(digest out)" != "$(digest "$box/drifts")" ]
    of out 'all(x["loss"] == x["static"]["loss"] and x["action"] is None for x in w) and w[3]["drift"]'
    of out 'all(x["steps"] == 0 for x in m)'
}

@test "what is done about a drift, and with the optimizer's state, matters" {
    needs_python
    for what in on_drift=reset on_drift=report optimizer_state=reset adapt_factor=1; do
        "$DLTRAIN" --config "$box/drifts.json" --set shift.$what --out $what -q >/dev/null
        [ "$(digest $what)" != "$(digest "$box/drifts")" ]
    done
    # A factor of 1 is a report by another name.
    [ "$(digest adapt_factor=1)" = "$(digest on_drift=report)" ]
    of on_drift=reset 'w[3]["action"] == "reset" and w[4]["accuracy"] > 0.4'
    of on_drift=report 'w[3]["drift"] and all(x["action"] is None for x in w)'
    # Up to the drift all went the same way.
    for what in on_drift=reset on_drift=report; do
        of $what '[x["loss"] for x in w[:4]] == '"$(python3 -c 'import json, sys; print([x["loss"] for x in json.load(open(sys.argv[1]))["shift"]["windows"][:4]])' "$box/drifts/summary.json")"
    done
    # Plain gradient descent has no state.
    for state in keep reset; do
        "$DLTRAIN" --config "$box/drifts.json" --set optimizer.kind=sgd --set shift.optimizer_state=$state --out sgd-$state -q >/dev/null
    done
    [ "$(digest sgd-keep)" = "$(digest sgd-reset)" ]
}

@test "old samples are replayed" {
    needs_python
    "$DLTRAIN" --config "$box/still.json" --set shift.replay=240 --out out -q >/dev/null
    [ "$(digest out)" != "$(digest "$box/still")" ]
    # 640 samples in batches of 32.
    of out 'all(x["steps"] == 120 for x in m)'
    # There are no more than have been seen: 1800 of the training part and the windows.
    "$DLTRAIN" --config "$box/still.json" --set shift.replay=16777216 --set shift.epochs=1 --out all -q >/dev/null
    of all '[x["steps"] for x in m] == [-(-(1800 + 400 * i) // 32) for i in range(1, 7)]'
    # A reset empties the reservoir: the window alone is learned from, and then again what has been seen since.
    "$DLTRAIN" --config "$box/drifts.json" --set shift.replay=640 --set shift.epochs=1 --set shift.on_drift=reset --out reset -q >/dev/null
    of reset '[x["steps"] for x in m] == [33, 33, 33, 13, 25, 33]'
}

@test "a new model for every window is measured on the next" {
    needs_python
    "$DLTRAIN" --config "$box/drifts.json" --set shift.fresh=true --out out -q >/dev/null
    of out 'w[0]["fresh"] is None and all(0 < x["fresh"]["accuracy"] < 1 for x in w[1:])'
    of out 'w[3]["fresh"]["accuracy"] < 0.2 and w[4]["fresh"]["accuracy"] > 0.4'
    of "$box/drifts" 'all(x["fresh"] is None for x in w)'
    # A comparison changes nothing.
    [ "$(digest out)" = "$(digest "$box/drifts")" ]
}

@test "weights of classes act on windows as well" {
    "$DLTRAIN" --config "$box/still.json" --set loss.class_weights=balanced --set train.epochs=0 --out balanced -q >/dev/null
    "$DLTRAIN" --config "$box/still.json" --set 'loss.class_weights=[1,1,1,1,1,1,1,1,1,1]' --set train.epochs=0 --out equal -q >/dev/null
    "$DLTRAIN" --config "$box/still.json" --set train.epochs=0 --out none -q >/dev/null
    [ "$(digest equal)" = "$(digest none)" ]
    [ "$(digest balanced)" != "$(digest none)" ]
}

@test "a refit comes before the stream" {
    needs_python
    "$DLTRAIN" --config "$box/drifts.json" --set train.refit=true --set train.early_stopping.patience=2 --out out -q >/dev/null
    of out 's["refit"]["samples"] == 2000 and len(w) == 6 and w[5]["accuracy"] > 0.4'
    "$DLTRAIN" --config "$box/base.json" --set train.refit=true --set train.early_stopping.patience=2 --out base -q >/dev/null
    evaluate base/model.safetensors w0 >eval.json
    of out 'w[0]["loss"] == json.load(open("eval.json"))["test"]["loss"]'
}

@test "a window that breaks the model ends the run, with the windows so far" {
    needs_python
    run --separate-stderr "$DLTRAIN" --config "$box/drifts.json" --set optimizer.kind=sgd --set optimizer.lr=0.01 \
        --set shift.adapt_factor=1000 --set optimizer.clip_norm=null --set model.layers.0.activation=identity --out out -q
    [ "$status" -eq 5 ]
    [[ $stderr == *"window 4 of the stream"*"diverged"* ]]
    of out 's["stopped_by"] == "diverged" and len(w) == 3 and "window 4" in s["message"]'
    # What is kept has predicted a window, this one, with a finite loss.
    evaluate out/model.safetensors w0 >/dev/null
}

@test "SIGTERM in a window: nothing half-written stays" {
    mkfifo lines
    "$DLTRAIN" --config "$box/drifts.json" --set shift.epochs=300 --out a >result 2>lines 3>&- &
    pid=$!
    exec 4<lines
    while read -r line <&4 && [[ $line != 'window 1'* ]]; do :; done
    kill -TERM $pid
    cat <&4 >log
    exec 4<&-
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    [ ! -s result ]
    tail -n 1 log | grep -Eq 'dltrain: stopped by SIGTERM at window [2-6] of 6; '
    [ "$(ls -A a | grep -v previous | tr '\n' ' ')" = 'checkpoint.safetensors config.json metrics.jsonl ' ]
    run ! grep -qv '}$' a/metrics.jsonl
    [ "$(grep -c window a/metrics.jsonl)" -eq $(($(sed -n 's/.*at window \([0-9]*\) of.*/\1/p' log) - 1)) ]
}

@test "bad windows are found before anything is trained" {
    config=$box/drifts.json
    { u32 2051; u32 10; u32 5; u32 5; head -c 250 /dev/zero; } >narrow
    { u32 2049; u32 10; head -c 10 /dev/zero; } >ten
    fails 4 "shift.stream.1: $PWD/narrow: expected rows of 784 values, found 25" "$DLTRAIN" --config "$config" \
        --set shift.stream.1.images="$PWD/narrow" --set shift.stream.1.labels="$PWD/ten" --out out
    fails 4 "shift.stream.2: $PWD/ten: expected as many labels as images, 400, found 10" "$DLTRAIN" --config "$config" \
        --set shift.stream.2.labels="$PWD/ten" --out out
    fails 4 "shift.stream.0: $PWD/nowhere" "$DLTRAIN" --config "$config" --set shift.stream.0.images="$PWD/nowhere" --out out
    fails 3 'shift.stream: is missing: kind "concept" needs at least one window' "$DLTRAIN" --config "$config" \
        --set 'shift.stream=[]' --out out
    run --separate-stderr "$DLTRAIN" --config "$config" --set 'shift.stream=[{"images": "x"}]' --out out
    [ "$status" -eq 3 ]
    [[ $stderr == *'shift.stream.0.images: needs "labels" beside it'* ]]
    fails 4 "shift.stream.1: $PWD/narrow" "$DLTRAIN" check --config "$config" \
        --set shift.stream.1.images="$PWD/narrow" --set shift.stream.1.labels="$PWD/ten"
    [ ! -e out ]
}

@test "labels that are no classes, and classes that the model lacks" {
    { u32 2051; u32 8; u32 28; u32 28; head -c 6272 /dev/zero; } >images
    { u32 3329; u32 8; head -c 32 /dev/zero; } >floats # 0x0D01
    { u32 2049; u32 8; printf '\001\002\003\004\005\006\007\014'; } >eleven
    fails 3 'shift.kind: "concept" needs class labels, found floating-point targets' "$DLTRAIN" --config "$box/still.json" --set data.test=null \
        --set loss.kind=mse --set data.train.images="$PWD/images" --set data.train.labels="$PWD/floats" --set data.validation=null --out out
    # What only the labels themselves show comes when the window does.
    fails 4 "shift.stream.5: $PWD/eleven" "$DLTRAIN" --config "$box/still.json" -q \
        --set shift.stream.5.images="$PWD/images" --set shift.stream.5.labels="$PWD/eleven" --out out
}

@test "a window whose classes all weigh 0 is watched and not learned from, and the stream goes on" {
    needs_python
    # All of w1 is called 7, which weighs nothing; all else is as in a stream of three windows.
    cp "$box/data/w1-i" "$box/data/seven-i"
    { head -c 8 "$box/data/w1-l"; head -c 400 /dev/zero | tr '\000' '\007'; } >"$box/data/seven-l"
    config_of "$box/weightless.json" w0 seven r3
    weights=(--set 'loss.class_weights=[1,1,1,1,1,1,1,0,1,1]' --set train.epochs=3 --set shift.epochs=2)
    for what in on_drift=adapt on_drift=reset replay=100 fresh=true; do
        "$DLTRAIN" --config "$box/weightless.json" "${weights[@]}" --set shift.$what --out $what >/dev/null 2>$what.log
        of $what '[x["learned"] for x in w] == [True, False, True] and m[1]["steps"] == 0 and m[2]["steps"] > 0'
        of $what 'w[1]["drift"] and w[1]["action"] is None' # nearly all is predicted wrong
        grep -q '^window 2/3 .*  nothing learned$' $what.log
    done
    run ! grep -q '^window [13]/3 .*nothing learned' fresh=true.log
    # What follows goes on with the model of the window before, the new model too.
    of fresh=true 'w[2]["fresh"] is not None'
    config_of "$box/weightless.json" w0
    "$DLTRAIN" --config "$box/weightless.json" "${weights[@]}" --set data.test.images="$box/data/r3-i" --set data.test.labels="$box/data/r3-l" --out short -q >/dev/null
    of on_drift=reset 'w[2]["loss"] == '"$(python3 -c 'import json; print(json.load(open("short/summary.json"))["test"]["loss"])')"
    # The first window may be one.
    config_of "$box/weightless.json" seven w0
    "$DLTRAIN" --config "$box/weightless.json" "${weights[@]}" --set shift.fresh=true --out first -q >/dev/null
    of first '[x["learned"] for x in w] == [False, True] and w[1]["loss"] == w[1]["static"]["loss"] and w[1]["fresh"] is None'
}
