# The same bits on every machine: one digest for all threads, instruction sets, compilers and levels of optimisation.

setup() {
    TMP=$(mktemp -d)
    cat >"$TMP/small.json" <<EOF
{ "data": { "root": "$PWD/data/digits",
            "train": { "images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz" },
            "test": { "images": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz" },
            "validation": { "fraction": 0.05 }, "scale": "standardize_features" },
  "model": { "layers": [ { "units": 19, "activation": "gelu" }, { "units": 13, "activation": "prelu" },
                         { "units": 11, "activation": "tanh", "init": "orthogonal" } ] },
  "optimizer": { "lr": 0.05, "momentum": 0.9, "nesterov": true },
  "train": { "epochs": 2, "batch_size": 100 }, "seed": 7 }
EOF
}

teardown() {
    rm -rf "$TMP"
}

# digest PROGRAM OPTION...: of the model; metrics without their times go to $TMP/metrics
digest() {
    program=$1
    shift
    "$program" --config "$TMP/small.json" --out "$TMP/run" --force --quiet --json "$@" >"$TMP/summary"
    sed 's/"seconds": [^,]*, "samples_per_second": [^,]*, //' "$TMP/run/metrics.jsonl" >"$TMP/metrics"
    sed -n 's/.*"model_digest": "\([0-9a-f]*\)".*/\1/p' "$TMP/summary"
}

golden() {
    sed -n 's/^small *//p' tests/golden/digests
}

@test "the digest is the golden one" {
    [ "$(digest ./dltrain)" = "$(golden)" ]
}

@test "threads 1, 2, 3, 5 and every instruction set give one digest and one metrics.jsonl" {
    digest ./dltrain >/dev/null
    cp "$TMP/metrics" "$TMP/first"
    for isa in scalar avx2 avx512; do
        ./dltrain check --config "$TMP/small.json" --isa "$isa" >/dev/null 2>&1 || continue
        for threads in 1 2 3 5; do
            [ "$isa$threads" = scalar1 ] || [ "$isa$threads" = scalar5 ] || [ "$isa" != scalar ] || continue
            [ "$(digest ./dltrain --isa "$isa" --threads "$threads")" = "$(golden)" ]
            cmp "$TMP/metrics" "$TMP/first"
        done
    done
    [ "$(DLTRAIN_ISA=scalar digest ./dltrain)" = "$(golden)" ]
}

@test "another seed gives another digest" {
    [ "$(digest ./dltrain --seed 8)" != "$(golden)" ]
}

@test "gcc and clang builds, -O0 and -O3, give the same digest" {
    for cc in gcc clang; do
        command -v "$cc" >/dev/null || continue
        for level in -O0 -O3; do
            program=$(make --no-print-directory -s -j2 program CC="$cc" CFLAGS="$level" 2>"$TMP/log" | tail -n 1) || cat "$TMP/log"
            [ "$(digest "$program")" = "$(golden)" ]
        done
    done
}
