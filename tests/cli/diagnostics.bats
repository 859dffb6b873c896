#!/usr/bin/env bats
# train.diagnostics: figures of every layer in files and on the terminal, and warnings of nets made to be warned of.

load support

setup_file() { make_box; }
setup() { enter; }

# warned CONFIG-OPTION...: two epochs with diagnostics; the warnings in $warnings
warned() {
    "$DLTRAIN" --config "$config" --out a --force --set train.diagnostics=true "$@" >result 2>log
    warnings=$(grep '^dltrain: warning: ' log || true)
}

# layers COUNT JSON: so many times the same hidden layer
layers() {
    local list=$2
    for ((i = 1; i < $1; i++)); do list="$list,$2"; done
    printf 'model.layers=[%s]' "$list"
}

@test "figures of every layer, every epoch, and of the last one in the summary" {
    warned
    [ -z "$warnings" ]
    [ "$(grep -c '"diagnostics": {"gradient_ratio": [0-9.e-]*, "layers": \[{"name": "model.layers.0", ' a/metrics.jsonl)" -eq 2 ]
    for key in weight_norm gradient_norm update_ratio activation_mean activation_deviation; do
        [ "$(grep -o "\"$key\": -\?[0-9]" a/metrics.jsonl | wc -l)" -eq 4 ]
    done
    [ "$(grep -o '"dead": [0-9]' a/metrics.jsonl | wc -l)" -eq 2 ] # of the relu layer, not of the output layer
    run ! grep -q saturated a/metrics.jsonl
    grep -q '"warnings": \[\]' a/summary.json
    norm=$(sed -n '2s/.*"name": "model.output", "weight_norm": \([0-9.]*\),.*/\1/p' a/metrics.jsonl)
    [ "$(grep -c "\"weight_norm\": $norm" a/summary.json)" -eq 1 ]
}

@test "without the key there are no figures, and the model is the same" {
    "$DLTRAIN" --config "$config" --out b >result 2>/dev/null
    run ! grep -q -e diagnostics -e gradient result b/metrics.jsonl b/summary.json
    grep -q '"warnings": \[\]' b/summary.json
    warned
    cmp a/model.safetensors b/model.safetensors
}

@test "the figures are the same for every number of threads and instruction set" {
    export DLTRAIN_OVERCOMMIT=1
    figures() { sed 's/"seconds": [^,]*, "samples_per_second": [^,]*, //' a/metrics.jsonl; }
    warned --threads 1 --isa scalar
    figures >first
    warned --threads 5
    figures | cmp - first
}

@test "a table of the layers closes the result, with --verbose every epoch's is in the log" {
    warned --verbose --set 'model.layers=[{"units":16},{"units":8,"activation":"tanh"}]'
    tail -n 5 result >table
    grep -Eqx 'layers in epoch 2; gradient of the first by that of the last [0-9.]+' table
    grep -Eqx '  layer +weights +gradient +update +mean +deviation +dead +saturated' table
    grep -Eqx '  0( +[0-9.e-]+){5} +[0-9.]+ % +-' table
    grep -Eqx '  1( +[0-9.e-]+){5} +- +[0-9.]+ %' table
    grep -Eqx '  output( +[0-9.e-]+){5} +- +-' table
    [ "$(grep -c '^layers in epoch [12];' log)" -eq 2 ]
    "$DLTRAIN" --config "$config" --out a --force --set train.diagnostics=true --quiet --json >json 2>log
    [ ! -s log ]
    cmp json a/summary.json
}

@test "each warning comes once, and stays in the summary with its epoch" {
    warned --set 'model.layers=[{"units":16,"bias_init":"constant","bias_value":-100}]' --set train.epochs=4
    [ "$(grep -c "are dead" <<<"$warnings")" -eq 1 ]
    [[ $warnings == *"model.layers.0: 100 % of its 16 units are dead"* ]]
    text=$(sed -n 's/^dltrain: warning: \(.*are dead.*\)/\1/p' log | tail -n 1)
    grep -qF "\"text\": \"$text\"" a/summary.json
    [ "$(grep -A 99 '"warnings": \[' a/summary.json | grep -c '"epoch": 1,')" -eq "$(wc -l <<<"$warnings")" ]
    run --separate-stderr "$DLTRAIN" --config "$config" --out a --force --quiet --set train.diagnostics=true \
        --set 'model.layers=[{"units":16,"bias_init":"constant","bias_value":-100}]'
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
}

