#!/usr/bin/env bats
# Covariate and label shift: estimated, corrected, reported, refused.

load support

# Sources and targets cut from data/digits, with known shares and inks.
make_sets() {
    python3 - "$1" <<'PYTHON'
import gzip, struct, sys
def read(name, header):
    return gzip.open("data/digits/" + name).read()[header:]
pixels, labels = read("train-images-idx3-ubyte.gz", 16), read("train-labels-idx1-ubyte.gz", 8)
image = lambda i: pixels[784 * i : 784 * i + 784]
def write(name, rows, only_images=False):
    with open(f"{sys.argv[1]}/{name}-images", "wb") as f:
        f.write(struct.pack(">4I", 2051, len(rows), 28, 28) + b"".join(map(image, rows)))
    if not only_images:
        with open(f"{sys.argv[1]}/{name}-labels", "wb") as f:
            f.write(struct.pack(">2I", 2049, len(rows)) + bytes(labels[i] for i in rows))
by_class = [[i for i in range(2000, 10000) if labels[i] == c] for c in range(10)]
write("source", range(1000))
write("same", range(1000, 1400))
write("bare", range(1000, 1400), only_images=True)
write("few", range(1000, 1020))
counts = [150, 90, 60, 30, 20, 20, 10, 10, 5, 5]
write("skewed", [i for c in range(10) for i in by_class[c][: counts[c]]])
ink = sorted(range(2000, 4000), key=lambda i: sum(image(i)))
write("inky", sorted(ink[1000:2000:2] + ink[:1000:20]))
write("lacking", [i for i in range(1200) if labels[i] != 9])
write("one", [i for i in range(1000, 2000) if labels[i] == 3])
with open(f"{sys.argv[1]}/narrow-images", "wb") as f:
    f.write(struct.pack(">4I", 2051, 40, 14, 14) + bytes(40 * 196))
PYTHON
}

setup_file() {
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    make_box
    make_sets "$box/data"
    cat >"$box/shift.json" <<'JSON'
{
  "data": {
    "root": "data",
    "train": { "images": "source-images", "labels": "source-labels" },
    "test": { "images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte" }
  },
  "model": { "layers": [{ "units": 24 }] },
  "optimizer": { "lr": 0.1, "momentum": 0.9 },
  "train": { "epochs": 4, "batch_size": 32 }
}
JSON
    cat >"$BATS_FILE_TMPDIR/read.py" <<'PYTHON'
import functools, json, sys
print(functools.reduce(lambda a, k: a[int(k)] if isinstance(a, list) else a[k], sys.argv[2].split("."), json.load(open(sys.argv[1]))))
PYTHON
    target skewed label
    "$DLTRAIN" --config "$box/shift.json" --out "$box/plain" --quiet >/dev/null
    "$DLTRAIN" --config "$box/shift.json" --out "$box/both" "${target[@]}" --set shift.correct=both --quiet \
        >"$box/both.result"
    target inky covariate
    "$DLTRAIN" --config "$box/shift.json" --out "$box/covariate" "${target[@]}" --quiet >"$box/covariate.result"
}
setup() {
    enter
    config=$box/shift.json
}

# target NAME KIND: options that make it the target of a shift of that kind
target() {
    target=(--set "shift.kind=$2" --set "shift.target.images=$box/data/$1-images" --set shift.discriminator.epochs=15)
    [ ! -e "$box/data/$1-labels" ] || target+=(--set "shift.target.labels=$box/data/$1-labels")
    [ "$2" = covariate ] || target+=(--set shift.bootstrap=20)
}
train() { "$DLTRAIN" --config "$config" --out "$1" --quiet --force "${@:2}" >"$1.result"; }
study() { "$DLTRAIN" shift --config "$config" --quiet --json "$@"; }
# number FILE PATH: a value of a JSON file
number() { python3 "$box/read.py" "$@"; }
is() { python3 -c "import sys; sys.exit(not ($1))" || { echo "not so: $1"; return 1; }; }
digest() { number "$1/summary.json" model_digest; }

