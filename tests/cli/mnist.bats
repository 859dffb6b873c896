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

@test "configs/mnist-augment.json makes at most 1 % of errors" {
    ./dltrain --config configs/mnist-augment.json --set "data.root=$root" --out "$TMP/run" --quiet --json >"$TMP/summary"
    reaches 0.99
}

@test "configs/mnist-l1.json leaves less than half of the first layer's weights, at no loss" {
    ./dltrain --config configs/mnist-l1.json --set "data.root=$root" --out "$TMP/run" --quiet --json >"$TMP/summary"
    reaches 0.983
    awk -v s="$(field sparsity)" 'BEGIN { exit !(s > 0.5) }'
}
