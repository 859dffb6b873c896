#!/usr/bin/env bats
# dltrain verify: a finished run done again, and the first difference named.

load support

setup_file() { make_box && train_once; }
setup() {
    enter
    mkdir scratch
    export TMPDIR=$PWD/scratch
}
teardown() { [ -z "$(ls -A "$TMPDIR")" ]; } # nothing is left behind

# A copy of the run in a/, one of its files changed by sed: altered FILE SCRIPT
altered() {
    rm -rf a
    cp -R "$box/run" a
    sed "$2" "$box/run/$1" >"a/$1"
    run ! cmp -s "a/$1" "$box/run/$1"
}

# differs TEXT ARGUMENT...: exit status 1, and stdout ends with the line
differs() {
    local text=$1
    shift
    run --separate-stderr "$DLTRAIN" verify -q "$@"
    echo "$status: $output $stderr"
    [ "$status" -eq 1 ]
    [[ ${lines[-1]} == $text ]]
    [ -z "$stderr" ]
}

agrees() {
    run --separate-stderr "$DLTRAIN" verify -q "$@"
    echo "$status: $output $stderr"
    [ "$status" -eq 0 ]
    [[ $output == *' agree, the digest agrees' ]]
}

@test "a run agrees with itself, from any folder, on any machine, and is left as it was" {
    ls -lA --time-style=full-iso "$box/run" >before 2>/dev/null || ls -lA "$box/run" >before
    agrees "$box/run"
    [ "$output" = "$box/run: all 2 epochs agree, the digest agrees" ]
    cd /
    agrees "$box/run/" --threads 3 --isa scalar
    cd "$OLDPWD"
    { ls -lA --time-style=full-iso "$box/run" 2>/dev/null || ls -lA "$box/run"; } | cmp - before
}