@test "label shift is detected, its priors are near the truth, and both corrections help" {
    s=$box/both/summary.json
    [ "$(number $s shift.detected)" = True ]
    [ "$(number $s shift.corrected)" = True ]
    is "$(number $s shift.p_value.bbsd) < 1e-6"
    is "sum(abs(a - b) for a, b in zip($(number $s shift.target_priors), $(number $s shift.true_priors))) < 0.1"
    is "$(number $s shift.squared_error) < 0.3"
    is "abs(sum($(number $s shift.target_priors)) - 1) < 1e-9"
    is "all(l <= q <= h for q, (l, h) in zip($(number $s shift.target_priors), $(number $s shift.interval)))"
    is "300 < $(number $s shift.ess) < 700"
    is "$(number $s shift.max_weight) == max($(number $s shift.weights))"
    for way in posthoc retrain; do
        is "$(number $s shift.target.accuracy.$way) >= $(number $s shift.target.accuracy.uncorrected)"
    done
    is "abs(sum(row[3] for row in $(number $s shift.confusion)) - 1) < 1e-9"
    # ESS = (sum w)^2 / sum w^2 over the training samples
    is "(lambda w, p: abs($(number $s shift.ess) - 1000 * sum(a * b for a, b in zip(w, p)) ** 2 / sum(a * a * b for a, b in zip(w, p))) < 1e-6)($(number $s shift.weights), $(number $s shift.source_priors))"
}

@test "covariate shift is detected, and weights.idx has the weights in the order of the file" {
    s=$box/covariate/summary.json
    [ "$(number $s shift.detected)" = True ]
    [ "$(number $s shift.p_value.bbsd)" = None ]
    is "$(number $s shift.p_value.c2st) < 1e-4"
    is "sum($(number $s shift.histogram.counts)) == 1000"
    number $s shift.target.accuracy.weighted
    number $s shift.target.accuracy.uncorrected
    python3 - "$box" <<'PYTHON'
import json, struct, sys
raw = open(sys.argv[1] + "/covariate/weights.idx", "rb").read()
assert raw[:8] == bytes([0, 0, 13, 1]) + struct.pack(">I", 1000), raw[:8]
w = struct.unpack(">1000f", raw[8:])
assert abs(sum(w) / 1000 - 1) < 1e-5 and min(w) >= 0
shift = json.load(open(sys.argv[1] + "/covariate/summary.json"))["shift"]
assert abs(sum(w) ** 2 / sum(x * x for x in w) / shift["ess"] - 1) < 1e-5
assert abs(max(w) / shift["max_weight"] - 1) < 1e-6
data = open(sys.argv[1] + "/data/source-images", "rb").read()[16:]
ink = [sum(data[784 * i : 784 * i + 784]) for i in range(1000)]
order = sorted(range(1000), key=ink.__getitem__)
dark, light = (sum(w[i] for i in part) for part in (order[500:], order[:500]))
assert dark > 1.5 * light, (dark, light)
PYTHON
}

@test "rows held out have weight 0 in weights.idx, and the weighted validation loss decides" {
    target inky covariate
    train held "${target[@]}" --set data.validation.fraction=0.2 --set train.early_stopping.patience=2
    [ "$(number held/summary.json early_stopping.metric)" = validation.weighted_loss ]
    number held/summary.json validation.weighted_loss
    python3 - held/weights.idx <<'PYTHON'
import struct, sys
w = struct.unpack(">1000f", open(sys.argv[1], "rb").read()[8:])
assert sum(x == 0 for x in w) == 200, sum(x == 0 for x in w)
assert abs(sum(w) / 800 - 1) < 1e-5
PYTHON
}

