#!/usr/bin/env bats
# What the keys of optimizer and regularization do to a run: each one acts, and some give results known beforehand.

load support

setup_file() {
    make_box
    # One hidden layer whose biases do not start at 0, so that a penalty on them shows.
    sed 's/{ "units": 16 }/{ "units": 16, "bias_init": "normal" }/; s/"lr": 0.1/"lr": 0.01/' "$box/tiny.json" >"$box/base.json"
}
setup() {
    enter
    config=$box/base.json
}

# train_with KEY=VALUE...: a run of the base config into run/
train_with() {
    local sets=() pair
    for pair in "$@"; do sets+=(--set "$pair"); done
    "$DLTRAIN" --config "$config" --out run --force -q "${sets[@]}" >result
}

# digest KEY=VALUE...: that of the model which such a run ends with
digest() {
    train_with "$@"
    sed -n 's/^model digest *//p' result
}

# acts KEY=VALUE -- KEY=VALUE...: the first one makes another model of a run with the others
acts() {
    local changed=$1
    shift 2
    before=$(digest "$@")
    after=$(digest "$@" "$changed")
    [[ $before =~ ^[0-9a-f]{64}$ && $after =~ ^[0-9a-f]{64}$ && $before != "$after" ]]
}

# rates: the learning rate of the last step of every epoch
rates() { sed 's/.*"lr": \([0-9.e-]*\),.*/\1/' run/metrics.jsonl | tr '\n' ' '; }

# near RATE...: whether they are these, to rounding
near() { rates | awk -v expected="$*" '{ split(expected, e, " "); for (i in e) if ((e[i] - $i) ^ 2 > 1e-12) exit 1 }'; }

# sparsity NAME: that of a layer
sparsity() { grep -A 1 "\"name\": \"$1\"" run/summary.json | sed -n 's/.*"sparsity": //p'; }

@test "every rule gives a model of its own" {
    for kind in sgd adam adamw rmsprop adagrad; do digest optimizer.kind=$kind; done >digests
    [ "$(sort -u digests | wc -l)" -eq 5 ]
    # adamw is adam with a decay
    [ "$(digest optimizer.kind=adamw optimizer.weight_decay=0)" = "$(digest optimizer.kind=adam)" ]
}

@test "every number of a rule acts" {
    acts optimizer.lr=0.02 --
    acts optimizer.momentum=0.9 --
    acts optimizer.nesterov=true -- optimizer.momentum=0.9
    acts optimizer.dampening=0.5 -- optimizer.momentum=0.9
    acts 'optimizer.momentum_ramp={"start": 0.5, "end": 0.9, "epochs": 1}' --
    acts optimizer.momentum_ramp.start=0.6 -- 'optimizer.momentum_ramp={"epochs": 1}'
    acts optimizer.momentum_ramp.end=0.8 -- 'optimizer.momentum_ramp={"epochs": 1}'
    acts optimizer.momentum_ramp.epochs=2 -- 'optimizer.momentum_ramp={"epochs": 1}'
    acts 'optimizer.betas=[0.8, 0.999]' -- optimizer.kind=adam
    acts 'optimizer.betas=[0.9, 0.99]' -- optimizer.kind=adam
    acts optimizer.eps=0.001 -- optimizer.kind=adam
    acts optimizer.amsgrad=true -- optimizer.kind=adam
    acts optimizer.alpha=0.9 -- optimizer.kind=rmsprop
    acts optimizer.centered=true -- optimizer.kind=rmsprop
    acts optimizer.momentum=0.5 -- optimizer.kind=rmsprop
    acts optimizer.eps=0.001 -- optimizer.kind=rmsprop
    acts optimizer.lr_decay=0.5 -- optimizer.kind=adagrad
    acts optimizer.initial_accumulator=1 -- optimizer.kind=adagrad
    acts optimizer.eps=0.001 -- optimizer.kind=adagrad
    for kind in sgd adam rmsprop adagrad; do acts optimizer.weight_decay=0.1 -- optimizer.kind=$kind; done
}

@test "limits on the gradient act where it is longer, and change nothing where it is not" {
    acts optimizer.clip_norm=0.1 --
    acts optimizer.clip_value=0.01 --
    plain=$(digest)
    [ "$(digest optimizer.clip_norm=1000000)" = "$plain" ]
    [ "$(digest optimizer.clip_value=1000000)" = "$plain" ]
}

