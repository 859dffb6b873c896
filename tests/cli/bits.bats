# The same bits on every machine: one digest for all threads, instruction sets, compilers and levels of optimisation. The
# digests of the runs below are in tests/golden/digests.

setup() {
    export DLTRAIN_OVERCOMMIT=1 # more threads than processors are to share the work, too
    TMP=$(mktemp -d)
    # gelu, prelu, tanh; orthogonal; momentum with Nesterov; scaling by feature; cross-entropy; batches with a tail
    config small standardize_features cross_entropy 100 '
        { "units": 19, "activation": "gelu" }, { "units": 13, "activation": "prelu" },
        { "units": 11, "activation": "tanh", "init": "orthogonal" }' '"momentum": 0.9, "nesterov": true'
    # relu, leaky_relu, elu on widths that are no multiple of anything; random biases; squared error; small batches
    config ragged unit mse 7 '
        { "units": 97, "activation": "relu", "init": "he_uniform", "bias_init": "uniform", "bias_limit": 0.1 },
        { "units": 33, "activation": "leaky_relu", "init": "lecun_normal" },
        { "units": 5, "activation": "elu", "bias_init": "normal", "bias_std": 0.2 }' '"momentum": 0.5'
    # sigmoid, silu, softplus; one mean and deviation; binary cross-entropy; plain descent in large batches
    config smooth standardize binary_cross_entropy 256 '
        { "units": 24, "activation": "silu", "init": "xavier_uniform" },
        { "units": 40, "activation": "softplus", "init": "normal", "std": 0.2 },
        { "units": 16, "activation": "sigmoid", "bias_init": "constant", "bias_value": 0.25 }' '"momentum": 0'
}

teardown() {
    rm -rf "$TMP"
}

# config NAME SCALE LOSS BATCH LAYERS OPTIMIZER: a small run on the 2000 test digits
config() {
    cat >"$TMP/$1.json" <<EOF
{ "data": { "root": "$PWD/data/digits",
            "train": { "images": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz" },
            "validation": { "fraction": 0.05 }, "scale": "$2" },
  "model": { "layers": [ $5 ] }, "loss": { "kind": "$3" },
  "optimizer": { "lr": 0.05, $6 },
  "train": { "epochs": 2, "batch_size": $4 }, "seed": 7 }
EOF
}

# digest PROGRAM NAME OPTION...: of the model; metrics without their times go to $TMP/metrics
digest() {
    local program=$1 name=$2
    shift 2
    "$program" --config "$TMP/$name.json" --out "$TMP/run" --force --quiet --json "$@" >"$TMP/summary"
    sed 's/"seconds": [^,]*, "samples_per_second": [^,]*, //' "$TMP/run/metrics.jsonl" >"$TMP/metrics"
    sed -n 's/.*"model_digest": "\([0-9a-f]\{64\}\)".*/\1/p' "$TMP/summary"
}

# is_golden PROGRAM OPTION...: every run gives the digest that is on record
is_golden() {
    local program=$1 name expected
    shift
    while read -r name expected; do
        [ "${#expected}" -eq 64 ]
        [ "$(digest "$program" "$name" "$@")" = "$expected" ] || {
            echo "$program $* $name: not $expected"
            return 1
        }
    done <tests/golden/digests
}

@test "the digests are the golden ones" {
    [ "$(wc -l <tests/golden/digests)" -eq 3 ]
    is_golden ./dltrain
}

@test "threads 1, 2, 3, 5 and every instruction set give the golden digests" {
    is_golden ./dltrain --isa scalar --threads 2
    for isa in avx2 avx512 neon; do
        ./dltrain check --config "$TMP/small.json" --isa "$isa" >/dev/null 2>&1 || continue
        for threads in 1 2 3 5; do
            is_golden ./dltrain --isa "$isa" --threads "$threads"
        done
    done
    DLTRAIN_ISA=scalar is_golden ./dltrain --threads 3
}

@test "metrics.jsonl is the same for every number of threads and instruction set" {
    digest ./dltrain ragged --isa scalar --threads 1
    cp "$TMP/metrics" "$TMP/first"
    digest ./dltrain ragged --threads 3
    cmp "$TMP/metrics" "$TMP/first"
}

@test "another seed gives another digest" {
    other=$(digest ./dltrain small --seed 8)
    [ "${#other}" -eq 64 ]
    ! grep -q "$other" tests/golden/digests
}

@test "gcc and clang builds, -O0 and -O3, give the golden digests" {
    for cc in gcc clang; do
        command -v "$cc" >/dev/null || continue
        for level in -O0 -O3; do
            is_golden "$(make --no-print-directory -s -j2 program CC="$cc" CFLAGS="$level" | tail -n 1)"
        done
    done
}