@test "where nothing is detected the model is that of a run without shift, to the bit" {
    for kind in label covariate; do
        target same $kind
        for correct in posthoc retrain both; do
            [ $kind = label ] || [ $correct = posthoc ] || continue
            set_correct=(); [ $kind = covariate ] || set_correct=(--set shift.correct=$correct)
            train run "${target[@]}" "${set_correct[@]}"
            [ "$(number run/summary.json shift.detected)" = False ]
            [ "$(digest run)" = "$(digest "$box/plain")" ]
            is "$(number run/summary.json shift.max_weight) == 1"
            is "$(number run/summary.json shift.ess) == 1000"
            [ ! -e run/posthoc.safetensors ]
        done
    done
    # Also where the uncorrected training was in doubt of being the search.
    target same label
    train held "${target[@]}" --set data.validation.fraction=0.2 --set shift.correct=retrain
    train plain --set data.validation.fraction=0.2
    [ "$(digest held)" = "$(digest plain)" ]
    run ! grep -q uncorrected held/metrics.jsonl
    cut -d , -f 1-2 held/metrics.jsonl | cmp - <(cut -d , -f 1-2 plain/metrics.jsonl)
}

@test "force corrects all the same" {
    target same label
    train run "${target[@]}" --set shift.force=true --set shift.correct=retrain
    [ "$(number run/summary.json shift.detected)" = False ]
    [ "$(number run/summary.json shift.corrected)" = True ]
    [ "$(digest run)" != "$(digest "$box/plain")" ]
}

@test "threads and instruction sets change no bit" {
    for kind in label covariate; do
        target skewed $kind
        target+=(--set shift.folds=2 --set shift.discriminator.epochs=3 --set train.epochs=2) # scalar code is slow
        for t in 1 2 7; do
            DLTRAIN_OVERCOMMIT=1 train run$t "${target[@]}" --threads $t
        done
        for t in 2 7; do
            [ "$(digest run$t)" = "$(digest run1)" ]
            diff <(number run$t/summary.json shift) <(number run1/summary.json shift)
        done
        [ $kind = label ] || cmp run1/weights.idx run7/weights.idx
        train scalar "${target[@]}" --isa scalar
        [ "$(digest scalar)" = "$(digest run1)" ]
        diff <(number scalar/summary.json shift) <(number run1/summary.json shift)
        [ $kind = label ] || cmp run1/weights.idx scalar/weights.idx
    done
}

@test "posthoc gives the probabilities of the model, calibrated and times the weights" {
    target skewed label
    train post "${target[@]}" --set shift.method=bbse
    for m in "$box/plain" post; do
        "$DLTRAIN" predict --model $m/model.safetensors --images "$box/data/same-images" --format jsonl >"$(basename $m).jsonl"
    done
    python3 - <<'PYTHON'
import json, math
a = [json.loads(l) for l in open("plain.jsonl")]
b = [json.loads(l) for l in open("post.jsonl")]
key = next(k for k in a[0] if isinstance(a[0][k], list))
# log p' = log p / T + offset + const: differences between classes are linear in those of the plain model, with
# 1 / T as the slope of all rows and an offset for each class.
logs = lambda rows: [[math.log(max(p, 1e-30)) for p in r[key]] for r in rows]
A, B = logs(a), logs(b)
def pairs(c):
    return [(x[c] - x[0], y[c] - y[0]) for x, y in zip(A, B) if min(x[c], x[0], y[c], y[0]) > -60]
slopes = []
for c in range(1, 10):
    p = pairs(c)
    if not p: # an estimated weight of 0
        continue
    mx, my = sum(u for u, _ in p) / len(p), sum(v for _, v in p) / len(p)
    s = sum((u - mx) * (v - my) for u, v in p) / sum((u - mx) ** 2 for u, _ in p)
    assert max(abs(v - my - s * (u - mx)) for u, v in p) < 1e-4, c
    slopes.append(s)
temperature = json.load(open("post/summary.json"))["calibration"]["temperature"]
assert len(slopes) > 5 and all(abs(s * temperature - 1) < 1e-4 for s in slopes), slopes
PYTHON
    # and eval finds the accuracy on the target that the summary reports
    mkdir target
    cp "$box/data/skewed-images" target/t10k-images-idx3-ubyte
    cp "$box/data/skewed-labels" target/t10k-labels-idx1-ubyte
    "$DLTRAIN" eval --model post/model.safetensors --data target --json >eval
    [ "$(number eval test.accuracy)" = "$(number post/summary.json shift.target.accuracy.posthoc)" ]
}

