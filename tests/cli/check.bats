#!/usr/bin/env bats
# dltrain check: the summary of a model before it is trained; and schema and help, which print what the tables hold.

load support

setup_file() { make_box; }
setup() { enter; }

@test "check prints layers, parameters, cost and data, and trains nothing" {
    run --separate-stderr "$DLTRAIN" check --config "$config"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ $output == *"160 training, 40 validation, 50 test samples; 784 features, 10 classes"* ]]
    [[ $output =~ "784   16  relu        he_normal           12560           25088" ]]
    [[ $output =~ all\ +12730 ]]
    # 2 x 32 x (2 x 784 x 16 + 3 x 16 x 10): outputs and weight gradients, and cotangents but for the first layer
    [[ $output == *"batch of 32: 1.64 MFLOP"* ]]
    [ -z "$(ls -A)" ]
}

@test "check --json says the same" {
    run "$DLTRAIN" check --config "$config" --json --threads 1
    [ "$status" -eq 0 ]
    [[ $output == *'"parameters": 12730'* ]]
    [[ $output == *'"flops_per_step": 1636352'* ]]
    [[ $output == *'"threads": 1'* ]]
}

@test "check --trace prints the operations" {
    run "$DLTRAIN" check --config "$config" --trace
    [ "$status" -eq 0 ]
    [[ $output == *"z = W x + b"* ]]
    [[ $output == *cross_entropy* ]]
    fails 2 '--trace' "$DLTRAIN" check --config "$config" --trace --json
}

@test "check finds what is wrong with the data" {
    head -c 57 "$box/data/t10k-labels-idx1-ubyte" >short
    fails 4 short "$DLTRAIN" check --config "$config" --set data.test.labels="$PWD/short"
    fails 2 '"mips"' "$DLTRAIN" check --config "$config" --isa mips
}

@test "schema is JSON and names every key of --print-config" {
    "$DLTRAIN" schema >schema
    for key in $("$DLTRAIN" --config "$config" --print-config | sed -n 's/^ *"\([a-z_]*\)": .*/\1/p' | sort -u); do
        grep -q "\"$key\": " schema
    done
    "$DLTRAIN" schema --markdown | grep -q '^|.*optimizer.lr'
}

@test "help knows every command and the config" {
    "$DLTRAIN" help >all
    [ "$("$DLTRAIN" --help)" = "$(cat all)" ]
    for command in $(sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' all); do
        "$DLTRAIN" help "$command" | grep -q "^usage: dltrain .*$command"
        [ "$("$DLTRAIN" "$command" --help)" = "$("$DLTRAIN" help "$command")" ]
        [ "$("$DLTRAIN" "$command" --version)" = "$("$DLTRAIN" --version)" ]
    done
    "$DLTRAIN" help config | grep -q optimizer
    [[ $("$DLTRAIN" --version) =~ ^dltrain\ [0-9]+\.[0-9]+\.[0-9]+\ \(numeric\ contract\ [0-9]+\) ]]
}

@test "the methods that a config switches on are named, and no others" {
    run --separate-stderr "$DLTRAIN" check --config "${DLTRAIN%/*}"/tests/golden/noisy.json
    [ "$status" -eq 0 ]
    with=$(sed -n '/^with /,/^  *layer /p' <<<"$output" | sed '$d' | tr -s '\n ' ' ')
    [ "$with" = "with centered; momentum 0.5 to 0.9 over 1.5 epochs; plateau schedule; weight decay 0.0001; gradient values clipped at 0.5, their norm clipped at 2; l1 1e-05 by its sub-gradient; l2 0.0001; max-norm 1.5; dropout 0.1 of the inputs, 0.2 to 0.4 of the layers; input noise 0.1, weight noise 0.01 per step; augment: rotate 10, translate 1, scale 0.1, shear 0.1, elastic 0.5 over 3, limits of 1 class; label smoothing 0.05; sample weights, class weights; early stopping by validation.loss, patience 2; calibration; diagnostics " ]
    "$DLTRAIN" check --config "${DLTRAIN%/*}/configs/softmax.json" --set optimizer.momentum=0 | grep -c '^with' | grep -qx 0
    "$DLTRAIN" check --config "${DLTRAIN%/*}"/tests/golden/regular.json --json | python3 -c 'import json, sys; m = json.load(sys.stdin)["methods"]; assert m[0] == "amsgrad" and m[1] == "cosine schedule with warm-up of 0.5 epochs" and "balanced classes" in m, m'
}
