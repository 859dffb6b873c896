# What the machine lacks: a full disk, a read-only or vanished folder, too little memory, descriptors, file size; a full
# standard output. Status 6 and one line, no piece of a file, and what was there before is whole.

load support

setup_file() {
    make_box
    train_once
}
setup() { enter; }

# in_namespace SCRIPT: a shell that may mount, and whose mounts end with it; the test's variables and functions are known
in_namespace() {
    local how=(unshare -m)
    [ "$(id -u)" -eq 0 ] || how=(unshare -rm)
    "${how[@]}" mount -t tmpfs none "$PWD" 2>/dev/null || skip "cannot mount here"
    export DLTRAIN config model box
    export -f fails
    "${how[@]}" bash -c "set -eu; $1"
}

# No temporary file is left, and whoever has a summary has its model.
whole() {
    [ -z "$(find "$1" -name '.*' -type f)" ]
    [ ! -e "$1/summary.json" ] || "$DLTRAIN" eval --model "$1/model.safetensors" --data "$box/data" >/dev/null
}

@test "a disk that is full, from the first byte of a run to the last" {
    export -f whole
    in_namespace '
        mkdir disk
        mount -t tmpfs -o size=256k none disk
        full=0 done=0
        for pages in $(seq 60 -3 0); do # so many of 64 are taken
            rm -rf disk/*
            head -c $((pages * 4096)) /dev/zero >disk/filler
            status=0
            "$DLTRAIN" --config "$config" --out disk/run -q >out 2>err || status=$?
            echo "$pages pages: $status $(cat err)"
            if [ "$status" -eq 0 ]; then
                done=$((done + 1))
                [ -e disk/run/summary.json ]
                [ ! -s err ]
            else
                full=$((full + 1))
                [ "$status" -eq 6 ]
                [ "$(wc -l <err)" -eq 1 ]
                grep -q "^dltrain: error: disk/run.*: No space left on device" err
                [ ! -e disk/run/summary.json ]
            fi
            [ ! -d disk/run ] || whole disk/run
        done
        [ "$full" -ge 3 ]
        [ "$done" -ge 3 ]'
}

@test "a run that a full disk has stopped goes on when there is room" {
    # Long enough for checkpoints before the model.
    in_namespace '
        long="--config $config -q --set train.epochs=200"
        "$DLTRAIN" $long --out whole >/dev/null
        mkdir disk
        mount -t tmpfs -o size=1m none disk
        full=0 kept=0
        for pages in $(seq 245 -9 100); do # so many of 256 are taken
            rm -rf disk/*
            head -c $((pages * 4096)) /dev/zero >disk/filler
            status=0
            "$DLTRAIN" $long --out disk/run --set train.checkpoint_minutes=0.00001 >out 2>err || status=$?
            echo "$pages pages: $status $(cat err)"
            [ "$status" -ne 0 ] || break
            full=$((full + 1))
            [ "$status" -eq 6 ]
            [ "$(wc -l <err)" -eq 1 ]
            [ ! -d disk/run ] || [ -z "$(find disk/run -name "checkpoint.new*")" ]
            [ ! -s disk/run/checkpoint.safetensors ] || kept=$((kept + 1))
            rm disk/filler
            "$DLTRAIN" $long --out disk/run --resume >/dev/null
            cmp disk/run/model.safetensors whole/model.safetensors
            [ ! -e disk/run/checkpoint.previous.safetensors ]
        done
        [ "$status" -eq 0 ]
        [ "$full" -ge 3 ]
        [ "$kept" -ge 1 ]'
}

@test "a full disk leaves an old file as it was" {
    in_namespace '
        mkdir disk
        mount -t tmpfs -o size=256k none disk
        "$DLTRAIN" calibrate --model "$model" --config "$config" --out disk/m -q >/dev/null
        "$DLTRAIN" predict --model "$model" --images "$box/data/t10k-images-idx3-ubyte" --out disk/p -q
        cp disk/m disk/p .
        head -c 1000000 /dev/zero >disk/filler 2>/dev/null || true
        run() { status=0; "$@" >out 2>err || status=$?; [ "$status" -eq 6 ]; [ "$(wc -l <err)" -eq 1 ]; grep -q "No space left on device" err; }
        run "$DLTRAIN" calibrate --model "$model" --config "$config" --set seed=3 --out disk/m -q
        run "$DLTRAIN" predict --model "$model" --images "$box/data/train-images-idx3-ubyte" --out disk/p -q
        cmp m disk/m
        cmp p disk/p
        [ "$(ls -A disk | tr "\n" " ")" = "filler m p " ]'
}

@test "a read-only folder is status 6 before anything is read" {
    in_namespace '
        mkdir disk
        mount -t tmpfs none disk
        cp -R "$box/run" disk/old
        mount -o remount,bind,ro disk
        run() { status=0; "$@" >out 2>err || status=$?; [ "$status" -eq 6 ]; [ "$(wc -l <err)" -eq 1 ]; grep -q "Read-only file system" err; }
        run "$DLTRAIN" --config "$config" --out disk/new --set data.train.images=nothing
        run "$DLTRAIN" --config "$config" --out disk/old --force --set data.train.images=nothing
        run "$DLTRAIN" predict --model "$model" --images "$box/data/t10k-images-idx3-ubyte" --out disk/p
        diff -r "$box/run" disk/old'
}

@test "a folder that vanishes while the training runs" {
    "$DLTRAIN" --config "$config" --out run -q --set train.epochs=1000000 >out 2>err &
    pid=$!
    until [ -s run/metrics.jsonl ]; do kill -0 $pid; done
    rm -rf run
    status=0
    wait $pid || status=$?
    [ "$status" -eq 6 ]
    [ "$(wc -l <err)" -eq 1 ]
    grep -Eq '^dltrain: error: run/(metrics.jsonl|checkpoint.new.safetensors): cannot ' err
    [ ! -s out ]
    [ ! -e run ]
}

# limited OPTION VALUE COMMAND...: under that ulimit
limited() { (ulimit "$1" "$2" && shift 2 && exec "$@"); }

@test "memory that ends anywhere is status 6 or no matter" {
    limited -v 400000 "$DLTRAIN" --version >/dev/null 2>&1 || skip "the program does not run in 400 MB of addresses"
    short=0 enough=0
    # Where the loader itself lacks memory there is no program yet.
    for kilobytes in $(seq 3000 150 60000); do
        limited -v "$kilobytes" "$DLTRAIN" --version >/dev/null 2>&1 || continue
        status=0
        limited -v "$kilobytes" "$DLTRAIN" --config "$config" --out run --force -q --threads 1 >out 2>err || status=$?
        echo "$kilobytes kB: $status $(cat err)"
        if [ "$status" -eq 0 ]; then
            enough=$((enough + 1))
            cmp run/model.safetensors "$model"
            [ "$enough" -lt 3 ] || break
        else
            short=$((short + 1))
            [ "$status" -eq 6 ]
            [ "$(wc -l <err)" -eq 1 ]
            grep -q '^dltrain: error: .*\(out of memory\|not enough memory\|cannot start thread\)' err
            [ ! -e run/summary.json ]
        fi
    done
    [ "$enough" -eq 3 ]
    [ "$short" -ge 3 ]
}

@test "descriptors and file sizes that end" {
    short=0
    for count in $(seq 4 24); do
        limited -n "$count" "$DLTRAIN" --version >/dev/null 2>&1 || continue
        status=0
        limited -n "$count" "$DLTRAIN" --config "$config" --out run --force -q >out 2>err || status=$?
        echo "$count descriptors: $status $(cat err)"
        [ "$status" -ne 0 ] || break
        short=$((short + 1))
        [ "$status" -eq 6 ]
        [ "$(wc -l <err)" -eq 1 ]
        grep -q '^dltrain: error: .*: Too many open files' err
    done
    [ "$status" -eq 0 ]
    [ "$short" -ge 1 ]
    fails 6 'File too large' limited -f 1 "$DLTRAIN" --config "$config" --out run --force -q
    [ ! -e run/summary.json ]
    whole run
}

@test "a full standard output is status 6 for every command" {
    [ -c /dev/full ] || skip "no /dev/full"
    full() {
        status=0
        "$DLTRAIN" "$@" >/dev/full 2>err || status=$?
        echo "$*: $status $(cat err)"
        [ "$status" -eq 6 ]
        [ "$(tail -n 1 err)" = "dltrain: error: cannot write to standard output: No space left on device" ]
    }
    full --help
    full --version
    full help config
    full schema
    full --config "$config" --print-config
    full check --config "$config"
    full eval --model "$model" --data "$box/data"
    full predict --model "$model" --images "$box/data/t10k-images-idx3-ubyte" -q
    full calibrate --model "$model" --config "$config" -q
    full gradcheck --config "$config" --set train.batch_size=2
    full --config "$config" --out run --json -q
    cmp run/model.safetensors "$model"
}