@test "both keeps the retrained model and posthoc.safetensors beside it" {
    target skewed label
    train retrain "${target[@]}" --set shift.correct=retrain
    train post "${target[@]}" --set shift.correct=posthoc
    [ "$(digest retrain)" = "$(digest "$box/both")" ]
    [ "$(digest post)" != "$(digest "$box/plain")" ]
    for m in post/model "$box/both/posthoc"; do
        "$DLTRAIN" predict --model $m.safetensors --images "$box/data/same-images" >"$(basename $m).csv"
    done
    cmp model.csv posthoc.csv
    [ ! -e retrain/posthoc.safetensors ]
    # lines of the training that was only for comparison say so
    [ "$(grep -c '"phase": "uncorrected"' "$box/both/metrics.jsonl")" -eq 4 ]
    [ "$(wc -l <"$box/both/metrics.jsonl")" -eq 8 ]
    # a new run leaves nothing of the old one
    cp -r "$box/both" again
    train again
    [ ! -e again/posthoc.safetensors ]
}

@test "label weights are class weights" {
    target skewed label
    train retrain "${target[@]}" --set shift.correct=retrain
    train weights --set "loss.class_weights=$(number retrain/summary.json shift.weights)"
    [ "$(digest retrain)" = "$(digest weights)" ]
    # and multiply those of the config
    twice='[2,1,1,1,1,1,1,1,1,1]'
    train product "${target[@]}" --set shift.correct=retrain --set "loss.class_weights=$twice"
    weights=$(number product/summary.json shift.weights)
    train weights --set "loss.class_weights=$(python3 -c "print([a * b for a, b in zip($weights, $twice)])")"
    [ "$(digest product)" = "$(digest weights)" ]
}

@test "sample weights are those of weights.idx" {
    target inky covariate
    train file --set "data.train.weights=$box/covariate/weights.idx"
    is "abs($(number file/summary.json train.loss) / $(number "$box/covariate/summary.json" train.loss) - 1) < 1e-3"
    run ! grep -q '"weights": ""' "$box/covariate/summary.json"
}

@test "estimates are of samples that all count the same" {
    target inky covariate
    awk 'BEGIN { for (i = 0; i < 1000; i++) print 1 + i % 3 }' >weights.txt
    fails 3 'data.train.weights: does not go with shift.kind "covariate"' \
        "$DLTRAIN" "${target[@]}" --config "$box/shift.json" --set "data.train.weights=$PWD/weights.txt" --out weighted
}

@test "every option of an estimator acts" {
    target skewed label
    for o in method=mlls method=bbse method=rlls strength=0.5 folds=3; do
        study "${target[@]}" --set shift.$o >"$o"
    done
    study "${target[@]}" --set shift.method=bbse --set shift.soft=true >soft
    study "${target[@]}" --set shift.method=rlls --set shift.alpha=0.5 >alpha
    [ "$(for f in method=* soft alpha folds=3; do number $f shift.estimated_weights; done | sort -u | wc -l)" -eq 6 ]
    is "all(abs(a - 1 - 0.5 * (b - 1)) < 1e-12 for a, b in zip($(number strength=0.5 shift.weights), $(number strength=0.5 shift.estimated_weights)))"
    study "${target[@]}" --set shift.bootstrap=0 >bare
    [ "$(number bare shift.interval)" = None ]
    target inky covariate
    study "${target[@]}" >clip
    study "${target[@]}" --set shift.clip=2 >tight
    study "${target[@]}" --set shift.alpha=0.5 >relative
    study "${target[@]}" --set 'shift.layers=[{"units":8}]' >deep
    study "${target[@]}" --set shift.discriminator.epochs=2 >short
    [ "$(for f in clip tight relative deep short; do number $f shift.ess; done | sort -u | wc -l)" -eq 5 ]
    is "$(number tight shift.share_clipped) > $(number clip shift.share_clipped)"
    [ "$(number relative shift.clip)" = None ]
}

