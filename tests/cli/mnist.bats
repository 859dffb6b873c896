# Real MNIST, where data/mnist or $DLTRAIN_DATA/mnist has it (scripts/get-data mnist); counted as skipped elsewhere.

setup() {
    for root in data/mnist "${DLTRAIN_DATA:-}/mnist"; do
        [ -f "$root/train-images-idx3-ubyte.gz" ] && break
        root=
    done
    [ -n "$root" ] || skip "MNIST is not here (scripts/get-data mnist)"
    TMP=$(mktemp -d)
}

teardown() {
    [ -z "${TMP:-}" ] || rm -rf "$TMP"
}

train() {
    ./dltrain --config configs/mnist.json --set "data.root=$root" --out "$TMP/run" --quiet --json "$@" >"$TMP/summary"
}

# field KEY: the first number or string called KEY in the summary
field() {
    tr ',{}' '\n\n\n' <"$TMP/summary" | sed -n "s/^ *\"$1\": \"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" | head -n 1
}

# reaches SHARE: the accuracy on the test set
reaches() {
    local accuracy
    accuracy=$(tr '\n' ' ' <"$TMP/run/summary.json" | sed 's/.*"test": {[^}]*"accuracy": \([0-9.]*\).*/\1/')
    awk -v a="$accuracy" -v b="$1" 'BEGIN { exit !(a >= b) }'
}

@test "configs/mnist.json reaches 98 % on the official test set within 80 MB" {
    train
    reaches 0.98
    [ "$(field peak_rss_bytes)" -lt 80000000 ]
}

@test "the data's checksums are those of the official files" {
    train --set train.epochs=0
    for sum in ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db \
        65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 \
        0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 \
        ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2; do
        grep -q "$sum" "$TMP/run/summary.json"
    done
}

@test "configs/fast.json reaches 98 % with each of five seeds" {
    for seed in 1 2 3 4 5; do
        ./dltrain --config configs/fast.json --set "data.root=$root" --out "$TMP/run" --force --quiet --json --seed $seed \
            >"$TMP/summary"
        reaches 0.98
    done
}

@test "configs/mnist-augment.json makes at most 1 % of errors, even in 8 of its 20 epochs" {
    ./dltrain --config configs/mnist-augment.json --set train.epochs=8 --set "data.root=$root" --out "$TMP/run" --quiet --json >"$TMP/summary"
    reaches 0.99
}

@test "configs/mnist-l1.json leaves less than half of the first layer's weights, at no loss" {
    ./dltrain --config configs/mnist-l1.json --set "data.root=$root" --out "$TMP/run" --quiet --json >"$TMP/summary"
    reaches 0.983
    awk -v s="$(field sparsity)" 'BEGIN { exit !(s > 0.5) }'
}

# goes_on_until LINE SIGNAL [OPTION...]: begins, or goes on with, the run, and the signal comes when a line has begun so
goes_on_until() {
    local begin=$1 signal=$2 line="" pid
    shift 2
    exec 4< <(exec ./dltrain "${all[@]}" --out "$TMP/cut" --resume "$@" 2>&1 >/dev/null 3>&-)
    pid=$!
    while [[ $line != "$begin"* ]]; do read -r -u 4 line; done
    kill "-$signal" $pid
    ! wait $pid
    exec 4<&-
}

@test "all methods at once, stopped, killed and moved from two threads to one: the same digest and metrics" {
    ./dltrain resample --config configs/mnist.json --set "data.root=$root" --part test --tweak-one 3:0.5 --samples 2000 \
        --out "$TMP/target" >/dev/null
    all=(--config configs/mnist.json --set "data.root=$root" --set data.validation.fraction=0.5
        --set 'model.layers=[{"units":32,"dropout":0.2}]' --set model.input_dropout=0.1
        --set 'optimizer={"kind":"adam","lr":0.01}' --set 'augment={"rotate":10,"translate":2,"scale":0.1}'
        --set train.epochs=30 --set 'train.early_stopping={"patience":1,"min_delta":0.1}' --set shift.kind=label
        --set shift.correct=retrain --set "shift.target.images=$TMP/target/images.idx"
        --set shift.folds=2 --set shift.discriminator.epochs=1 --set shift.bootstrap=10)
    ./dltrain "${all[@]}" --out "$TMP/run" --threads 2 --quiet --json >"$TMP/summary"
    [ "$(field stopped_by)" = early_stopping ]
    goes_on_until 'uncorrected epoch 1' TERM --threads 2
    goes_on_until 'epoch 1' KILL --threads 2
    [ ! -e "$TMP/cut/summary.json" ]
    ./dltrain "${all[@]}" --out "$TMP/cut" --resume --threads 1 --quiet --json >"$TMP/summary"
    [ "$(field threads)" -eq 1 ]
    cmp "$TMP/run/model.safetensors" "$TMP/cut/model.safetensors"
    for run in run cut; do
        sed -E 's/"(seconds|samples_per_second)": [0-9.e+-]+,?//g' "$TMP/$run/metrics.jsonl" >"$TMP/$run.jsonl"
    done
    cmp "$TMP/run.jsonl" "$TMP/cut.jsonl"
}
