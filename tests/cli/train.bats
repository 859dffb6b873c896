#!/usr/bin/env bats
# dltrain [train]: the run directory, the result, and what the options do.

load support

setup_file() { make_box && train_once; }
setup() { enter; }

@test "a run leaves its directory and prints the result" {
    run cat "$box/result"
    [[ $output == *"test accuracy "*" of 50)"* ]]
    [[ $output == *"validation loss "* ]]
    digest=$(sed -n 's/^model digest *//p' "$box/result")
    [[ $digest =~ ^[0-9a-f]{64}$ ]]
    [ "$(ls -A "$box/run" | tr '\n' ' ')" = "checkpoint.safetensors config.json metrics.jsonl model.safetensors predictions.idx summary.json " ]
    grep -q "\"model_digest\": \"$digest\"" "$box/run/summary.json"
    [ ! -s "$box/log" ]
}

@test "the command may be left away, and a run repeats bit for bit" {
    "$DLTRAIN" train --config "$config" --out again -q >result
    cmp again/model.safetensors "$model"
    cmp again/config.json "$box/run/config.json"
    [ "$(grep digest result)" = "$(grep digest "$box/result")" ]
}

@test "threads and instruction sets do not change a bit" {
    for isa in $("$DLTRAIN" --version | sed -n 's/.*instruction sets//p'); do
        for threads in 1 3; do
            "$DLTRAIN" --config "$config" --out "$isa$threads" -q --isa "$isa" --threads $threads >/dev/null
            cmp "$isa$threads/model.safetensors" "$model"
            grep -q "\"isa\": \"$isa\"" "$isa$threads/summary.json"
            grep -q "\"threads\": $threads," "$isa$threads/summary.json"
        done
    done
}

@test "DLTRAIN_ISA chooses and --isa wins" {
    DLTRAIN_ISA=scalar "$DLTRAIN" --config "$config" --out a -q >/dev/null
    grep -q '"isa": "scalar"' a/summary.json
    DLTRAIN_ISA=nonsense "$DLTRAIN" --config "$config" --out b -q --isa scalar >/dev/null
    DLTRAIN_ISA='' "$DLTRAIN" --config "$config" --out c -q >/dev/null
}

@test "the summary has the promised fields" {
    for key in name epochs_run best_epoch stopped_by train validation test loss accuracy error confusion per_class \
        precision recall f1 support ece layers sparsity seconds load total first_step samples_per_second peak_rss_bytes threads isa \
        seed model_digest data images labels numeric_contract version; do
        grep -q "\"$key\": " "$box/run/summary.json"
    done
    grep -q '"epochs_run": 2' "$box/run/summary.json"
    grep -q '"stopped_by": "epochs"' "$box/run/summary.json"
    # The checksum is that of the decompressed file.
    sum=$({ sha256sum "$box/data/t10k-images-idx3-ubyte" 2>/dev/null || shasum -a 256 "$box/data/t10k-images-idx3-ubyte"; } | cut -d ' ' -f 1)
    grep -q "\"images\": \"$sum\"" "$box/run/summary.json"
}

@test "metrics has a whole line an epoch" {
    [ "$(wc -l <"$box/run/metrics.jsonl")" -eq 2 ]
    sed -n 2p "$box/run/metrics.jsonl" | grep -Eq '^\{"epoch": 2, "step": 10, "lr": 0.1, "seconds": .*, "train": \{"loss": [0-9.]+, "accuracy": [0-9.]+\}, "validation": \{.*\}\}$'
}