@test "kliep and rulsif weigh samples by their inputs" {
    python3 - "$box/data" <<'PYTHON'
import random, struct, sys
random.seed(5)
def write(name, x, y=None):
    open(f"{sys.argv[1]}/{name}-images", "wb").write(struct.pack(">4B2I", 0, 0, 13, 2, len(x), 1) + struct.pack(f">{len(x)}f", *x))
    if y is not None:
        open(f"{sys.argv[1]}/{name}-labels", "wb").write(struct.pack(">2I", 2049, len(y)) + bytes(y))
x = [random.gauss(0, 1) for _ in range(400)]
write("line", x, [v > 0.5 for v in x])
write("moved", [random.gauss(1, 1) for _ in range(300)])
PYTHON
    files="{\"images\":\"$box/data/line-images\",\"labels\":\"$box/data/line-labels\"}"
    target moved covariate
    for method in classifier kliep rulsif; do
        train $method "${target[@]}" --set "data.train=$files" --set data.test=null --set data.scale=standardize \
            --set shift.method=$method
        python3 - "$box/data/line-images" $method/weights.idx <<'PYTHON'
import struct, sys
x = struct.unpack(">400f", open(sys.argv[1], "rb").read()[12:])
w = struct.unpack(">400f", open(sys.argv[2], "rb").read()[8:])
up, down = (sum(b for a, b in zip(x, w) if keep(a)) / sum(map(keep, x)) for keep in (lambda a: a > 0.5, lambda a: a < -0.5))
assert up > 2 * down, (up, down)
PYTHON
    done
    study "${target[@]}" --set "data.train=$files" --set data.test=null --set shift.method=kliep --set shift.bandwidth=0.7 >narrow
    is "$(number narrow shift.bandwidth) == 0.7"
}

@test "shift prints a page or the summary's names, writes nothing, and can fail" {
    target skewed label
    "$DLTRAIN" shift --config "$config" "${target[@]}" >page 2>log
    grep -q '^verdict: shift detected (BBSD)$' page
    grep -q '^  C2ST ' page
    grep -qE '^  3 +0\.[0-9]+ +0\.[0-9]+ ' page
    study "${target[@]}" >json
    python3 - json "$box/both/summary.json" <<'PYTHON'
import json, sys
a, b = (json.load(open(f))["shift"] for f in sys.argv[1:])
b["target"].pop("loss"), b["target"].pop("accuracy")
assert list(a) == list(b), set(a) ^ set(b)
a.pop("correct"), b.pop("correct")
assert a == b, [k for k in a if a[k] != b[k]]
PYTHON
    run "$DLTRAIN" shift --config "$config" "${target[@]}" --fail-on-shift --quiet
    [ "$status" -eq 1 ]
    target same label
    run --separate-stderr "$DLTRAIN" shift --config "$config" "${target[@]}" --fail-on-shift --quiet
    [ "$status" -eq 0 ]
    [[ $output == *"verdict: no shift detected (BBSD); weights stay 1"* ]]
    target inky covariate
    run --separate-stderr "$DLTRAIN" shift --config "$config" "${target[@]}" --fail-on-shift --quiet
    [ "$status" -eq 1 ]
    [[ $output == *"verdict: shift detected (C2ST)"*AUC*"largest weight"* || $output == *AUC*"verdict: shift detected (C2ST)"*"largest weight"* ]]
    [ ! -e runs ]
}