@test "schedules by epoch" {
    train_with train.epochs=5 optimizer.lr=1 optimizer.schedule.kind=step optimizer.schedule.every=2 optimizer.schedule.factor=0.5
    [ "$(rates)" = "1 1 0.5 0.5 0.25 " ]
    train_with train.epochs=4 optimizer.lr=1 optimizer.schedule.kind=exponential optimizer.schedule.factor=0.5
    [ "$(rates)" = "1 0.5 0.25 0.125 " ]
}

@test "plateau: the rate falls when the metric has stalled for longer than its patience" {
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    for plateau in 'train.loss 0 0.5' 'validation.loss 2 0.25' 'validation.accuracy 1 0.5'; do
        read -r metric patience factor <<<"$plateau"
        train_with train.epochs=25 optimizer.lr=2 \
            optimizer.schedule="{\"kind\": \"plateau\", \"metric\": \"$metric\", \"patience\": $patience, \"factor\": $factor}"
        # ReduceLROnPlateau of PyTorch with a threshold of 0.
        python3 - "$metric" "$patience" "$factor" <<'PYTHON'
import json, sys
(part, name), patience, factor = sys.argv[1].split("."), int(sys.argv[2]), float(sys.argv[3])
rate, best, bad, falls = 2.0, None, 0, 0
for line in map(json.loads, open("run/metrics.jsonl")):
    assert abs(line["lr"] - rate) < 1e-12, (line["epoch"], line["lr"], rate)
    value = line[part][name] * (-1 if name == "accuracy" else 1)
    bad = 0 if best is None or value < best else bad + 1
    best = value if best is None else min(best, value)
    if bad > patience:
        rate, bad, falls = rate * factor, 0, falls + 1
assert falls > 1, falls
PYTHON
    done
}

@test "schedules by step" {
    # 5 steps an epoch, 4 epochs: the last step of epoch e is number 5 e - 1 of 20, from 0
    train_with train.epochs=4 optimizer.lr=1 optimizer.schedule.kind=linear
    near 0.8 0.55 0.3 0.05
    train_with train.epochs=4 optimizer.lr=1 optimizer.schedule.kind=linear optimizer.schedule.final=0.5
    near 0.9 0.775 0.65 0.525
    train_with train.epochs=4 optimizer.lr=1 optimizer.schedule.kind=cosine
    near 0.9045084971874737 0.5782172325201155 0.20610737385376343 0.006155829702431115
    cycle=(train.epochs=4 optimizer.lr=0.1 optimizer.schedule.kind=one_cycle)
    acts optimizer.schedule.peak=0.5 -- "${cycle[@]}"
    acts optimizer.schedule.rise=0.5 -- "${cycle[@]}"
    acts optimizer.schedule.final=0.5 -- "${cycle[@]}"
    train_with "${cycle[@]}" optimizer.schedule.peak=0.5 optimizer.schedule.rise=0.45
    near 0.2777777777777778 0.5 0.28557870956832143 0.010126756596375713
}

@test "the warm-up rises from 0 over its epochs" {
    train_with train.epochs=3 optimizer.lr=1 optimizer.schedule.warmup_epochs=2
    [ "$(rates)" = "0.5 1 1 " ]
    acts optimizer.schedule.warmup_epochs=1 --
}

@test "l1 makes exact zeros by its threshold, and none by the sub-gradient" {
    train_with optimizer.lr=0.1 regularization.l1=0.05
    [ "$(sparsity model.layers.0 | awk '{ print ($1 > 0.1 && $1 < 1) }')" = 1 ]
    train_with optimizer.lr=0.1 regularization.l1=0.05 regularization.l1_method=subgradient
    [ "$(sparsity model.layers.0)" = 0 ]
    # a layer's own strength goes before that of all
    train_with optimizer.lr=0.1 regularization.l1=0.05 model.output.l1=0
    [ "$(sparsity model.output)" = 0 ]
    [ "$(sparsity model.layers.0)" != 0 ]
    train_with optimizer.lr=0.1 model.layers.0.l1=0.05
    [ "$(sparsity model.output)" = 0 ]
    [ "$(sparsity model.layers.0 | awk '{ print ($1 > 0.1) }')" = 1 ]
    # stronger than every gradient: nothing is left
    for kind in sgd adam rmsprop adagrad; do
        train_with regularization.l1=1000 optimizer.kind=$kind
        [ "$(sparsity model.layers.0) $(sparsity model.output)" = "1 1" ]
    done
}

@test "l2 and max_norm act, and so do those of a layer" {
    acts regularization.l2=0.1 --
    acts model.layers.0.l2=0.1 --
    acts model.output.l2=0.1 --
    acts regularization.max_norm=0.5 --
    acts model.layers.0.max_norm=0.5 --
    acts model.output.max_norm=0.5 --
    [ "$(digest regularization.max_norm=1000)" = "$(digest)" ]
}

