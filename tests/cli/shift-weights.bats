#!/usr/bin/env bats
# What the weights of a shift act on: parts with other shares of the classes, validation files that lack one, a refit, a
# labelled target; held against what python computes from predictions.

load support

# Normal clouds in six dimensions, a class each: small, quick to learn, and never quite told apart.
make_clouds() {
    python3 - "$1" <<'PYTHON'
import random, struct, sys
CENTERS = [[0, 0, 0, 0, 0, 0], [2, 0, 1, 0, 0, -1], [0, 2, 0, -1, 1, 0], [-1, 1, 2, 0, 0, 2]]
def write(name, rows, labels=None):
    with open(f"{sys.argv[1]}/{name}-i", "wb") as f:
        f.write(struct.pack(">4B2I", 0, 0, 13, 2, len(rows), 6) + b"".join(struct.pack(">6f", *r) for r in rows))
    if labels is not None and isinstance(labels[0], float):
        with open(f"{sys.argv[1]}/{name}-l", "wb") as f:
            f.write(struct.pack(">4BI", 0, 0, 13, 1, len(labels)) + struct.pack(f">{len(labels)}f", *labels))
    elif labels is not None:
        with open(f"{sys.argv[1]}/{name}-l", "wb") as f:
            f.write(struct.pack(">2I", 2049, len(labels)) + bytes(labels))
def cloud(name, counts, seed):
    rng = random.Random(seed)
    labels = [c for c, n in enumerate(counts) for _ in range(n)]
    rng.shuffle(labels)
    write(name, [[m + rng.gauss(0, 1) for m in CENTERS[c]] for c in labels], labels)
cloud("train", [160, 160, 160, 120], 1)
cloud("other", [40, 40, 40, 200], 2) # for validation: other shares than the training files
cloud("lacks", [80, 100, 120, 0], 3)
cloud("holed", [80, 80, 0, 60], 9)
cloud("strangers", [0, 0, 60, 0], 10)
cloud("like-train", [108, 107, 107, 80], 4)
cloud("like-other", [50, 50, 50, 250], 5)
cloud("skewed", [200, 100, 60, 40], 6)
cloud("skewed-test", [200, 100, 60, 40], 7)
# One input that the target has more of, with outliers far along it; float targets of a line and a bend.
rng = random.Random(8)
def line(name, n, move, outliers={}):
    rows = [[rng.gauss(move * (d == 0), 1) for d in range(6)] for _ in range(n)]
    for row, at in outliers.items():
        rows[row][0] = at
    write(name, rows, [r[0] + 0.5 * r[0] ** 2 + rng.gauss(0, 0.1) for r in rows])
line("line", 500, 0)
line("moved", 150, 0.7)
line("many", 2000, 0.7)
line("strange", 300, 0.7, {17: 12.0, 120: 20.0, 299: 9.0})
PYTHON
}