@test "a refit has figures of its own, which the result and the summary end with" {
    warned --verbose --set train.refit=true --set 'train.early_stopping={"metric": "validation.loss"}' \
        --set 'model.layers=[{"units":16,"bias_init":"constant","bias_value":-100}]'
    [ "$(grep -c '^{"phase": "refit", .*"diagnostics": ' a/metrics.jsonl)" -ge 1 ]
    last=$(tail -n 1 a/metrics.jsonl)
    norm=$(sed -n 's/.*"name": "model.output", "weight_norm": \([0-9.]*\),.*/\1/p' <<<"$last")
    [ "$(grep -c "\"weight_norm\": $norm" a/summary.json)" -eq 1 ]
    epochs=$(grep -c '"phase": "refit"' a/metrics.jsonl)
    grep -q "^layers in epoch $epochs of the refit" result
    [ "$(grep -c '^layers in epoch [0-9]* of the refit' log)" -eq "$epochs" ]
    # What the search was warned of is not said again.
    [ "$(grep -c "are dead" <<<"$warnings")" -eq 1 ]
    run ! grep -q '"phase"' a/summary.json
}

@test "a deep sigmoid net: vanishing; deep tanh with large weights: exploding" {
    warned --set "$(layers 12 '{"units":32,"activation":"sigmoid"}')"
    [[ $warnings == *"model.layers.0: its gradient vanishes: the norm is "* ]]
    warned --set "$(layers 12 '{"units":32,"activation":"tanh","init":"normal","std":2}')" --set optimizer.lr=1e-6
    [[ $warnings == *"model.layers.0: its gradient explodes: the norm is "* ]]
}

@test "saturated units" {
    warned --set 'model.layers=[{"units":16},{"units":16,"activation":"tanh","init":"normal","std":30}]'
    [[ $warnings == *"model.layers.1: "*" of its 16 units are saturated"* ]]
}

@test "a step that is too large or too small" {
    warned --set optimizer.lr=1e-9
    [[ $warnings == *"model.layers.0: a step changes its weights by only "* ]]
    warned --set 'model.layers=[{"units":16,"init":"normal","std":0.00001}]' --set optimizer.lr=10
    [[ $warnings == *"a step changes its weights by "*" times their size"* ]]
}

@test "check and train warn of initialisers that leave units equal or weights at 0" {
    equal='model.layers=[{"units":16,"activation":"tanh","init":"constant","value":0.1}]'
    run --separate-stderr "$DLTRAIN" check --config "$config" --set "$equal" --set model.output.init=zeros
    [ "$status" -eq 0 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr == "dltrain: warning: model.layers.0: its 16 units start equal and stay equal for ever, "*"init xavier_normal)" ]]
    text=${stderr#dltrain: warning: }
    run --separate-stderr "$DLTRAIN" check --config "$config" --set "$equal" --set model.output.init=zeros --json
    [[ $output == *'"warnings": ['*"\"$text\""* ]]
    "$DLTRAIN" --config "$config" --out a --set "$equal" --set model.output.init=zeros >result 2>log
    [ "$(grep -cxF "dltrain: warning: $text" log)" -eq 1 ]
    grep -A 2 '"warnings": \[' a/summary.json | grep -q '"epoch": 0,'

    run --separate-stderr "$DLTRAIN" check --config "$config" --set 'model.layers=[{"units":16,"init":"zeros"}]'
    [ "$status" -eq 0 ]
    [[ $stderr == "dltrain: warning: model.layers.0: its weights can never learn: "*"relu passes no gradient"* ]]
    run --separate-stderr "$DLTRAIN" check --config "$config" --set model.output.init=zeros
    [ -z "$stderr" ]
    [[ $output != *warning* ]]
}

@test "weights from a file are not judged by the initialisers" {
    train_once
    zeros='model.layers=[{"units":16,"init":"zeros"}]'
    "$DLTRAIN" --config "$config" --out a --init-from "$model" --set "$zeros" >/dev/null 2>log
    run ! grep -q warning log
}

@test "the demo is not warned of" {
    cd "$BATS_TEST_DIRNAME/../.."
    "$DLTRAIN" --config configs/digits.json --out "$BATS_TEST_TMPDIR/demo" --set train.diagnostics=true \
        >/dev/null 2>"$BATS_TEST_TMPDIR/log"
    run ! grep -q warning "$BATS_TEST_TMPDIR/log"
}
