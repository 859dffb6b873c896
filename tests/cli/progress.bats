#!/usr/bin/env bats
# Progress on stderr: plain lines to a file, a live line on a terminal, and the ways to turn it down.

load support

setup_file() { make_box; }
setup() { enter; }

# For the tests on a terminal; a container may have none to give.
need_terminal() {
    [[ $(script -qec "echo works" /dev/null </dev/null 2>/dev/null) == *works* ]] || skip "script(1) gives no terminal here"
}

# on_terminal COLUMNS COMMAND...: what the command writes to a terminal of that width
on_terminal() {
    local columns=$1
    shift
    script -qec "stty cols $columns; $(printf '%q ' "$@")" /dev/null </dev/null
}

escape=$'\033'

@test "elsewhere than on a terminal: a heading and a line an epoch" {
    "$DLTRAIN" --config "$config" --out a >result 2>log
    [ "$(wc -l <log)" -eq 5 ]
    grep -q '^data   tiny: 160 training, 40 validation, 50 test samples; 784 features, 10 classes$' log
    grep -q '^model  784-16-10, 12730 parameters; cross_entropy, sgd$' log
    grep -Eq '^run    a; [0-9]+ threads?, [a-z0-9]+$' log
    grep -Eq '^epoch 2/2  train loss [0-9.]+ accuracy [0-9.]+ %  validation loss [0-9.]+ accuracy [0-9.]+ %  [0-9.]+ s  [0-9.]+ ([kM] )?samples/s$' log
    run ! grep -q "$escape" log
    run ! grep -q epoch\ 1/2 result
}

@test "--quiet says nothing" {
    "$DLTRAIN" --config "$config" --out a -q >/dev/null 2>log
    [ ! -s log ]
}

@test "--verbose adds config, checksums and memory" {
    "$DLTRAIN" --config "$config" --out a -v >/dev/null 2>log
    grep -q '"batch_size": 32' log
    grep -Eq 'images  [0-9a-f]{16}  /' log
    grep -q '^memory  data ' log
    grep -q '^kernels of this machine: scalar' log
}

@test "on a terminal: a live line, cleared before what stays" {
    need_terminal
    run on_terminal 100 env TERM=xterm "$DLTRAIN" --config "$config" --out a
    [ "$status" -eq 0 ]
    [[ $output == *$'\r'"epoch 1/2  [${escape}[32m"* ]]
    [[ $output == *$'\r'"${escape}[Kepoch 1/2  train loss"* ]]
    [[ $output == *"epoch 2/2  train loss"* ]]
}

@test "NO_COLOR takes the colours, TERM=dumb the live line" {
    need_terminal
    run on_terminal 100 env TERM=xterm NO_COLOR=1 "$DLTRAIN" --config "$config" --out a
    [[ $output == *$'\r'"epoch 1/2  ["* ]]
    [[ $output != *"${escape}[32m"* ]]
    run on_terminal 100 env TERM=xterm NO_COLOR= "$DLTRAIN" --config "$config" --out b
    [[ $output == *"${escape}[32m"* ]]
    run on_terminal 100 env TERM=dumb "$DLTRAIN" --config "$config" --out c
    [[ $output != *"$escape"* ]]
    [[ $output == *"epoch 2/2  train loss"* ]]
    run on_terminal 100 env TERM=xterm "$DLTRAIN" --config "$config" --out d -q
    [[ $output != *epoch\ 1/2* ]]
}

@test "the live line fits the terminal" {
    need_terminal
    run on_terminal 40 env TERM=xterm NO_COLOR=1 "$DLTRAIN" --config "$config" --out a
    live=$(printf '%s' "$output" | tr '\r' '\n' | grep "^epoch.*$escape\[K" | sed "s/$escape\[K//g")
    [ -n "$live" ]
    run ! grep -Eq '.{40}' <<<"$live"
}

@test "an error stands on a line of its own" {
    need_terminal
    run on_terminal 100 env TERM=xterm "$DLTRAIN" --config "$config" --out a --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]'
    [ "$status" -eq 5 ]
    [[ $output == *$'\n'"dltrain: error: "* || $output == *"${escape}[Kdltrain: error: "* ]]
}