@test "with a validation part the trained model tells the shift, and refit keeps the correction" {
    target skewed label
    stop=(--set data.validation.fraction=0.25 --set train.early_stopping.patience=3)
    study "${target[@]}" "${stop[@]}" >json
    train run "${target[@]}" "${stop[@]}" --set shift.correct=both
    [ "$(number json shift.weights)" = "$(number run/summary.json shift.weights)" ]
    is "$(number run/summary.json shift.samples) == 750"
    grep -q '"phase": "uncorrected"' run/metrics.jsonl
    grep -q '"weighted_loss"' run/metrics.jsonl
    for correct in posthoc retrain; do
        train refit "${target[@]}" "${stop[@]}" --set train.refit=true --set shift.correct=$correct
        grep -q '"phase": "refit"' refit/metrics.jsonl
        is "$(number refit/summary.json shift.target.accuracy.$correct) > 0.5"
    done
}

@test "fewer than 30 samples of the target correct nothing" {
    target few label
    train run "${target[@]}"
    [ "$(number run/summary.json shift.detected)" = False ]
    [ "$(digest run)" = "$(digest "$box/plain")" ]
    [[ $(number run/summary.json warnings) == *"only 20 samples of the target"*"nothing is corrected"* ]]
    # on the terminal, too, unless it is to be quiet
    "$DLTRAIN" shift --config "$config" "${target[@]}" >page 2>log
    grep -q '^dltrain: warning: .*only 20 samples of the target' log
    for form in "" --json; do
        "$DLTRAIN" shift --config "$config" "${target[@]}" --quiet $form >page 2>log
        [ -s page ] && [ ! -s log ]
    done
}

@test "a class that the source lacks weighs 0, with a warning" {
    target skewed label
    files="{\"images\":\"$box/data/lacking-images\",\"labels\":\"$box/data/lacking-labels\"}"
    train run "${target[@]}" --set "data.train=$files" --set data.classes=10 --set shift.correct=both --set shift.force=true
    [[ $(number run/summary.json warnings) == *"no sample of class 9"* ]]
    is "$(number run/summary.json shift.weights)[9] == 0"
    is "$(number run/summary.json shift.target_priors)[9] == 0"
}

@test "a target of one class is borne" {
    target one label
    for method in mlls bbse rlls; do
        train run "${target[@]}" --set shift.method=$method --set shift.correct=both
        is "$(number run/summary.json shift.target_priors)[3] > 0.8"
    done
}

@test "a model that tells nothing apart is warned of: its confusion matrix is singular" {
    target skewed label
    for method in mlls bbse rlls; do
        train run "${target[@]}" --set shift.method=$method --set train.epochs=0 --set shift.force=true --set model.output.init=zeros --set model.output.bias_init=zeros
        [[ $(number run/summary.json warnings) == *"nearly singular"* ]]
        is "max(abs(w - 1) for w in $(number run/summary.json shift.weights)) < 0.05"
        [ "$(number run/summary.json shift.condition)" = None ] # infinite
    done
}

@test "a net that fits its training data is warned that weights hardly act" {
    target skewed label
    files="{\"images\":\"$box/data/train-images-idx3-ubyte\",\"labels\":\"$box/data/train-labels-idx1-ubyte\"}"
    train run "${target[@]}" --set shift.correct=retrain --set "data.train=$files" --set train.epochs=60 --set shift.force=true
    [[ $(number run/summary.json warnings) == *"Byrd and Lipton"* ]]
}

