# Real MNIST. What takes minutes is in tests/recipes.

setup() {
    load mnist
    find_mnist
}

@test "configs/mnist.json comes above 97 % in two epochs within 80 MB" {
    train mnist --set train.epochs=2 --expect 'test.accuracy >= 0.97' --expect 'peak_rss_bytes < 80000000'
}

@test "the data's checksums are those of the official files" {
    train mnist --set train.epochs=0
    for sum in ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db \
        65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 \
        0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 \
        ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2; do
        grep -q "$sum" "$TMP/run/summary.json"
    done
}

@test "configs/fast.json reaches 98 %" {
    train fast --expect 'test.accuracy >= 0.98'
}

@test "configs/mnist-augment.json comes above 98 % in two epochs" {
    train mnist-augment --set train.epochs=2 --expect 'test.accuracy >= 0.98'
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
    ./dltrain "${all[@]}" --out "$TMP/run" --threads 2 --quiet --expect 'stopped_by == early_stopping'
    goes_on_until 'uncorrected epoch 1' TERM --threads 2
    goes_on_until 'epoch 1' KILL --threads 2
    [ ! -e "$TMP/cut/summary.json" ]
    ./dltrain "${all[@]}" --out "$TMP/cut" --resume --threads 1 --quiet --expect 'threads == 1'
    cmp "$TMP/run/model.safetensors" "$TMP/cut/model.safetensors"
    for run in run cut; do
        sed -E 's/"(seconds|samples_per_second)": [0-9.e+-]+,?//g' "$TMP/$run/metrics.jsonl" >"$TMP/$run.jsonl"
    done
    cmp "$TMP/run.jsonl" "$TMP/cut.jsonl"
}
