#!/usr/bin/env bats
# Errors are one line each on stderr, with the status that says whose fault it is; nothing kills or hangs the program.

load support

setup_file() { make_box; }
setup() { enter; }

@test "no arguments: a short usage and status 2" {
    run --separate-stderr "$DLTRAIN"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [[ $stderr == "usage: dltrain"* ]]
}

@test "the command line is checked" {
    fails 2 'unknown command "trian"; did you mean "train"?' "$DLTRAIN" trian
    fails 2 'unknown command "zzz"' "$DLTRAIN" zzz
    fails 2 'unknown option --confg; did you mean "--config"?' "$DLTRAIN" --confg x
    fails 2 'unknown option --se' "$DLTRAIN" --se seed=1
    fails 2 'unknown option -x' "$DLTRAIN" -x
    fails 2 'option --json takes no value' "$DLTRAIN" --json=yes
    fails 2 'option --config needs a value' "$DLTRAIN" --config
    fails 2 'unexpected argument "stray"' "$DLTRAIN" --config "$config" stray
    fails 2 'unexpected argument "stray"' "$DLTRAIN" --config "$config" -- stray
    fails 2 'unexpected argument "--quiet"' "$DLTRAIN" --config "$config" -- --quiet
    "$DLTRAIN" --config "$config" --print-config -- >/dev/null
    fails 2 'train needs --config' "$DLTRAIN" train
    fails 2 'check needs --config' "$DLTRAIN" check
    fails 2 '--threads: must be a whole number from 0 to' "$DLTRAIN" --config "$config" --threads many
    fails 2 '--seed: must be a whole number from 0 to 18446744073709551615, got "-1"' "$DLTRAIN" --config "$config" --seed -1
    fails 2 '--seed' "$DLTRAIN" --config "$config" --seed 18446744073709551616
    fails 2 'option --out: must not be empty' "$DLTRAIN" --config "$config" --out ''
    fails 2 '"mips"' "$DLTRAIN" --config "$config" --isa mips
    fails 2 '"mips"' env DLTRAIN_ISA=mips "$DLTRAIN" --config "$config"
    fails 2 'no help on "tran"' "$DLTRAIN" help tran
    [ -z "$(ls -A)" ]
}

@test "a fault of the config is a line each" {
    fails 3 'nothing.json' "$DLTRAIN" --config nothing.json
    fails 3 'optimizer.lr' "$DLTRAIN" --config "$config" --set optimizer.lr=fast
    echo '{ "data": {"train": {"images": "a", "labels": "b"}}, "sed": 1, "threads": "x" }' >bad.json
    run --separate-stderr "$DLTRAIN" --config bad.json
    [ "$status" -eq 3 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ ${stderr_lines[0]} == 'dltrain: error: bad.json:1:'*sed*seed* ]]
    [[ ${stderr_lines[1]} == 'dltrain: error: bad.json:1:'*threads* ]]
}

@test "data that are missing or damaged are status 4" {
    fails 4 "no-such-file" "$DLTRAIN" --config "$config" --set data.train.images=no-such-file
    [[ $stderr == *"cannot open: No such file or directory" ]]
    fails 4 "no/train-images-idx3-ubyte.gz: cannot open: No such file or directory (scripts/get-data fetches MNIST, Fashion-MNIST and KMNIST)" \
        "$DLTRAIN" --config "$config" --set data.train.images="$PWD/no/train-images-idx3-ubyte.gz"
    head -c 1000 "$box/data/train-images-idx3-ubyte" >short
    fails 4 "$PWD/short" "$DLTRAIN" --config "$config" --set data.train.images="$PWD/short"
    fails 4 'found 50 labels for the 200 images' "$DLTRAIN" --config "$config" --set data.train.labels="$box/data/t10k-labels-idx1-ubyte"
    fails 4 "$config" "$DLTRAIN" --config "$config" --init-from "$config"
}

# flip FILE BYTE: the file with the lowest bit of that byte turned, on stdout
flip() {
    head -c "$2" "$1"
    printf '%b' "$(printf '\\0%03o' $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 1)))"
    tail -c +$(($2 + 2)) "$1"
}

@test "nothing is trained on data with a bit turned, nor started or measured with such a model" {
    gzip -c "$box/data/train-images-idx3-ubyte" >sound.gz
    flip sound.gz 9000 >bad.gz
    fails 4 "$PWD/bad.gz: byte " "$DLTRAIN" --config "$config" --set data.train.images="$PWD/bad.gz"
    "$DLTRAIN" --config "$config" --set train.epochs=0 --out sound -q >/dev/null
    flip sound/model.safetensors $(($(wc -c <sound/model.safetensors) - 3)) >bad
    fails 4 'bad: the tensors do not match "model_digest"' "$DLTRAIN" eval --model bad --data "$box/data"
    fails 4 'bad: the tensors do not match "model_digest"' "$DLTRAIN" predict --model bad --images "$box/data/t10k-images-idx3-ubyte"
    fails 4 'bad: the tensors do not match "model_digest"' "$DLTRAIN" --config "$config" --init-from bad
    [ ! -e runs ]
}

@test "a folder that cannot be written is status 6 before anything is read" {
    fails 6 /proc/nowhere "$DLTRAIN" --config "$config" --out /proc/nowhere --set data.train.images=nothing
    echo >file
    fails 6 file "$DLTRAIN" --config "$config" --out file/run
}

@test "a name with a newline stays one line" {
    cp "$config" $'x\n.json'
    fails 3 "name: must be given, because the file's name makes none" "$DLTRAIN" --config $'x\n.json' --set data.root="$box/data"
    fails 3 'without control characters' "$DLTRAIN" --config "$config" --set 'name="a\u001b[31m"'
    fails 3 'x?y.json' "$DLTRAIN" --config $'x\ny.json'
}

@test "a full stdout is status 6, and the run is complete" {
    [ -c /dev/full ] || skip "no /dev/full"
    status=0
    "$DLTRAIN" --config "$config" --out a -q >/dev/full 2>err || status=$?
    [ "$status" -eq 6 ]
    [ "$(cat err)" = "dltrain: error: cannot write to standard output: No space left on device" ]
    [ -f a/summary.json ]
}

@test "a closed pipe does not stop the training" {
    { "$DLTRAIN" --config "$config" --out a 2>err; echo $? >status; } | :
    [ "$(cat status)" -eq 0 ]
    [ -f a/summary.json ]
    { "$DLTRAIN" --config "$config" --out b 2>&1 >/dev/null; echo $? >status; } | :
    [ "$(cat status)" -eq 0 ]
    [ -f b/summary.json ]
}

@test "streams that are closed at the start are never mistaken for files" {
    "$DLTRAIN" --config "$config" --out a >/dev/null
    "$DLTRAIN" --config "$config" --out b <&- >&- 2>&-
    for file in config.json model.safetensors; do
        cmp a/$file b/$file
    done
    [ "$(wc -l <b/metrics.jsonl)" -eq 2 ]
    run ! grep -q epoch\ 1/2 b/*
}

@test "what does not fit into memory is one line and status 6, before anything is written" {
    fails 6 'out of memory: the model' "$DLTRAIN" --config "$config" --set 'model.layers=[{"units":1048576},{"units":1048576}]'
    limited() { (ulimit -v 400000 && exec "$DLTRAIN" "$@"); }
    if limited --version >/dev/null 2>&1; then # a sanitizer's shadow memory does not fit under such a limit
        fails 6 'out of memory' limited --config "$config" --set 'model.layers=[{"units":100000}]'
    fi
    [ ! -e runs ]
}
