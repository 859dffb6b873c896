#!/usr/bin/env bats
# Checkpoints: what is left of a run that was stopped, and how it goes on.

load support

# A run that is long enough to be stopped, whose steps hang on much that a checkpoint must hold.
setup_file() {
    make_box
    long=$box/long.json
    sed -e 's/"units": 16/"units": 64, "dropout": 0.2/' -e 's/"lr": 0.1/"kind": "adam"/' \
        -e 's/"epochs": 2/"epochs": 300, "early_stopping": { "patience": 400 }/' "$box/tiny.json" >"$long"
    "$DLTRAIN" --config "$long" --out "$box/whole" -q >/dev/null
    stopped "$long" "$box/cut"
}
setup() {
    enter
    long=$box/long.json
}

# stopped CONFIG DIR [OPTION...]: begins, or goes on with, a run and stops it as soon as it trains
stopped() {
    local config=$1 out=$2 pid status=0
    shift 2
    touch "$BATS_FILE_TMPDIR/before"
    "$DLTRAIN" --config "$config" --out "$out" --resume "$@" >/dev/null 2>"$BATS_FILE_TMPDIR/stopped.log" 3>&- &
    pid=$!
    while kill -0 $pid && [ ! "$out/config.json" -nt "$BATS_FILE_TMPDIR/before" ]; do :; done
    kill -TERM $pid
    wait $pid || status=$?
    [ "$status" -eq 143 ]
}

# without_times FILE: metrics.jsonl or summary.json
without_times() { sed -E 's/"(seconds|samples_per_second|peak_rss_bytes|load|train|first_step|total|threads)": [0-9.e+-]+,?//g; s/"isa": "[a-z0-9]+"//' "$1"; }

# same_run A B: model, metrics and summary, bit for bit but for what clocks say
same_run() {
    cmp "$1/model.safetensors" "$2/model.safetensors"
    for file in metrics.jsonl summary.json; do
        cmp <(without_times "$1/$file") <(without_times "$2/$file")
    done
}

@test "a run that was stopped goes on to the same bits, on other threads and instructions" {
    # The narrowest that is not slow.
    isa=$("$DLTRAIN" --version | sed -n 's/.*instruction sets scalar *//p' | cut -d' ' -f1)
    cp -r "$box/cut" a
    "$DLTRAIN" --config "$long" --out a --resume --isa "$isa" --threads 1 >result 2>log
    grep -Eqx 'dltrain: going on from (the first step|epoch [0-9]+, step [0-5] of 5)' log
    same_run "$box/whole" a
    [ "$(ls -A a | tr '\n' ' ')" = 'checkpoint.safetensors config.json metrics.jsonl model.safetensors predictions.idx summary.json ' ]
}

@test "it may be stopped again and again, and elsewhere" {
    cp -r "$box/cut" a
    stopped "$long" a --threads 2
    mv a b
    stopped "$long" b --threads 3
    "$DLTRAIN" --config "$long" --out b --resume -q >/dev/null
    same_run "$box/whole" b
}

@test "SIGUSR1 asks for a checkpoint and the run goes on; a lost terminal does not end it" {
    "$DLTRAIN" --config "$long" --set train.epochs=1000000 --out a >/dev/null 2>log 3>&- &
    pid=$!
    while kill -0 $pid && ! grep -q '^epoch' log; do :; done
    kill -HUP $pid
    kill -USR1 $pid
    while kill -0 $pid && ! grep -q checkpoint log; do :; done
    grep -Eqx 'dltrain: checkpoint at epoch [0-9]+, step [0-5] of 5' log
    [ -s a/checkpoint.safetensors ]
    kill -USR1 $pid
    while kill -0 $pid && [ "$(grep -c checkpoint log)" -lt 2 ]; do :; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
}

@test "a signal told twice in a breath is one; a second one kills at once" {
    "$DLTRAIN" --config "$long" --set train.epochs=1000000 --out a >/dev/null 2>log 3>&- &
    pid=$!
    while kill -0 $pid && ! grep -q '^epoch' log; do :; done
    kill -TERM $pid
    kill -TERM $pid # as timeout(1) does
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    grep -q '^dltrain: stopped by SIGTERM' log
    # Steps that take far longer than it takes to ask again.
    wide=(--set 'model.layers=[{"units":8192},{"units":8192}]' --set train.batch_size=160)
    "$DLTRAIN" --config "$config" "${wide[@]}" --set model.layers.0.init=zeros --set model.layers.1.init=zeros --out b \
        --threads 1 --isa scalar -q >/dev/null 2>log 3>&- &
    pid=$!
    while kill -0 $pid && [ ! -e b/config.json ]; do :; done
    while kill -TERM $pid 2>/dev/null; do :; done
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    [ ! -e b/checkpoint.safetensors ]
}

