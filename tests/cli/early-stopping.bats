#!/usr/bin/env bats
# Early stopping and refit: when training ends, which epoch's state is kept, and what a refit does with it.

load support

setup_file() { make_box; }
setup() {
    enter
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    # Learns by heart: the validation loss turns soon.
    overfit=(--config "$config" -q --set optimizer.lr=0.5 --set train.epochs=60)
}

# stopping KEY=VALUE...: the --set of an early_stopping object, in $stop
stopping() { stop=(--set "train.early_stopping={$(IFS=,; echo "$*")}"); }

# check CODE: python with the summary s, the lines of metrics m (of the search), r (of the refit) and path(line, NAME) of a/
check() {
    python3 - "$1" <<'PYTHON'
import functools, json, sys
s = json.load(open("a/summary.json"))
lines = [json.loads(line) for line in open("a/metrics.jsonl")]
m = [line for line in lines if "phase" not in line]
r = [line for line in lines if line.get("phase") == "refit"]
def path(line, name):
    return functools.reduce(lambda at, key: at[key], name.split("."), line)
for condition in filter(None, sys.argv[1].split("\n")):
    if not eval(condition):
        sys.exit(f"not so: {condition.strip()}\n{json.dumps(s['early_stopping'])} {s['epochs_run']} epochs")
PYTHON
}

@test "training stops and the best epoch is kept" {
    stopping '"patience": 4'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --out a >result
    check '
        s["stopped_by"] == "early_stopping" and s["early_stopping"]["stopped"] is True
        s["epochs_run"] == len(m) == s["best_epoch"] + 4 < 60
        s["best_epoch"] == s["early_stopping"]["epoch"] == 1 + min(range(len(m)), key=lambda i: path(m[i], "validation.loss"))
        s["early_stopping"]["metric"] == "validation.loss" and s["early_stopping"]["patience"] == 4
        s["early_stopping"]["value"] == s["validation"]["loss"] == path(m[s["best_epoch"] - 1], "validation.loss")
        s["validation"]["accuracy"] == path(m[s["best_epoch"] - 1], "validation.accuracy")
        s["train"]["loss"] == path(m[s["best_epoch"] - 1], "train.loss")
        s["validation"]["loss"] < m[-1]["validation"]["loss"]'
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    grep -qx "figures of            epoch $best, the best by validation.loss" result
    grep -Eq "^epochs +$((best + 4)) of 60 \(best $best\), .*, stopped early$" result
    # It is the model of a training that ends there.
    "$DLTRAIN" "${overfit[@]}" --set train.epochs="$best" --out b >/dev/null
    cmp <(grep -v seconds a/summary.json | grep -A 20 '"test": {') <(grep -v seconds b/summary.json | grep -A 20 '"test": {')
    [ "$(grep model_digest a/summary.json)" = "$(grep model_digest b/summary.json)" ]
}

@test "the best is kept where training reaches its end, be it before the last epoch or in it" {
    stopping '"patience": 100'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --out a >/dev/null
    check '
        s["stopped_by"] == "epochs" and s["early_stopping"]["stopped"] is False
        s["epochs_run"] == 60 > s["best_epoch"]
        s["validation"]["loss"] == min(path(line, "validation.loss") for line in m)'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --set train.epochs=3 --out a --force >/dev/null
    check '
        s["stopped_by"] == "epochs" and s["best_epoch"] == 3
        s["validation"]["loss"] == path(m[2], "validation.loss")'
    "$DLTRAIN" "${overfit[@]}" --set train.epochs=3 --out b >/dev/null
    cmp a/model.safetensors b/model.safetensors
}

@test "without restore_best the last state is kept" {
    stopping '"patience": 4' '"restore_best": false'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --out a >result
    check '
        s["epochs_run"] == s["best_epoch"] + 4
        s["validation"]["loss"] == m[-1]["validation"]["loss"] > s["early_stopping"]["value"]
        s["train"]["loss"] == m[-1]["train"]["loss"]'
    grep -q "^figures of            epoch $(wc -l <a/metrics.jsonl)$" result
}

@test "a metric of which more is better" {
    stopping '"patience": 3' '"metric": "validation.accuracy"'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --out a >result
    check '
        s["epochs_run"] == s["best_epoch"] + 3
        s["best_epoch"] == 1 + max(range(len(m)), key=lambda i: path(m[i], "validation.accuracy"))
        s["early_stopping"]["value"] == s["validation"]["accuracy"] == max(path(line, "validation.accuracy") for line in m)'
    grep -q ', the best by validation.accuracy$' result
}

@test "patience and min_delta" {
    # No gain is as large as 100: the first epoch is the last improvement, but not the best.
    for patience in 1 2 5; do
        stopping "\"patience\": $patience" '"min_delta": 100'
        "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --out a --force >/dev/null
        check "
            s['epochs_run'] == 1 + $patience
            s['validation']['loss'] == min(path(line, 'validation.loss') for line in m)"
    done
}