@test "penalize_bias names the biases that l1, l2 and weight_decay act on" {
    for penalty in regularization.l1=0.001 regularization.l2=0.1 optimizer.weight_decay=0.1; do
        for which in none hidden all; do digest "$penalty" regularization.penalize_bias=$which; done >digests
        [ "$(sort -u digests | wc -l)" -eq 3 ]
    done
    [ "$(digest regularization.penalize_bias=all)" = "$(digest)" ]
}

@test "with all of it, threads and instruction sets do not change a bit" {
    all=(optimizer.kind=adam optimizer.weight_decay=0.1 optimizer.clip_norm=0.5 optimizer.clip_value=0.1 optimizer.schedule.kind=cosine
        optimizer.schedule.warmup_epochs=1 regularization.l1=0.001 regularization.l2=0.01 regularization.penalize_bias=all
        regularization.max_norm=1)
    export DLTRAIN_OVERCOMMIT=1
    expected=$(digest "${all[@]}" threads=1)
    for isa in $("$DLTRAIN" --version | sed -n 's/.*instruction sets//p'); do
        for threads in 1 3 7; do
            [ "$(DLTRAIN_ISA=$isa digest "${all[@]}" threads=$threads)" = "$expected" ]
        done
    done
}

@test "a resolved config takes an override as its original does" {
    train_with regularization.l1=0 # writes run/config.json
    cp run/config.json again.json
    original=$(digest regularization.l1=0.01 regularization.l2=0.1 regularization.max_norm=1)
    config=again.json
    [ "$(digest regularization.l1=0.01 regularization.l2=0.1 regularization.max_norm=1)" = "$original" ]
}

@test "a layer has penalties of its own, and none by 0" {
    acts model.layers.0.max_norm=0 -- regularization.max_norm=0.5
    [ "$(digest regularization.max_norm=0.5 model.layers.0.max_norm=0 model.output.max_norm=0)" = "$(digest)" ]
    [ "$(digest regularization.l1=0.1 model.layers.0.l1=0 model.output.l1=0)" = "$(digest)" ]
}

@test "a warm-up or a ramp that never ends is warned of" {
    run --separate-stderr "$DLTRAIN" check --config "$config" --set optimizer.schedule='{"kind": "cosine", "warmup_epochs": 2}'
    [ "$status" -eq 0 ]
    [[ $stderr == "dltrain: warning: optimizer.schedule.warmup_epochs: a warm-up of 2 epochs is as long as the run of 2"* ]]
    run --separate-stderr "$DLTRAIN" check --config "$config" --set optimizer.momentum_ramp='{"epochs": 3}'
    [[ $stderr == "dltrain: warning: optimizer.momentum_ramp.epochs: "* ]]
    run --separate-stderr "$DLTRAIN" check --config "$config" --set optimizer.schedule='{"kind": "cosine", "warmup_epochs": 1}'
    [ -z "$stderr" ]
}

@test "every key of how parameters start acts" {
    for key in model.layers.0.init=normal 'model.layers.0={"units": 16, "init": "normal", "std": 0.3}' \
        'model.layers.0={"units": 16, "init": "uniform", "limit": 0.2}' 'model.layers.0={"units": 16, "init": "constant", "value": 0.1}' \
        'model.layers.0={"units": 16, "bias_init": "normal", "bias_std": 0.3}' 'model.layers.0={"units": 16, "bias_init": "uniform"}' \
        'model.layers.0={"units": 16, "bias_init": "uniform", "bias_limit": 0.3}' \
        'model.layers.0={"units": 16, "bias_init": "constant", "bias_value": 0.3}' 'model.layers.0={"units": 16, "bias_init": "constant"}' \
        'model.output={"init": "normal"}' 'model.output={"init": "normal", "std": 0.3}' 'model.output={"init": "uniform", "limit": 0.2}' \
        'model.output={"init": "constant", "value": 0.1}' 'model.output={"bias_init": "normal"}' 'model.output={"bias_init": "normal", "bias_std": 0.3}' \
        'model.output={"bias_init": "uniform", "bias_limit": 0.3}' 'model.output={"bias_init": "constant", "bias_value": 0.3}'; do
        digest "$key"
    done | sort >digests
    digest >>digests
    # "constant" biases start at bias_value 0 by default, as zeros do.
    [ "$(sort -u digests | wc -l)" -eq 18 ]
}