# What the tests ask python for: summaries, predictions, the last biases of a model.
make_helper() {
    cat >"$1" <<'PYTHON'
import json, math, struct, subprocess, sys, os
box, dltrain = os.environ["box"], os.environ["DLTRAIN"]
def summary(run): return json.load(open(f"{run}/summary.json"))
def shift(run): return summary(run)["shift"]
def floats(path):
    raw = open(path, "rb").read()
    return struct.unpack(f">{(len(raw) - 8) // 4}f", raw[8:])
def labels(name): return list(open(f"{box}/data/{name}-l", "rb").read()[8:])
def shares(l, classes=4): return [l.count(c) / len(l) for c in range(classes)]
def predict(model, name):
    out = subprocess.run([dltrain, "predict", "--model", model, "--images", f"{box}/data/{name}-i", "--format", "jsonl"],
                         check=True, capture_output=True, text=True).stdout
    rows = [json.loads(l) for l in out.splitlines()]
    key = next(k for k in rows[0] if isinstance(rows[0][k], list))
    return [r[key] for r in rows]
def losses(model, name): return [-math.log(p[c]) for p, c in zip(predict(model, name), labels(name))]
def mean(x): return sum(x) / len(x)
def biases(model):
    raw = open(model, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    begin, end = header[max(k for k in header if k.endswith(".bias"))]["data_offsets"]
    return struct.unpack(f"<{(end - begin) // 4}f", raw[8 + size + begin : 8 + size + end])
def near(a, b, tolerance=1e-5): assert abs(a - b) <= tolerance * max(1, abs(b)), (a, b)
exec(sys.stdin.read())
PYTHON
}

setup_file() {
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    box=$BATS_FILE_TMPDIR
    mkdir "$box/data"
    make_clouds "$box/data"
    make_helper "$box/helper.py"
    cat >"$box/clouds.json" <<'JSON'
{
  "data": { "root": "data", "train": { "images": "train-i", "labels": "train-l" }, "scale": "none" },
  "model": { "layers": [{ "units": 8, "activation": "tanh" }] },
  "optimizer": { "lr": 0.1, "momentum": 0.9 },
  "train": { "epochs": 6, "batch_size": 32 }
}
JSON
    cat >"$box/line.json" <<'JSON'
{
  "data": { "root": "data", "train": { "images": "line-i", "labels": "line-l" }, "scale": "none" },
  "loss": { "kind": "mse" },
  "optimizer": { "lr": 0.02 },
  "train": { "epochs": 8, "batch_size": 32 },
  "shift": { "kind": "covariate", "target": { "images": "moved-i", "labels": "moved-l" }, "discriminator": { "epochs": 20 } }
}
JSON
}
setup() {
    enter
    config=$box/clouds.json
}

# label NAME: options that correct a shift of labels to that target
label() {
    target=(--set shift.kind=label --set "shift.target.images=$box/data/$1-i" --set "shift.target.labels=$box/data/$1-l"
        --set shift.bootstrap=20 --set shift.discriminator.epochs=1)
}
validate() { validation=(--set "data.validation.images=$box/data/$1-i" --set "data.validation.labels=$box/data/$1-l"); }
train() { "$DLTRAIN" --config "$config" --out "$1" --quiet --force "${@:2}" >"$1.result"; }
# checks: python with the helpers, on standard input
checks() { box=$box DLTRAIN=$DLTRAIN python3 "$box/helper.py"; }

@test "a class that the validation files lack keeps its share and has a neutral place" {
    label skewed
    validate lacks
    train plain "${validation[@]}"
    for method in mlls bbse rlls; do
        train $method "${validation[@]}" "${target[@]}" --set shift.method=$method
        method=$method checks <<'PYTHON'
run = os.environ["method"]
s = shift(run)
assert s["corrected"] and any("validation part has no sample of class 3" in w["text"] for w in summary(run)["warnings"])
for priors in s["target_priors"], s["estimated_target_priors"]:
    near(sum(priors), 1, 1e-12)
near(s["target_priors"][3], 0.2, 1e-12)
near(s["weights"][3], 1, 1e-12)
assert s["interval"][3] == [None, None] == s["weight_interval"][3]
assert all(None not in i and i[0] <= i[1] for i in s["interval"][:3])
# The biases moved by t (b_c + log w_c); w over the share of the validation part, as the model has it.
t = summary(run)["calibration"]["temperature"]
moved = [(b - a) / t for a, b in zip(biases("plain/model.safetensors"), biases(run + "/model.safetensors"))]
held = shares(labels("lacks"))
b = [moved[c] - math.log(s["target_priors"][c] / held[c]) for c in range(3)]
near(moved[3], mean(b))
PYTHON
    done
}

@test "the weighted validation loss is that of samples with the target's shares" {
    label skewed
    validate other
    train run "${validation[@]}" "${target[@]}" --set shift.correct=retrain
    checks <<'PYTHON'
s, l = shift("run"), labels("other")
weight = [s["target_priors"][c] / shares(l)[c] for c in l]
loss = losses("run/model.safetensors", "other")
figures = summary("run")["validation"]
near(figures["loss"], mean(loss))
near(figures["weighted_loss"], sum(w * x for w, x in zip(weight, loss)) / sum(weight))
assert abs(figures["weighted_loss"] - figures["loss"]) > 0.02
assert s["source_priors"] == shares(labels("train"))
PYTHON
}

@test "only a target with other shares than the training files is a shift of labels" {
    validate other
    for name in like-train like-other; do
        label $name
        train $name "${validation[@]}" "${target[@]}"
    done
    checks <<'PYTHON'
assert not shift("like-train")["detected"] and shift("like-train")["p_value"]["bbsd"] > 0.2
assert shift("like-other")["detected"] and shift("like-other")["p_value"]["bbsd"] < 1e-6
# What is estimated is over the training files' shares, too.
for name in "like-train", "like-other":
    for w, q, p in zip(shift(name)["estimated_weights"], shares(labels(name)), shares(labels("train"))):
        near(w, q / p, 0.25)
PYTHON
}

@test "a refit is trained by weights; figures of the target are of the models they say" {
    label skewed
    stop=(--set data.validation.fraction=0.25 --set train.early_stopping.patience=2)
    for correct in retrain both posthoc; do
        train $correct "${stop[@]}" "${target[@]}" --set shift.correct=$correct
        train refit-$correct "${stop[@]}" "${target[@]}" --set shift.correct=$correct --set train.refit=true
    done
    # By the classes' weights on all rows, for as many epochs.
    weights=$(checks <<<'s = shift("refit-retrain"); p = shares(labels("train")); print([q / x for q, x in zip(s["target_priors"], p)])')
    epochs=$(checks <<<'print(summary("refit-retrain")["refit"]["epochs"])')
    train all --set "loss.class_weights=$weights" --set train.epochs="$epochs"
    train plain "${stop[@]}" --set train.refit=true
    label like-train
    train same "${stop[@]}" "${target[@]}" --set train.refit=true
    checks <<'PYTHON'
digest = lambda run: summary(run)["model_digest"]
worth = lambda run: shift(run)["target"]
assert digest("refit-retrain") == digest("all")
assert digest("refit-both") == digest("all")
def is_of(model, loss, accuracy, name="skewed"):
    p, l = predict(model, name), labels(name)
    near(loss, mean([-math.log(x[c]) for x, c in zip(p, l)]))
    near(accuracy, mean([max(range(4), key=x.__getitem__) == c for x, c in zip(p, l)]))
def of(run, which): return worth(run)["loss"][which], worth(run)["accuracy"][which]
# retrain, both: of the searches, which the run without a refit saves.
is_of("retrain/model.safetensors", *of("refit-retrain", "retrain"))
is_of("refit-both/posthoc.safetensors", *of("refit-both", "posthoc"))
assert worth("refit-retrain") == worth("retrain") and worth("refit-both") == worth("both")
assert of("retrain", "uncorrected") == of("both", "uncorrected") == of("posthoc", "uncorrected")
# posthoc, and where nothing is corrected: of the refit.
is_of("refit-posthoc/model.safetensors", *of("refit-posthoc", "posthoc"))
is_of("plain/model.safetensors", *of("refit-posthoc", "uncorrected"))
assert of("refit-posthoc", "uncorrected") != of("posthoc", "uncorrected")
assert not shift("same")["corrected"] and digest("same") == digest("plain")
is_of("plain/model.safetensors", *of("same", "uncorrected"), "like-train")
PYTHON
}

@test "a regression's target has a loss, and a refit by covariate shift its weights" {
    config=$box/line.json
    none=(--set shift.kind=none --set shift.target=null --set shift.discriminator=null)
    python3 - "$box/line.json" >plain.json <<'PYTHON'
import json, sys
c = json.load(open(sys.argv[1]))
del c["shift"]
c["data"]["root"] = sys.argv[1].rsplit("/", 1)[0] + "/data"
print(json.dumps(c))
PYTHON
    "$DLTRAIN" --config plain.json --out plain --quiet >/dev/null
    train run
    grep -q '^target loss  *[0-9.]* uncorrected$' run.result
    grep -q '^target loss  *[0-9.]* by weights$' run.result
    checks <<'PYTHON'
t = shift("run")["target"]
assert "accuracy" not in t and list(t["loss"]) == ["uncorrected", "weighted"]
y = floats(f"{box}/data/moved-l")
for which, run in ("uncorrected", "plain"), ("weighted", "run"):
    near(t["loss"][which], mean([(p[0] - v) ** 2 / 2 for p, v in zip(predict(run + "/model.safetensors", "moved"), y)]))
assert t["loss"]["weighted"] < t["loss"]["uncorrected"]
PYTHON
    stop=(--set data.validation.fraction=0.2 --set train.early_stopping.patience=3 --set train.refit=true)
    train refit "${stop[@]}"
    "$DLTRAIN" --config plain.json --out plain-refit --quiet "${stop[@]}" >/dev/null
    checks <<'PYTHON'
assert summary("refit")["refit"]["samples"] == 500
assert summary("refit")["model_digest"] != summary("plain-refit")["model_digest"]
y = floats(f"{box}/data/moved-l")
loss = lambda run: mean([(p[0] - v) ** 2 / 2 for p, v in zip(predict(run + "/model.safetensors", "moved"), y)])
assert loss("refit") < loss("plain-refit")
assert abs(shift("refit")["target"]["loss"]["weighted"] - loss("refit")) > 1e-6 # that is the search's
PYTHON
}

@test "ratios are of densities, whatever the sizes of source and target" {
    config=$box/line.json
    for name in moved many; do
        train $name --set "shift.target.images=$box/data/$name-i" --set "shift.target.labels=$box/data/$name-l" --set shift.clip=null
    done
    checks <<'PYTHON'
x = open(f"{box}/data/line-i", "rb").read()[12:]
x = struct.unpack(f">{len(x) // 4}f", x)[::6]
true = [math.exp(0.7 * v - 0.7 ** 2 / 2) for v in x] # N(0.7, 1) over N(0, 1)
for run in "moved", "many":
    w = floats(run + "/weights.idx")
    near(mean(w), 1, 1e-6)
    near(shift(run)["mean_ratio"], 1, 0.2)
    # Where the source is dense the true ratio is met within sampling error.
    near(mean([math.log(a / b) for a, b in zip(w, true)]), 0, 0.2)
    near(mean([a / b for a, b, v in zip(w, true, x) if abs(v) < 0.5]), 1, 0.2)
PYTHON
}

@test "a clip of null and of 0 is none, and rulsif has none" {
    config=$box/line.json
    for clip in null 0 10 1.2; do
        train clip-$clip --set shift.clip=$clip
    done
    train default
    checks <<'PYTHON'
w = {run: floats(f"{run}/weights.idx") for run in ("clip-null", "clip-0", "clip-10", "clip-1.2", "default")}
assert w["clip-null"] == w["clip-0"] and w["default"] == w["clip-10"] and w["clip-1.2"] != w["clip-0"]
assert shift("clip-0")["share_clipped"] is None is shift("clip-null")["share_clipped"]
assert shift("clip-null")["clip"] is None and shift("default")["clip"] == 10
assert shift("clip-1.2")["share_clipped"] > 0.1
# Cut to one value, the largest, whatever the normalisation.
assert sum(v == max(w["clip-1.2"]) for v in w["clip-1.2"]) / 500 == shift("clip-1.2")["share_clipped"]
PYTHON
    fails 3 'shift.clip=5: is only for method "classifier" or "kliep", but method is "rulsif"' \
        "$DLTRAIN" --config "$config" --set shift.method=rulsif --set shift.clip=5 --out refused
    train rulsif --set shift.method=rulsif
    checks <<<'assert shift("rulsif")["clip"] is None and max(floats("rulsif/weights.idx")) < 10 / shift("rulsif")["mean_ratio"]'
}

@test "the samples most unlike the source are the planted outliers" {
    config=$box/line.json
    "$DLTRAIN" shift --config "$config" --set "shift.target.images=$box/data/strange-i" --set "shift.target.labels=$box/data/strange-l" \
        --quiet --json >strange.json
    python3 -c 'import json, sys; u = json.load(open("strange.json"))["shift"]["target"]["most_unlike"]; sys.exit(not (len(u) == 8 and set(u[:3]) == {17, 120, 299}))'
}

@test "a divergence of the models for out-of-fold predictions names the config's own keys" {
    label skewed
    run --separate-stderr "$DLTRAIN" --config "$config" "${target[@]}" --set model.layers=[] --set loss.kind=cross_entropy \
        --set model.output.init=normal --set model.output.std=1e6 --set optimizer.lr=1000 --set regularization.l2=1000 --set regularization.l1_method=subgradient --out run --quiet
    [ "$status" -eq 5 ]
    [[ $stderr == *"shift: cross-fitting: fold 1 of 5: training diverged in epoch "*": model.output: its "* ]]
}

@test "a forced resample leaves nothing of an earlier one" {
    sample() { "$DLTRAIN" resample --config "$box/clouds.json" --samples 20 --out "$@" >/dev/null; }
    sample many --windows 6
    sample few --windows 3
    sample weighted --priors .25,.25,.25,.25
    cp -r many over
    sample over --windows 3 --force
    [ "$(ls over)" = "$(ls few)" ]
    [ "$(ls many | wc -l)" -eq 13 ]
    cp many/* over
    sample over --priors .25,.25,.25,.25 --force
    [ "$(ls over)" = "$(ls weighted)" ]
    sample over --windows 3 --force
    [ "$(ls over)" = "$(ls few)" ]
    diff -r over few
}

@test "weights that leave a part nothing are an error of the shift, not of a key that was not given" {
    label skewed
    validate strangers
    run -4 --separate-stderr "$DLTRAIN" --config "$config" --out run --quiet --set "data.train.images=$box/data/holed-i" \
        --set "data.train.labels=$box/data/holed-l" "${validation[@]}" "${target[@]}" --set shift.correct=retrain --set shift.force=true
    [[ ${stderr_lines[-1]} == "dltrain: error: shift: all validation samples weigh 0 by the estimated weights" ]]
}