@test "stopped where no checkpoint can be written: the status says so, not the signal" {
    "$DLTRAIN" --config "$long" --set train.epochs=1000000 --out a >/dev/null 2>log 3>&- &
    pid=$!
    while kill -0 $pid && ! grep -q '^epoch' log; do :; done
    kill -STOP $pid
    rm -r a
    kill -TERM $pid
    kill -CONT $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 6 ]
    grep -q '^dltrain: error: a/' log
}

@test "a closed pipe does not end a training" {
    "$DLTRAIN" --config "$config" --set train.epochs=50 --out a 2>&1 | head -n 1
    [ -s a/summary.json ]
}

@test "a killed process leaves what its last checkpoint holds" {
    "$DLTRAIN" --config "$long" --out a -q --set train.checkpoint_minutes=0.00001 >/dev/null 2>&1 3>&- &
    pid=$!
    while kill -0 $pid && [ ! -s a/checkpoint.safetensors ]; do :; done
    kill -KILL $pid
    wait $pid || true
    [ ! -e a/summary.json ]
    "$DLTRAIN" --config "$long" --out a --resume -q >/dev/null
    same_run "$box/whole" a
}

@test "a finished run stays as it is" {
    cp -rp "$box/whole" a
    find a -printf '%p %T@ %s\n' | grep -v '^a ' | sort >before
    run --separate-stderr "$DLTRAIN" --config "$long" --out a --resume
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ "$stderr" = 'dltrain: a: this run is finished, nothing is left to do' ]
    "$DLTRAIN" --config "$long" --out a --resume --json -q | cmp - a/summary.json
    find a -printf '%p %T@ %s\n' | grep -v '^a ' | sort | cmp before -
}

@test "more epochs go on where they ended, to the bits of a run that began with them" {
    "$DLTRAIN" --config "$config" --out two -q >/dev/null
    "$DLTRAIN" --config "$config" --out five --set train.epochs=5 -q >/dev/null
    "$DLTRAIN" --config "$config" --out two --set train.epochs=5 --resume -q >/dev/null
    same_run five two
    cmp two/config.json five/config.json
    fails 3 'train.epochs: the run began with 5, it cannot go on with 4: it may only grow' \
        "$DLTRAIN" --config "$config" --out two --set train.epochs=4 --resume
    same_run five two
    "$DLTRAIN" --config "$config" --out cosine --set optimizer.schedule.kind=cosine -q >/dev/null
    fails 3 'it cannot go on with 9: optimizer.schedule goes over the whole run' \
        "$DLTRAIN" --config "$config" --out cosine --set optimizer.schedule.kind=cosine --set train.epochs=9 --resume
    "$DLTRAIN" --config "$config" --out refit --set train.refit=true --set 'train.early_stopping={}' -q >/dev/null
    fails 3 'it cannot go on with 9: train.refit follows its end' "$DLTRAIN" --config "$config" --out refit --resume \
        --set train.refit=true --set 'train.early_stopping={}' --set train.epochs=9
}

@test "another config is refused, but for what changes no bit" {
    resume() { "$DLTRAIN" --config "$long" --out "$box/cut" --resume "$@"; }
    export -f resume
    export DLTRAIN long box
    fails 3 'optimizer.lr: the run began with 0.001, it cannot go on with 0.002' \
        bash -c 'resume --set optimizer.lr=0.002'
    fails 3 'seed: the run began with 1, it cannot go on with 2' bash -c 'resume --seed 2'
    fails 3 'model.layers.0.units: the run began with 64, it cannot go on with 65' \
        bash -c 'resume --set model.layers.0.units=65'
    fails 3 'model.layers: the run began with 1 element, it cannot go on with 2 elements' \
        bash -c 'resume --set "model.layers=[{\"units\":64},{\"units\":4}]"'
    fails 3 'regularization.max_norm: the run began with null, it cannot go on with 3' \
        bash -c 'resume --set regularization.max_norm=3'
    fails 3 '--init-from: the run began with its initialisers, it cannot go on with /x' bash -c 'resume --init-from /x'
    fails 2 '--resume goes on with a run, --force replaces it' bash -c 'resume --force'
    cp -r "$box/cut" a
    mkdir moved
    cp -r "$box/data" moved/here
    "$DLTRAIN" --config "$long" --out a --resume -q --set name=other --set train.checkpoint_minutes=1 \
        --set data.root="$PWD/moved/here" --threads 2 >/dev/null
    cmp a/model.safetensors "$box/whole/model.safetensors"
}