@test "the first difference is named, with both values, and ends it" {
    altered metrics.jsonl '1s/"validation": {"loss": [0-9.]*/"validation": {"loss": 0.25/'
    found=$(sed -n '1s/.*"validation": {"loss": \([0-9.]*\).*/\1/p' "$box/run/metrics.jsonl")
    run --separate-stderr "$DLTRAIN" verify a
    [ "$status" -eq 1 ]
    [ "$output" = "no reason is known: version and data are those of the run
epoch 1: validation.loss differs: 0.25 in the run, $found now" ]
    [[ $stderr == 'epoch 1/2 '* && $stderr != *'epoch 2/2 '* ]]
    altered metrics.jsonl '2s/"accuracy": /&1/'
    differs 'epoch 2: train.accuracy differs: *' a
    altered metrics.jsonl '2s/"step": 10/"step": 11/'
    differs 'epoch 2: step differs: 11 in the run, 10 now' a
    altered metrics.jsonl '2s/, "validation.*/}/'
    differs 'epoch 2: validation differs: nothing in the run, {"loss": * now' a
    altered metrics.jsonl 2d
    differs 'epoch 2 differs: nothing in the run, {"epoch": 2, * now' a
    altered metrics.jsonl '2p; 2s/"epoch": 2/"epoch": 3/'
    differs 'epoch 3 differs: {"epoch": 3, * in the run, nothing now' a
    altered summary.json 's/"model_digest": "./"model_digest": "x/'
    differs 'summary.json: model_digest differs: "x* in the run, * now' a
    altered summary.json '/"test": {/,/^  }/s/"loss": .*/"loss": 0.5,/'
    differs 'summary.json: test.loss differs: 0.5 in the run, * now' a
    altered summary.json 's/"best_epoch": 2/"best_epoch": 1/'
    differs 'summary.json: best_epoch differs: 1 in the run, 2 now' a
}

@test "the model beside the figures is looked at, too" {
    cp -R "$box/run" a
    printf x | dd of=a/model.safetensors bs=1 seek=20000 conv=notrunc status=none
    fails 4 'a/model.safetensors: ' "$DLTRAIN" verify -q a
    "$DLTRAIN" --config "$config" --seed 2 --out b -q >/dev/null
    cp b/model.safetensors a
    differs 'model.safetensors: model_digest differs: "* in the run, "* now' a
    rm a/model.safetensors
    agrees a
}

@test "data that lie elsewhere now can be named, and nothing else be changed" {
    cp -R "$box/data" moved
    cp -R "$box/run" a
    sed "s|$box/data|$PWD/gone|g" "$box/run/config.json" >a/config.json
    fails 4 'gone/train-images-idx3-ubyte: cannot open' "$DLTRAIN" verify -q a
    for part in train test; do
        file=${part/test/t10k}
        there+=(--set "data.$part.images=$PWD/moved/$file-images-idx3-ubyte" --set "data.$part.labels=$PWD/moved/$file-labels-idx1-ubyte")
    done
    agrees a "${there[@]}"
    fails 3 'optimizer.lr: the run began with 0.1, it cannot go on with 0.2' "$DLTRAIN" verify a --set optimizer.lr=0.2
    fails 3 'bogus=1: unknown key' "$DLTRAIN" verify a --set bogus=1
}

@test "a folder cannot be named, as the paths are whole, nor another length" {
    fails 3 "data.root: the run's config has whole paths" "$DLTRAIN" verify "$box/run" --set data.root=/moved
    fails 3 'train.epochs: the run is one of 2, it cannot be verified with 3' "$DLTRAIN" verify "$box/run" --set train.epochs=3
}

@test "times do not count" {
    altered metrics.jsonl 's/"seconds": [0-9.e-]*, "samples_per_second": [0-9.e]*/"seconds": 7, "samples_per_second": 8/'
    agrees a
    altered summary.json 's/"total": .*/"total": 100/; s/"threads": .*/"threads": 77,/; s/"peak_rss_bytes": .*/"peak_rss_bytes": 1,/'
    agrees a
}

@test "what has changed since is put in front" {
    altered summary.json 's/"version": .*/"version": "0.0.1"/'
    "$DLTRAIN" verify -q a >result
    sed -n 1p result | grep -qx 'a: all 2 epochs agree, the digest agrees'
    sed -n 2p result | grep -q '^note: the run was made by dltrain 0.0.1, this is '
    altered config.json 's/"seed": 1/"seed": 2/'
    sed 's/"version": .*/"version": "0.0.1"/' "$box/run/summary.json" >a/summary.json
    differs 'epoch 1: train.loss differs: *' a
    [[ ${lines[0]} == 'probable reason: the run was made by dltrain 0.0.1, this is '* ]]
    mkdir other
    cp -R "$box/data" other
    cp "$config" other
    "$DLTRAIN" --config other/tiny.json --out b -q >/dev/null
    { head -c 8 other/data/train-labels-idx1-ubyte; tail -c +9 other/data/train-labels-idx1-ubyte | tr '\001\002' '\002\001'; } >labels
    mv labels other/data/train-labels-idx1-ubyte
    differs 'epoch 1: train.loss differs: *' b
    [[ ${lines[0]} == 'probable reason: data.train.labels has changed: its SHA-256 was '????????????????', is '???????????????? ]]
    rm other/data/train-labels-idx1-ubyte
    fails 4 other/data/train-labels-idx1-ubyte "$DLTRAIN" verify -q b
}

@test "--json prints the verdict" {
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    "$DLTRAIN" verify "$box/run" -q --json | python3 -c '
import json, sys
v = json.load(sys.stdin)
assert v["agrees"] and v["epochs"] == 2 and v["windows"] == 0 and v["difference"] is None and v["reasons"] == []'
    altered metrics.jsonl '2s/"lr": 0.1/"lr": 0.2/'
    run "$DLTRAIN" verify a -q --json
    [ "$status" -eq 1 ]
    python3 -c '
import json, sys
v = json.load(sys.stdin)
assert not v["agrees"] and v["epochs"] == 1
assert v["difference"] == {"where": "epoch 2", "path": "lr", "then": "0.2", "now": "0.1"}' <<<"$output"
}

@test "early stopping, a refit, calibration and diagnostics come out the same" {
    "$DLTRAIN" --config "$config" --out b -q --set train.epochs=30 --set 'train.early_stopping={"patience": 2}' --set train.refit=true \
        --set optimizer.lr=0.5 --set train.calibrate=true --set train.diagnostics=true >/dev/null
    agrees b
    [ "$("$DLTRAIN" verify -q b)" = "b: all $(wc -l <b/metrics.jsonl | tr -d ' ') epochs agree, the digest agrees" ]
    sed '$s/"loss": 0/"loss": 1/' b/metrics.jsonl >changed
    mv changed b/metrics.jsonl
    differs 'epoch * of the refit: train.loss differs: *' b
}

@test "a shift of labels, corrected both ways, comes out the same" {
    target=(--set shift.kind=label --set shift.target.images="$box/data/t10k-images-idx3-ubyte" --set shift.correct=both
        --set shift.discriminator.epochs=2 --set shift.bootstrap=5)
    "$DLTRAIN" --config "$config" --out b -q "${target[@]}" >/dev/null 2>&1
    agrees b
}

@test "a stream comes out the same, and its windows are named" {
    for i in 0 1 2; do
        { u32 2051; u32 50; u32 28; u32 28; tail -c +$((17 + i * 50 * 784)) "$box/data/train-images-idx3-ubyte" | head -c $((50 * 784)); } >images$i
        { u32 2049; u32 50; tail -c +$((9 + i * 50)) "$box/data/train-labels-idx1-ubyte" | head -c 50; } >labels$i
        windows="$windows${windows:+, }{\"images\": \"$PWD/images$i\", \"labels\": \"$PWD/labels$i\"}"
    done
    "$DLTRAIN" --config "$config" --out b -q --set shift.kind=concept --set "shift.stream=[$windows]" --set shift.epochs=2 >/dev/null
    agrees b
    [ "$("$DLTRAIN" verify -q b)" = 'b: all 2 epochs and 3 windows agree, the digest agrees' ]
    sed '4s/"lr": /&1/' b/metrics.jsonl >changed
    mv changed b/metrics.jsonl
    differs 'window 2: lr differs: *' b
}

@test "a run that diverged does so again, and one of no epochs has its digest" {
    "$DLTRAIN" --config "$config" --out b -q --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]' >/dev/null 2>&1 || [ $? -eq 5 ]
    agrees b
    sed 's/"message": "/&x/' b/summary.json >changed
    mv changed b/summary.json
    differs 'summary.json: message differs: *' b
    "$DLTRAIN" --config "$config" --out c -q --set train.epochs=0 >/dev/null
    agrees c
}