@test "every metric is the path of a number in metrics.jsonl, and can be watched" {
    mkdir -p config
    metrics=$("$DLTRAIN" schema | python3 -c '
import json, sys
def find(at, key):
    if isinstance(at, dict):
        for k, v in at.items():
            yield from [v] if k == key else find(v, key)
print(*next(find(json.load(sys.stdin), "early_stopping"))["properties"]["metric"]["enum"])')
    [ "$(wc -w <<<"$metrics")" -ge 8 ]
    for metric in $metrics; do
        [ "$metric" != validation.r2 ] || continue # of targets that are numbers, see csv.bats
        stopping "\"metric\": \"$metric\""
        "$DLTRAIN" --config "$config" -q "${stop[@]}" --set regularization.l2=0.001 --set loss.class_weights=balanced --out a \
            --force >/dev/null
        check "
            all(isinstance(path(line, '$metric'), (int, float)) for line in m)
            s['early_stopping']['value'] == path(m[s['best_epoch'] - 1], '$metric')"
    done
}

@test "a metric that this run has not is a fault of the config" {
    refused() {
        stopping "\"metric\": \"$1\""
        fails 3 "train.early_stopping.metric: $1 needs $2" "$DLTRAIN" --config "$config" --out a "${stop[@]}" "${@:3}"
        fails 3 "train.early_stopping.metric: $1 needs $2" "$DLTRAIN" check --config "$config" "${stop[@]}" "${@:3}"
        [ ! -e a ]
    }
    for metric in loss accuracy brier ece weighted_loss; do
        refused validation.$metric data.validation --set data.validation=null
    done
    refused validation.weighted_loss 'weights of the validation samples'
    refused train.penalty 'l1 or l2 above 0'
    refused validation.brier 'a loss.kind that predicts probabilities' --set loss.kind=mse
    refused validation.ece 'a loss.kind that predicts probabilities' --set loss.kind=mse
    # Rows of floats are no classes.
    { u32 3330; u32 200; u32 1; head -c 800 /dev/zero; } >floats
    for metric in train.accuracy validation.accuracy; do
        refused $metric 'labels that are classes' --set loss.kind=mse --set data.test=null --set data.root=null \
            --set data.train="{\"images\": \"$box/data/train-images-idx3-ubyte\", \"labels\": \"floats\"}"
    done
    fails 3 'optimizer.schedule.metric: validation.loss needs data.validation' "$DLTRAIN" --config "$config" --out a \
        --set optimizer.schedule.kind=plateau --set data.validation=null
    fails 3 'train.refit: needs data.validation' "$DLTRAIN" --config "$config" --out a --set data.validation=null \
        --set train.early_stopping='{"metric": "train.loss"}' --set train.refit=true
}

@test "a divergence leaves the best state" {
    stopping '"patience": 5000'
    # Steps of gradient descent that are a little too long for the largest eigenvalue: better at first, then worse for ever.
    steps=(--config "$config" -q --set model.layers=[] --set loss.kind=mse --set train.batch_size=160 --set optimizer.lr=0.07)
    run --separate-stderr "$DLTRAIN" "${steps[@]}" "${stop[@]}" --set train.epochs=5000 --out a
    [ "$status" -eq 5 ]
    check '
        s["stopped_by"] == "diverged" and s["early_stopping"]["stopped"] is False
        0 < s["best_epoch"] < s["epochs_run"] == len(m)
        s["validation"]["loss"] == s["early_stopping"]["value"] == min(path(line, "validation.loss") for line in m)'
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    [ "${lines[0]}" = "figures of            the last good state: epoch $best, the best by validation.loss" ]
    "$DLTRAIN" "${steps[@]}" --set train.epochs="$best" --out b >/dev/null
    cmp a/model.safetensors b/model.safetensors
}

@test "a refit that diverges leaves the model that the search has found" {
    # Samples that only the refit trains on outweigh all others together.
    { printf '1e6\n%.0s' 1 2 3; printf '1\n%.0s' {1..47}; } >heavy
    files=$(sed 's/"images"/"weights": "'"${PWD//\//\\/}"'\/heavy", &/' <<<'{"images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte"}')
    wild=(--config "$config" -q --set data.validation="$files" --set loss.kind=mse --set optimizer.lr=0.05
        --set data.scale=standardize --set train.epochs=4 --set train.calibrate=false)
    stopping '"patience": 2'
    "$DLTRAIN" "${wild[@]}" "${stop[@]}" --out search >/dev/null
    run --separate-stderr "$DLTRAIN" "${wild[@]}" "${stop[@]}" --set train.refit=true --out a
    [ "$status" -eq 5 ]
    [[ $stderr == "dltrain: error: refit: training diverged in epoch "* ]]
    [[ ${lines[0]} == "figures of            the last good state: epoch "*", the best by validation.loss" ]]
    cmp a/model.safetensors search/model.safetensors
    check '
        s["stopped_by"] == "diverged" and s["refit"] is None
        s["test"] == json.load(open("search/summary.json"))["test"]
        s["validation"]["loss"] == s["early_stopping"]["value"]'
}

@test "a refit starts where the search has started, whatever has become of the file" {
    stopping '"patience": 2'
    "$DLTRAIN" --config "$config" -q --set train.epochs=1 --out a >/dev/null
    cp a/model.safetensors start.safetensors
    refit=(--config "$config" -q "${stop[@]}" --set train.refit=true)
    "$DLTRAIN" "${refit[@]}" --init-from start.safetensors --out b >/dev/null
    # Beginning removes the files of the old run, this model among them.
    "$DLTRAIN" "${refit[@]}" --init-from a/model.safetensors --out a --force >/dev/null
    cmp a/model.safetensors b/model.safetensors
}

@test "a refit is a training on the union" {
    stopping '"patience": 2'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --out search >/dev/null
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --set train.refit=true --out a 2>log >result
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    [ "$best" -gt 1 ]
    "$DLTRAIN" "${overfit[@]}" --set data.validation=null --set train.epochs="$best" --out union >/dev/null
    cmp <(sed -n '/^  "test": {/,/^  }/p' a/summary.json) <(sed -n '/^  "test": {/,/^  }/p' union/summary.json)
    [ "$(grep model_digest a/summary.json)" = "$(grep model_digest union/summary.json)" ]
    # The search is told as it was.
    cmp <(sed -n '/^  "validation": {/,/^  }/p' a/summary.json) <(sed -n '/^  "validation": {/,/^  }/p' search/summary.json)
    cmp <(sed -n '/^  "early_stopping": {/,/^  }/p' a/summary.json) <(sed -n '/^  "early_stopping": {/,/^  }/p' search/summary.json)
    check '
        [line["epoch"] for line in lines] == [*range(1, s["epochs_run"] + 1), *range(1, s["best_epoch"] + 1)]
        len(r) == s["best_epoch"] == s["refit"]["epochs"] and not any("validation" in line for line in r)
        s["refit"]["samples"] == 200 and s["refit"]["steps"] == 7 * len(r) == r[-1]["step"]
        s["steps"] == m[-1]["step"] + r[-1]["step"]
        s["train"]["loss"] == r[-1]["train"]["loss"]'
    cmp <(python3 -c 'import json; [print(json.loads(l)["train"]) for l in open("a/metrics.jsonl") if "phase" in l]') \
        <(python3 -c 'import json; [print(json.loads(l)["train"]) for l in open("union/metrics.jsonl")]')
    grep -qx "figures of            the refit on 200 samples; validation: epoch $best of the search" result
    grep -q "refit $best," result
}

@test "a refit with all that is random is a training on the union" {
    awk 'BEGIN { for (i = 0; i < 200; i++) print i % 4 / 2 }' >weights
    stopping '"patience": 2' '"metric": "validation.weighted_loss"'
    all=("${overfit[@]}" --set data.train.weights="$PWD/weights" --set loss.class_weights=balanced --set loss.label_smoothing=0.1
        --set model.layers='[{"units": 16, "dropout": 0.2, "max_norm": 2}]' --set model.input_dropout=0.1
        --set augment='{"rotate": 10, "translate": 1, "elastic": {"alpha": 1, "sigma": 4}}'
        --set regularization='{"l1": 1e-5, "l2": 1e-4, "input_noise": 0.05, "weight_noise": 0.01}' --set optimizer.lr=0.05)
    "$DLTRAIN" "${all[@]}" "${stop[@]}" --set train.refit=true --out a >/dev/null
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    [ "$best" -gt 1 ]
    "$DLTRAIN" "${all[@]}" --set data.validation=null --set train.epochs="$best" --out union >/dev/null
    [ "$(grep model_digest a/summary.json)" = "$(grep model_digest union/summary.json)" ]
    # Every one of them acts in the refit.
    for without in 'data.train={"images": "train-images-idx3-ubyte", "labels": "train-labels-idx1-ubyte"}' loss.class_weights=null \
        loss.label_smoothing=0 model.input_dropout=0 'augment={}' 'regularization={}' model.layers.0.dropout=0; do
        "$DLTRAIN" "${all[@]}" --set data.validation=null --set train.epochs="$best" --set "$without" --out other --force >/dev/null
        run ! cmp -s union/model.safetensors other/model.safetensors
    done
}

@test "a refit begins with the statistics and the start of a plain training" {
    "$DLTRAIN" --config "$config" -q --set train.epochs=1 --out start >/dev/null
    stopping '"patience": 1'
    with=(--config "$config" -q --set data.scale=standardize --init-from start/model.safetensors --seed 4)
    "$DLTRAIN" "${with[@]}" "${stop[@]}" --set train.refit=true --set train.epochs=4 --out a >/dev/null
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    "$DLTRAIN" "${with[@]}" --set data.validation=null --set train.epochs="$best" --out union >/dev/null
    cmp a/model.safetensors union/model.safetensors
}

@test "a refit joins validation files behind the training file" {
    { u32 2051; u32 150; u32 28; u32 28; tail -c +17 "$box/data/train-images-idx3-ubyte" | head -c $((150 * 784)); } >t-images
    { u32 2049; u32 150; tail -c +9 "$box/data/train-labels-idx1-ubyte" | head -c 150; } >t-labels
    { u32 2051; u32 50; u32 28; u32 28; tail -c +17 "$box/data/train-images-idx3-ubyte" | tail -c $((50 * 784)); } >v-images
    { u32 2049; u32 50; tail -c +9 "$box/data/train-labels-idx1-ubyte" | tail -c 50; } >v-labels
    stopping '"patience": 1'
    files=(--set data.root=null --set data.train='{"images": "t-images", "labels": "t-labels"}' --set data.test=null
        --set data.validation='{"images": "v-images", "labels": "v-labels"}')
    "$DLTRAIN" --config "$config" -q "${files[@]}" "${stop[@]}" --set train.refit=true --set train.epochs=9 --out a >/dev/null
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    "$DLTRAIN" --config "$config" -q --set data.validation=null --set data.test=null --set train.epochs="$best" --out union >/dev/null
    cmp a/model.safetensors union/model.safetensors
    # Sample weights are joined as well; those of a part that has none are 1.
    awk 'BEGIN { for (i = 0; i < 150; i++) print i % 4 / 2; for (i = 0; i < 50; i++) print 1 }' >weights
    head -n 150 weights >t-weights
    "$DLTRAIN" --config "$config" -q "${files[@]}" --set data.train.weights=t-weights "${stop[@]}" --set train.refit=true \
        --set train.epochs=9 --out a --force >/dev/null
    best=$(python3 -c 'import json; print(json.load(open("a/summary.json"))["best_epoch"])')
    "$DLTRAIN" --config "$config" -q --set data.train.weights="$PWD/weights" --set data.validation=null --set data.test=null \
        --set train.epochs="$best" --out union --force >/dev/null
    cmp a/model.safetensors union/model.safetensors
    { u32 3331; u32 50; u32 28; u32 28; head -c $((50 * 784 * 4)) /dev/zero; } >v-images
    fails 3 'train.refit: the images of data.train are u8 and those of data.validation f32' \
        "$DLTRAIN" --config "$config" "${files[@]}" "${stop[@]}" --set train.refit=true --out b
}

@test "every epoch of a refit has the learning rate that it had in the search" {
    stopping '"patience": 6'
    for schedule in '"kind": "plateau", "metric": "validation.accuracy", "patience": 0, "factor": 0.5' \
        '"kind": "step", "every": 2' '"kind": "exponential", "warmup_epochs": 1'; do
        "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --set optimizer.schedule="{$schedule}" --set train.refit=true --out a --force >/dev/null
        check '
            len(r) > 1
            all(abs(a["lr"] / b["lr"] - 1) < 1e-12 for a, b in zip(r[1:], m[1:]))'
    done
}

@test "threads do not change a bit of search and refit" {
    stopping '"patience": 2'
    for threads in 1 3; do
        DLTRAIN_OVERCOMMIT=1 "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --set train.refit=true --set train.calibrate=true \
            --threads $threads --out $threads >/dev/null
    done
    cmp 1/model.safetensors 3/model.safetensors
    cmp <(sed 's/"seconds": .*"train"/"train"/' 1/metrics.jsonl) <(sed 's/"seconds": .*"train"/"train"/' 3/metrics.jsonl)
    cmp <(sed -n '/^  "calibration": {/,/^  }/p' 1/summary.json) <(sed -n '/^  "calibration": {/,/^  }/p' 3/summary.json)
}

@test "nothing to train: the initial model is kept and refitted" {
    stopping '"patience": 2'
    "$DLTRAIN" "${overfit[@]}" "${stop[@]}" --set train.refit=true --set train.epochs=0 --out a >result
    check '
        s["epochs_run"] == s["best_epoch"] == s["refit"]["epochs"] == 0
        s["early_stopping"]["value"] is None and s["train"] is None'
    grep -q '^figures of            epoch 0, the initial model$' result
}