@test "other data are refused" {
    cp -r "$box/cut" a
    for part in t10k:test train:train; do
        cp -r "$box/data" other
        printf '\001' | dd of="other/${part%:*}-images-idx3-ubyte" bs=1 seek=5000 conv=notrunc status=none
        fails 4 "data.${part#*:}.images: the run began with data whose SHA-256 is " \
            "$DLTRAIN" --config "$long" --out a --resume --set data.root="$PWD/other"
        rm -r other
    done
}

@test "a damaged checkpoint: the previous one is taken, with a warning; two of them are an error" {
    cp -r "$box/cut" a
    stopped "$long" a
    [ -s a/checkpoint.previous.safetensors ]
    cp -r a b
    printf 'x' | dd of=a/checkpoint.safetensors bs=1 seek=20000 conv=notrunc status=none
    "$DLTRAIN" --config "$long" --out a --resume >/dev/null 2>log
    grep -Eq '^dltrain: warning: a/checkpoint.safetensors: is damaged: .*; going on from checkpoint.previous.safetensors$' log
    same_run "$box/whole" a
    cp b/checkpoint.previous.safetensors keep
    for file in b/checkpoint.safetensors b/checkpoint.previous.safetensors; do
        head -c 3000 "$file" >cut
        mv cut "$file"
    done
    fails 4 'b/checkpoint.safetensors: ' "$DLTRAIN" --config "$long" --out b --resume
    # As when the process was killed between two renames.
    rm b/checkpoint.safetensors
    mv keep b/checkpoint.previous.safetensors
    "$DLTRAIN" --config "$long" --out b --resume -q >/dev/null
    same_run "$box/whole" b
}

@test "a damaged checkpoint never takes the place of the previous one" {
    cp -r "$box/cut" a
    stopped "$long" a
    cp a/checkpoint.previous.safetensors previous
    printf 'x' | dd of=a/checkpoint.safetensors bs=1 seek=20000 conv=notrunc status=none
    # Killed as soon as it goes on, before it has written one.
    "$DLTRAIN" --config "$long" --out a --resume -q >/dev/null 2>&1 3>&- &
    pid=$!
    while kill -0 $pid && [ -e a/checkpoint.safetensors ]; do :; done
    kill -KILL $pid
    wait $pid || :
    cmp a/checkpoint.previous.safetensors previous
    "$DLTRAIN" --config "$long" --out a --resume -q >/dev/null
    same_run "$box/whole" a
}

@test "a finished run is looked at: its config, its data, its summary" {
    cp -r "$box/data" data
    again=("$DLTRAIN" --config "$config" --set data.root="$PWD/data" --out a --resume)
    "${again[@]}" -q >/dev/null
    # Also without its checkpoint; then there can be no more epochs.
    rm a/checkpoint.safetensors
    "${again[@]}" -q >/dev/null
    fails 3 'optimizer.lr: the run began with 0.1, it cannot go on with 0.2' "${again[@]}" --set optimizer.lr=0.2
    fails 4 'a: cannot go on for more epochs: there is no checkpoint.safetensors' "${again[@]}" --set train.epochs=9
    cp a/summary.json kept
    for summary in '{}' '[1]' '{"a":'; do
        echo "$summary" >a/summary.json
        fails 4 'a/summary.json: ' "${again[@]}" --expect 'test.accuracy >= 0'
    done
    tr -d '\n' <kept >a/summary.json
    fails 4 'a/summary.json: is not as dltrain wrote it' "${again[@]}" --expect 'test.accuracy >= 0'
    mv kept a/summary.json
    printf '\001' | dd of=data/train-images-idx3-ubyte bs=1 seek=5000 conv=notrunc status=none
    fails 4 'data.train.images: the finished run is one of data whose SHA-256 is ' \
        "${again[@]}" --expect 'test.accuracy >= 0'
}