@test "a run that began from a file begins from it again, wherever it is asked for" {
    cp "$model" start.safetensors
    "$DLTRAIN" --config "$config" --out b -q --init-from start.safetensors >/dev/null
    mkdir elsewhere
    cd elsewhere
    agrees ../b
    cd ..
    "$DLTRAIN" --config "$config" --out other -q --seed 5 >/dev/null
    cp other/model.safetensors start.safetensors
    differs 'epoch 1: train.loss differs: *' b
    [ "${lines[0]}" = "probable reason: the run began from $PWD/start.safetensors, which may have changed" ]
    rm start.safetensors
    fails 4 "$PWD/start.safetensors" "$DLTRAIN" verify -q b
}

@test "what is no finished run is said so" {
    fails 2 'verify needs a run directory' "$DLTRAIN" verify
    fails 2 'unexpected argument "b"' "$DLTRAIN" verify a b
    fails 4 'nowhere: there is no such run directory' "$DLTRAIN" verify nowhere
    mkdir half
    cp "$box/run/config.json" half
    fails 4 'half: the run is not finished: there is no summary.json yet' "$DLTRAIN" verify half
    altered metrics.jsonl '2s/.$//'
    fails 4 'a/metrics.jsonl:2:' "$DLTRAIN" verify a
    altered metrics.jsonl '2s/.*/[]/'
    fails 4 'a/metrics.jsonl:2: expected an object' "$DLTRAIN" verify a
    rm a/metrics.jsonl
    fails 4 'a/metrics.jsonl' "$DLTRAIN" verify a
    altered config.json 's/"seed"/"sede"/'
    fails 3 'a/config.json:3:3: sede: unknown key' "$DLTRAIN" verify a
    altered config.json '1d'
    fails 4 'a/config.json' "$DLTRAIN" verify a
    TMPDIR=$PWD/nowhere fails 6 'nowhere/dltrain-' "$DLTRAIN" verify "$box/run"
}

@test "a signal ends it and leaves nothing behind" {
    # An epoch that takes seconds.
    "$DLTRAIN" --config "$config" --print-config --set train.batch_size=1 --set 'model.layers=[{"units": 2048}, {"units": 2048}]' >long
    cp -R "$box/run" a
    cp long a/config.json
    "$DLTRAIN" verify -q a >result 2>log 3>&- &
    pid=$!
    while kill -0 $pid && ! ls scratch/*/metrics.jsonl 2>/dev/null; do :; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    [ ! -s result ]
}
