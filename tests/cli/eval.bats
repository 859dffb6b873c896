#!/usr/bin/env bats
# dltrain eval: a saved model gives the figures that its training printed.

load support

setup_file() { make_box && train_once; }
setup() { enter; }

@test "eval repeats the test figures of the run" {
    "$DLTRAIN" eval --model "$model" --data "$box/data" >figures
    cmp figures <(grep '^test' "$box/result")
    "$DLTRAIN" eval --model "$model" --config "$config" >figures
    cmp figures <(grep '^test' "$box/result")
}

@test "eval --json has the section of the summary" {
    "$DLTRAIN" eval --model "$model" --data "$box/data" --json >figures
    cmp <(sed -n '/^  "test": {/,/^  }/p' figures) <(sed -n '/^  "test": {/,/^  }/p' "$box/run/summary.json")
    grep -q "$(grep model_digest "$box/run/summary.json")" figures
}

@test "the scaling is the model's own" {
    "$DLTRAIN" --config "$config" --out a -q --set data.scale=standardize_features >result
    "$DLTRAIN" eval --model a/model.safetensors --config "$config" >figures
    cmp figures <(grep '^test' result)
}

@test "compressed files and other names are found" {
    mkdir d
    gzip -c "$box/data/t10k-images-idx3-ubyte" >d/test-images-idx3-ubyte.gz
    cp "$box/data/t10k-labels-idx1-ubyte" d/test-labels-idx1-ubyte
    "$DLTRAIN" eval --model "$model" --data d >figures
    cmp figures <(grep '^test' "$box/result")
    rm d/test-labels-idx1-ubyte
    fails 4 'd: has test-images-idx3-ubyte but not test-labels-idx1-ubyte' "$DLTRAIN" eval --model "$model" --data d
    fails 4 't10k-images-idx3-ubyte' "$DLTRAIN" eval --model "$model" --data .
    fails 4 'nowhere: there is no such folder' "$DLTRAIN" eval --model "$model" --data nowhere
    fails 4 'tiny.json: is a table, and ' "$DLTRAIN" eval --model "$model" --data "$config"
}

@test "what does not fit together is named" {
    fails 2 'needs --model' "$DLTRAIN" eval --data "$box/data"
    fails 2 'either --config FILE or --data PATH' "$DLTRAIN" eval --model "$model"
    fails 2 'either --config FILE or --data PATH' "$DLTRAIN" eval --model "$model" --config "$config" --data "$box/data"
    fails 4 'nothing' "$DLTRAIN" eval --model nothing --data "$box/data"
    fails 4 "$config" "$DLTRAIN" eval --model "$config" --data "$box/data"
    fails 3 'data.test' "$DLTRAIN" eval --model "$model" --config "$config" --set data.test=null
}

@test "a label column of the model that the data lack is the fault of the files" {
    mkdir two
    { u32 2051; u32 100; u32 28; u32 28; tail -c +17 "$box/data/train-images-idx3-ubyte" | head -c 78400; } >two/images
    { u32 2050; u32 100; u32 2; tail -c +9 "$box/data/train-labels-idx1-ubyte"; } >two/labels
    "$DLTRAIN" --config "$config" --set data.train.images=two/images --set data.train.labels=two/labels --set data.test=null \
        --set data.root=null --set data.label_column=1 --set data.classes=10 --out a -q >/dev/null
    fails 4 "a/model.safetensors: data.label_column: must be below 1" "$DLTRAIN" eval --model a/model.safetensors --data "$box/data"
    fails 4 "a/model.safetensors: data.label_column: must be below 1" "$DLTRAIN" eval --model a/model.safetensors --config "$config"
    fails 3 "data.label_column: must be below 1" "$DLTRAIN" eval --model "$model" --config "$config" --set data.label_column=1
}

@test "a model that is not finite on the data is named, and so are they" {
    # The output layer's weights are the last 640 bytes: 3.4e38 each.
    { unsealed "$model" | head -c -640; head -c 640 /dev/zero | tr '\0' '\177'; } >huge
    fails 4 "huge: the model's loss is not finite on $box/data/t10k-images-idx3-ubyte with $box/data/t10k-labels-idx1-ubyte" \
        "$DLTRAIN" eval --model huge --data "$box/data"
    run --separate-stderr "$DLTRAIN" predict --model huge --images "$box/data/t10k-images-idx3-ubyte"
    [ "$status" -eq 4 ]
    [[ $stderr == "dltrain: error: huge: the model's outputs are not finite for row "*" of $box/data/t10k-images-idx3-ubyte" ]]
}

@test "a damaged model file is refused" {
    mkfifo pipe
    fails 4 'pipe: is a pipe, expected a regular file' "$DLTRAIN" eval --model pipe --data "$box/data"
    # One that has bytes is not looked into either.
    fails 4 'pipe: is a pipe, expected a regular file' sh -c 'exec 3<>pipe; printf "PK\003\004" >&3; exec "$@"' sh \
        "$DLTRAIN" eval --model pipe --data "$box/data"
    printf 'PK\003\004\0\0\010\010\0\0\0\0\0\0\0\0' >model.pt
    fails 4 'model.pt: is not a safetensors file: starts with "PK' "$DLTRAIN" eval --model model.pt --data "$box/data"
    [[ $stderr == *"which looks like a zip archive"* ]]
    head -c 30000 "$model" >short
    fails 4 short "$DLTRAIN" eval --model short --data "$box/data"
    sed 's,dltrain/1,dltrain/9,' "$model" >other
    fails 4 'expected dltrain/1, found dltrain/9' "$DLTRAIN" eval --model other --data "$box/data"
}