@test "a finished run in a place where nothing can be written" {
    [ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null || skip "root may write anywhere"
    as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --clear-groups)
    cp -r "$box/whole" a
    chmod -R a+rX,a-w a
    chmod a+rx . "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
    run "${as[@]}" "$DLTRAIN" --config "$long" --out a --resume
    chmod -R u+w a
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = 'dltrain: a: this run is finished, nothing is left to do' ]
}

@test "where there is nothing to go on with, the run begins" {
    "$DLTRAIN" --config "$config" --out a --resume >/dev/null 2>log
    grep -qx 'dltrain: a: holds no checkpoint, the run begins' log
    "$DLTRAIN" --config "$config" --out b -q >/dev/null
    cmp a/model.safetensors b/model.safetensors
}

@test "a run that diverged has nothing to go on with" {
    run "$DLTRAIN" --config "$config" --out a -q --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]'
    [ "$status" -eq 5 ]
    fails 5 'a: nothing to go on with: training diverged in epoch 1' "$DLTRAIN" --config "$config" --out a --resume -q \
        --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]'
}

@test "a run from a model file goes on without the file" {
    "$DLTRAIN" --config "$config" --out first -q >/dev/null
    cp first/model.safetensors start
    sed 's/"epochs": 300/"epochs": 200/; s/"units": 64, "dropout": 0.2/"units": 16/' "$long" >from.json
    sed -i "s|\"root\": \"data\"|\"root\": \"$box/data\"|" from.json
    "$DLTRAIN" --config from.json --init-from start --out whole -q --set train.refit=true >/dev/null
    stopped from.json cut --init-from start --set train.refit=true
    rm start
    "$DLTRAIN" --config from.json --out cut --resume -q --set train.refit=true >/dev/null
    same_run whole cut
}

@test "a second process is refused and told who is at work; a lock that was left is none" {
    "$DLTRAIN" --config "$config" --out a --set train.epochs=1000000 -q >/dev/null 2>&1 3>&- &
    pid=$!
    while kill -0 $pid && [ ! -s a/metrics.jsonl ]; do :; done
    [ "$(cat a/.lock)" = "$pid $(uname -n)" ]
    fails 6 "a: is in use by process $pid on $(uname -n)" "$DLTRAIN" --config "$config" --out a --resume
    kill -KILL $pid
    wait $pid || true
    "$DLTRAIN" --config "$config" --out a --force -q >/dev/null
}

@test "a finished run is held against what is expected of it now; seeds go on, too" {
    "$DLTRAIN" --config "$config" --out a -q --expect 'test.accuracy >= 0' >/dev/null
    cp a/summary.json before
    "$DLTRAIN" --config "$config" --out a --resume -q --expect 'test.loss >= 0' >result
    grep -Eqx 'expect +test.loss >= 0 +[0-9.]+ +ok' result
    run "$DLTRAIN" --config "$config" --out a --resume -q --expect 'epochs_run == 3' --json
    [ "$status" -eq 1 ]
    [ "$(grep -c '"expect": \[' <<<"$output")" -eq 1 ]
    cmp a/summary.json before
    "$DLTRAIN" --config "$config" --out a --resume -q --junit a.xml >/dev/null
    grep -qF "\"model_digest\" value=\"$(sed -n 's/.*"model_digest": "\(.*\)",/\1/p' before)\"" a.xml
    "$DLTRAIN" --config "$config" --out s --seeds 2 -q >/dev/null
    rm -r s/seed-2
    cp -p s/seed-1/summary.json one
    "$DLTRAIN" --config "$config" --out s --seeds 2 --resume -q >/dev/null
    [ ! s/seed-1/summary.json -nt one ]
    [ -s s/seed-2/summary.json ] && [ -s s/seeds.json ]
    for command in verify compare; do
        fails 4 's: holds a run of each of several seeds: give s/seed-1 or the like' "$DLTRAIN" $command s
    done
    rm s/seed-2/summary.json
    mv s/seed-2/checkpoint.safetensors s/seed-2/checkpoint.previous.safetensors
    printf x >s/seed-2/checkpoint.safetensors
    "$DLTRAIN" --config "$config" --out s --seeds 2 --resume >/dev/null 2>log
    grep -qx 'dltrain: s/seed-1: this run is finished, nothing is left to do' log
    grep -q '^dltrain: warning: s/seed-2/checkpoint.safetensors: .*; going on from checkpoint.previous.safetensors$' log
}