@test "the rate is that of all samples of all epochs" {
    seconds=$(sed -n 's/^    "train": \([0-9.e-]*\),$/\1/p' "$box/run/summary.json")
    rate=$(sed -n 's/^  "samples_per_second": \([0-9.e-]*\),$/\1/p' "$box/run/summary.json")
    [ "$(awk "BEGIN { printf \"%.3f\", $seconds * $rate }")" = 320.000 ]
}

@test "--json prints the summary and nothing else" {
    run --separate-stderr "$DLTRAIN" --config "$config" --out a --json
    [ "$status" -eq 0 ]
    printf '%s\n' "$output" | cmp - a/summary.json
}

@test "without a test part test is null" {
    grep -v '"test"' "$config" >"$box/no-test.json"
    "$DLTRAIN" --config "$box/no-test.json" --out a -q >result
    grep -q '"test": null' a/summary.json
    run ! grep -q '^test' result
    grep -q '^validation accuracy' result
}

@test "the default directory is runs/NAME" {
    "$DLTRAIN" --config "$config" -q >/dev/null
    [ -f runs/tiny/summary.json ]
    "$DLTRAIN" --config "$config" --set name=other -q >/dev/null
    [ -f runs/other/summary.json ]
}

@test "the resolved config repeats the run" {
    "$DLTRAIN" --config "$box/run/config.json" --out a -q >/dev/null
    cmp a/model.safetensors "$model"
}

@test "--set, --seed and the order of the two" {
    "$DLTRAIN" --config "$config" --print-config --set model.layers.0.units=7 --seed 3 --set optimizer.kind=sgd >printed
    grep -q '"units": 7' printed
    grep -q '"seed": 3' printed
    [ "$("$DLTRAIN" --config "$config" --print-config --seed 3 --set seed=4 | grep seed)" = '  "seed": 4,' ]
    [ "$("$DLTRAIN" --config "$config" --print-config --set seed=4 --seed 3 --seed 5 | grep seed)" = '  "seed": 5,' ]
    [ ! -e runs ]
    "$DLTRAIN" --config "$config" --out a --seed 2 -q >/dev/null
    run ! cmp -s a/model.safetensors "$model"
}

@test "a finished run is kept without --force and replaced with it" {
    "$DLTRAIN" --config "$config" --out a -q >/dev/null
    before=$(cat a/summary.json)
    fails 6 'a: holds a finished run: --force replaces it' "$DLTRAIN" --config "$config" --out a -q --seed 2
    [[ $stderr == *--resume* ]]
    [ "$(cat a/summary.json)" = "$before" ]
    "$DLTRAIN" --config "$config" --out a -q --seed 2 --force >/dev/null
    grep -q '"seed": 2' a/summary.json
}

@test "an unfinished run is taken over" {
    mkdir a
    echo junk >a/metrics.jsonl
    "$DLTRAIN" --config "$config" --out a -q >/dev/null
    [ "$(wc -l <a/metrics.jsonl)" -eq 2 ]
}

@test "--force keeps the old run until the new one can begin" {
    "$DLTRAIN" --config "$config" --out a -q >/dev/null
    fails 4 nothing "$DLTRAIN" --config "$config" --out a -q --force --set data.train.images=nothing
    [ -f a/summary.json ]
}

@test "a second process in the same directory is refused" {
    "$DLTRAIN" --config "$config" --out a -q --set train.epochs=1000000 >/dev/null 3>&- &
    pid=$!
    while kill -0 $pid && [ ! -s a/metrics.jsonl ]; do :; done
    fails 6 "a: is in use by process $pid" "$DLTRAIN" --config "$config" --out a -q --force
    kill -9 $pid
    wait $pid || :
    # Its lock is nobody's.
    [ ! -e a/summary.json ]
    "$DLTRAIN" --config "$config" --out a -q --force >/dev/null
    [ ! -e a/.lock ]
}

@test "a run does not replace its data, nor begins to where it cannot end" {
    "$DLTRAIN" --config "$config" --out a -q >/dev/null
    cp -r a before
    cp "$box/data/t10k-labels-idx1-ubyte" a/weights.idx
    fails 2 'a/weights.idx: the run would replace it, and reads it' \
        "$DLTRAIN" --config "$config" --out a --force --set data.test.labels="$PWD/a/weights.idx"
    rm a/weights.idx
    mkdir a/weights.idx
    fails 6 'a/weights.idx: cannot remove: it is a folder' "$DLTRAIN" --config "$config" --out a --force
    rmdir a/weights.idx
    diff -r a before
}

@test "--init-from goes on from a model" {
    "$DLTRAIN" --config "$config" --out a -q --init-from "$model" --set train.epochs=1 >/dev/null
    run ! cmp -s a/model.safetensors "$model"
    first=$(sed -n '1s/.*"train": {"loss": \([0-9]*\.[0-9]\).*/\1/p' "$box/run/metrics.jsonl")
    then=$(sed -n '1s/.*"train": {"loss": \([0-9]*\.[0-9]\).*/\1/p' a/metrics.jsonl)
    [ "${then/./}" -lt "${first/./}" ]
}

@test "--init-from refuses another shape, naming the tensor" {
    fails 4 'tensor "0.weight": expected F32 [8, 784], found F32 [16, 784]' \
        "$DLTRAIN" --config "$config" --out a --init-from "$model" --set model.layers.0.units=8
    [ ! -e a ]
    "$DLTRAIN" --config "$config" --out ten -q --set model.layers.0.units=10 >/dev/null
    fails 4 'tensor "2.bias", F32 [10], is none of this model' \
        "$DLTRAIN" --config "$config" --out a --init-from ten/model.safetensors --set 'model.layers=[]'
    fails 4 'tensor "4.weight" is missing: expected F32 [10, 10]' \
        "$DLTRAIN" --config "$config" --out a --init-from "$model" --set 'model.layers=[{"units":16},{"units":10}]'
}

@test "the end shows the figures" {
    for line in 'test accuracy         [0-9.]* %  (95 % interval [0-9.]* to [0-9.]*; [0-9]* of 50)' 'test error            [0-9.]* %' \
        'test loss             [0-9.]*' 'validation accuracy   .*' 'train loss            [0-9.]*' \
        'epochs                2 (best 2), 10 steps' \
        'seconds               [0-9.]* training, [0-9.]* in all; [0-9.]* [kM]* *samples/s' \
        'model digest          [0-9a-f]\{64\}' "run directory         $box/run"; do
        grep -qx "$line" "$box/result"
    done
    run ! grep -q 'figures of' "$box/result"
}

@test "a folder with control characters in its name stays a line" {
    out=$'a\n\033[31mb'
    "$DLTRAIN" --config "$config" --out "$out" >result 2>log
    [ -f "$out/summary.json" ]
    grep -qx 'run directory         a??\[31mb' result
    grep -q '^run    a??\[31mb; ' log
}

@test "no epochs: the figures of the initial model, no rates" {
    "$DLTRAIN" --config "$config" --out a --set train.epochs=0 >result 2>log
    [ "$(head -n 1 result)" = 'figures of            epoch 0, the initial model' ]
    grep -q '^test accuracy' result
    grep -Eqx 'epochs                0, 0 steps' result
    grep -Eqx 'seconds               [0-9.]+ in all' result
    run ! grep -q -e samples/s -e '^train' result log
}

@test "SIGTERM: the step is finished, nothing half-written stays, the run can go on or begin again" {
    "$DLTRAIN" --config "$config" --out a --set train.epochs=1000000 >result 2>log 3>&- &
    pid=$!
    while kill -0 $pid && [ ! -s a/metrics.jsonl ]; do :; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    [ ! -s result ]
    tail -n 1 log | grep -Eqx 'dltrain: stopped by SIGTERM at epoch [0-9]+, step [0-5] of 5; the same command with --resume goes on from the checkpoint in a'
    [ "$(ls -A a | grep -v previous | tr '\n' ' ')" = 'checkpoint.safetensors config.json metrics.jsonl ' ]
    run ! grep -qv '}}$' a/metrics.jsonl
    # The epoch that it stopped in is recorded when it is done.
    stopped=$(sed -n 's/.*SIGTERM at epoch \([0-9]*\), .*/\1/p' log)
    [ $((stopped - $(wc -l <a/metrics.jsonl))) -le 1 ]
    # To begin again has to be meant.
    fails 6 'a: holds a run that was interrupted: --resume goes on with it, --force replaces it' \
        "$DLTRAIN" --config "$config" --out a
    [ -s a/checkpoint.safetensors ]
    "$DLTRAIN" --config "$config" --out a -q --force >/dev/null
    cmp a/model.safetensors "$model"
}

@test "divergence is status 5 and leaves the last good model and a summary" {
    run --separate-stderr "$DLTRAIN" --config "$config" --out a -q --json --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]'
    [ "$status" -eq 5 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr == "dltrain: error: "*"epoch 1"*step* ]]
    printf '%s\n' "$output" | cmp - a/summary.json
    grep -q '"stopped_by": "diverged"' a/summary.json
    "$DLTRAIN" eval --model a/model.safetensors --data "$box/data" >/dev/null
    run --separate-stderr "$DLTRAIN" --config "$config" --out b -q --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]'
    [ "${lines[0]}" = 'figures of            the last good state: epoch 0, the initial model' ]
    [[ $output == *$'\nepochs                0 of 2, '*' steps, diverged'* ]]
}

@test "a run on files that cannot be read leaves no folder behind" {
    fails 4 nothing "$DLTRAIN" --config "$config" --out a --set data.train.images=nothing
    [ ! -e a ]
}