@test "what is wrong is said in one line" {
    target same label
    fails 3 "shift.target: is missing" "$DLTRAIN" --config "$config" --set shift.kind=label --quiet
    fails 3 "shift.folds" "$DLTRAIN" --config "$config" "${target[@]}" --set shift.folds=1 --quiet
    fails 3 "shift.folds: expected at most 500" "$DLTRAIN" --config "$config" "${target[@]}" --set shift.folds=1000 --set data.validation.fraction=0.5 --quiet
    fails 3 "shift.kind: \"label\" needs loss.kind \"cross_entropy\"" "$DLTRAIN" --config "$config" "${target[@]}" --set loss.kind=mse --quiet
    fails 3 "train.calibrate: does not go with" "$DLTRAIN" --config "$config" "${target[@]}" --set train.calibrate=true --set data.validation.fraction=0.2 --quiet
    fails 4 "shift.target: $box/data/nowhere: " "$DLTRAIN" --config "$config" "${target[@]}" --set shift.target.images="$box/data/nowhere" --quiet
    target narrow label
    fails 4 "expected rows of 784 values, found 196" "$DLTRAIN" --config "$config" "${target[@]}" --quiet
    fails 4 "narrow-images" "$DLTRAIN" check --config "$config" "${target[@]}"
    target narrow covariate
    fails 4 "shift.target: " "$DLTRAIN" shift --config "$config" "${target[@]}" --quiet
    for kind in none concept; do
        fails 3 "shift.kind: needs \"covariate\" or \"label\", got \"$kind\"" "$DLTRAIN" shift --config "$config" --set shift.kind=$kind --quiet
    done
    fails 2 "shift needs --config FILE" "$DLTRAIN" shift
    [ -z "$(ls -A | grep -v '\.result$')" ]
}

@test "check names the shift among the methods, and opens its target" {
    target skewed label
    "$DLTRAIN" check --config "$config" "${target[@]}" | grep -q '^with .*label shift by mlls, posthoc'
}

@test "an interrupt ends the estimation" {
    target skewed label
    "$DLTRAIN" --config "$config" "${target[@]}" --set train.epochs=100000 --out run --quiet &
    pid=$!
    until [ -e run/config.json ]; do kill -0 $pid; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    [ ! -e run/summary.json ]
}

# interrupted TEXT COMMAND...: on a terminal of its own, Ctrl-C as soon as the live line has the text; the
# command must die of it with nothing on stdout.
interrupted() {
    python3 -c 'import pty; pty.openpty()' 2>/dev/null || skip "no terminal to be had here"
    python3 - "$@" <<'PYTHON'
import os, pty, re, signal, sys
pid, terminal = pty.fork()
if pid == 0:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ["TERM"] = "xterm"
    os.dup2(os.open("page", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), 1)
    os.execv(sys.argv[2], sys.argv[2:])
seen, pressed = b"", False
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    seen += read
    if not pressed and re.search(sys.argv[1].encode(), seen):
        pressed = os.write(terminal, b"\x03") == 1
status = os.waitpid(pid, 0)[1]
print(seen[-300:])
assert pressed, "never on the live line"
assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
assert os.path.getsize("page") == 0, "it went on to the end"
PYTHON
}

@test "Ctrl-C ends a bootstrap, kliep and rulsif in the middle" {
    target skewed label
    target+=(--set shift.discriminator.epochs=1 --set shift.folds=2 --threads 1)
    for method in mlls rlls; do
        interrupted 'bootstrap [0-9]+/100000' "$DLTRAIN" shift --config "$config" "${target[@]}" \
            --set shift.bootstrap=100000 --set shift.method=$method
    done
    interrupted 'bootstrap [0-9]+/100000' "$DLTRAIN" --config "$config" "${target[@]}" --out run \
        --set shift.bootstrap=100000 --set data.validation.fraction=0.2
    [ ! -e run/summary.json ]
    target inky covariate
    target+=(--set shift.discriminator.epochs=1 --threads 1)
    for method in kliep rulsif; do
        interrupted 'bandwidth [1-9]/9' "$DLTRAIN" shift --config "$config" "${target[@]}" \
            --set shift.method=$method --set shift.centers=500
    done
}

@test "kliep and rulsif warn of inputs of many features" {
    target inky covariate
    for method in classifier kliep; do
        study "${target[@]}" --set shift.method=$method --set shift.discriminator.epochs=1 >$method
    done
    [[ $(number kliep warnings) == *"784 features, more than 200"* ]]
    [[ $(number classifier warnings) != *"features"* ]]
}
