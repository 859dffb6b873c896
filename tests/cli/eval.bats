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
    fails 4 'nowhere: is not a folder' "$DLTRAIN" eval --model "$model" --data nowhere
}

@test "what does not fit together is named" {
    fails 2 'needs --model' "$DLTRAIN" eval --data "$box/data"
    fails 2 'either --config FILE or --data DIR' "$DLTRAIN" eval --model "$model"
    fails 2 'either --config FILE or --data DIR' "$DLTRAIN" eval --model "$model" --config "$config" --data "$box/data"
    fails 4 'nothing' "$DLTRAIN" eval --model nothing --data "$box/data"
    fails 4 "$config" "$DLTRAIN" eval --model "$config" --data "$box/data"
    fails 3 'data.test' "$DLTRAIN" eval --model "$model" --config "$config" --set data.test=null
}

@test "a damaged model file is refused" {
    head -c 30000 "$model" >short
    fails 4 short "$DLTRAIN" eval --model short --data "$box/data"
    sed 's,dltrain/1,dltrain/9,' "$model" >other
    fails 4 'expected dltrain/1, found dltrain/9' "$DLTRAIN" eval --model other --data "$box/data"
}
