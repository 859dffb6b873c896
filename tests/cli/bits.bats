# The same bits on every machine: one digest for all threads, instruction sets, compilers and levels of optimisation. The
# runs and their digests are in tests/golden, whose script compares; `make golden` does so over more builds.

setup() {
    export DLTRAIN_OVERCOMMIT=1 # more threads than processors, too
    TMP=$(mktemp -d)
}

teardown() {
    rm -rf "$TMP"
}

# train NAME OPTION...: a golden run by ./dltrain, into $TMP/run
train() {
    ./dltrain --config "tests/golden/$1.json" --out "$TMP/run" --force --quiet --json "${@:2}"
}

# metrics: of the last run, without their times
metrics() {
    sed 's/"seconds": [^,]*, "samples_per_second": [^,]*, //' "$TMP/run/metrics.jsonl"
}

@test "every golden run has a config and a digest" {
    diff <(cut -d ' ' -f 1 tests/golden/digests | sort) <(cd tests/golden && ls ./*.json | sed 's|./||; s|.json$||' | sort)
    [ "$(grep -cE '^[a-z]+ [0-9a-f]{64}$' tests/golden/digests)" -eq "$(wc -l <tests/golden/digests)" ]
}

@test "threads 1, 2, 3, 7, every instruction set, and another compiler at -O0 give the golden digests" {
    tests/golden/run --short
}

@test "a digest that is not the golden one is named, and the others are still compared" {
    sed -n 's/^small ./small x/p; /^smooth/p' tests/golden/digests >"$TMP/digests"
    COMPILERS='' run tests/golden/run --short --digests "$TMP/digests"
    [ "$status" -eq 1 ]
    [[ $output == *" scalar "*" 7 "*"DIFFERS "*"default "*", run small, not 7 scalar x"*" but 7 scalar "* ]]
    [[ $output != *"run smooth"* && $output != *"all digests"* ]]
}

@test "what is required must not be left out" {
    sed -n '/^smooth/p' tests/golden/digests >"$TMP/digests"
    COMPILERS='' run tests/golden/run --short --digests "$TMP/digests" --require scalar --require nonesuch
    [ "$status" -eq 1 ]
    [ "${lines[${#lines[@]} - 1]}" = "nonesuch is required" ]
    [[ $output != *"scalar is required"* ]]
}

@test "metrics.jsonl is the same for every number of threads and instruction set" {
    train ragged --isa scalar --threads 1
    metrics >"$TMP/first"
    train ragged --threads 3
    metrics | cmp - "$TMP/first"
}

@test "every golden run is the same over threads and instruction sets in bfloat16, too" {
    for config in tests/golden/*.json; do
        digest=''
        for how in 'avx2 1' 'auto 3' 'auto 2'; do
            # Two words.
            # shellcheck disable=SC2086
            set -- $how
            "./dltrain" check --config "$config" --isa "$1" >/dev/null 2>&1 || set -- auto "$2"
            got=$(train "$(basename "$config" .json)" --isa "$1" --threads "$2" --set precision=bf16 --set train.epochs=1 |
                grep -oE '"model_digest": "[0-9a-f]{64}"')
            [ -n "$got" ]
            [ "$got" = "${digest:-$got}" ]
            digest=$got
        done
    done
}

@test "another seed gives another digest" {
    train small --seed 8 | grep -oE '"model_digest": "[0-9a-f]{64}"' | cut -d '"' -f 4 >"$TMP/other"
    [ "$(wc -l <"$TMP/other")" -eq 1 ]
    ! grep -qFf "$TMP/other" tests/golden/digests
}
