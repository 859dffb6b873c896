#!/usr/bin/env bats
# dltrain gradcheck: gradients in double precision against forward mode and differences; and what each mode costs.

load support

setup_file() {
    make_box
    train_once
}
setup() {
    repository=$PWD
    enter
}

# passes ARGUMENT...: gradcheck finds nothing wrong at a tenth of the default tolerance
passes() {
    run --separate-stderr "$DLTRAIN" gradcheck --tolerance 1e-7 "$@"
    [ "$status" -eq 0 ] || { printf '%s\n' "$*" "$output" "$stderr" && return 1; }
    [ -z "$stderr" ]
    [[ ${lines[-1]} == "ok: "* ]]
}

# number PATTERN: the first number behind the words of a line of $output
number() { printf '%s\n' "$output" | sed -n "s/^ *$1 *\([-0-9.e+]*\).*/\1/p" | head -n 1; }

@test "gradcheck prints a row a tensor and a verdict, and writes nothing" {
    passes --config "$config"
    [[ ${lines[0]} =~ ^objective\ [0-9.]+\ on\ 16\ samples\;\ double\ precision ]]
    for row in '0.weight +16 x 784 .* 64 +0  ok' '0.bias +16 .* 16 +0  ok' '2.weight +10 x 16 .* 64 +0  ok' '2.bias +10 .* 10 +0  ok'; do
        printf '%s\n' "$output" | grep -qE "^$row\$"
    done
    [ "${lines[-1]}" = "ok: 4 tensors, adjoint errors within 1e-10, differences within 1e-07" ]
    [ -z "$(ls -A)" ]
}

@test "all configs of the repository pass" {
    for file in "$repository"/configs/*.json; do
        [[ $file == *schema.json ]] && continue
        if [[ $file == */tabular* ]]; then # tables of their own
            passes --config "$file" --coordinates 8 --jvp
            continue
        fi
        passes --config "$file" --set data.root="$box/data" \
            --set 'data.train={"images":"train-images-idx3-ubyte","labels":"train-labels-idx1-ubyte"}' \
            --set data.test=null --coordinates 8 --jvp
    done
}

@test "every activation passes, with l1 and l2" {
    activations=$("$DLTRAIN" schema | sed -n '/"activation": {/,/enum/s/.*"enum": \[\(.*\)\].*/\1/p' | head -n 1 | tr -d '",')
    [ "$(echo $activations | wc -w)" -ge 10 ]
    for activation in $activations; do
        passes --config "$config" --set 'model.layers=[{"units":12,"activation":"'"$activation"'"},{"units":9,"activation":"'"$activation"'","l2":0.5}]' \
            --set regularization.l1=0.001 --set regularization.l2=0.01 --coordinates 24
        [[ $output =~ 0.weight\ +12\ x\ 784.*\ ok ]]
    done
    passes --config "$config" --set 'model.layers=[{"units":12,"bias_init":"normal"}]' --set model.output.bias_init=normal \
        --set regularization.l1=0.001 --set regularization.penalize_bias=all
}

@test "every loss passes, with smoothed labels; and inputs that are large numbers" {
    for loss in cross_entropy mse binary_cross_entropy; do
        passes --config "$config" --set loss.kind=$loss --coordinates 16
        [ $loss = mse ] || passes --config "$config" --set loss.kind=$loss --set loss.label_smoothing=0.1 --coordinates 16
    done
    passes --config "$config" --set data.scale=none --set 'model.layers=[{"units":16,"activation":"tanh"}]'
}

@test "the objective is the loss of an evaluation, and the penalties" {
    train=(--set data.validation=null --samples 200 --coordinates 1)
    "$DLTRAIN" eval --model "$model" --config "$config" --set data.test.images="$box/data/train-images-idx3-ubyte" \
        --set data.test.labels="$box/data/train-labels-idx1-ubyte" | awk '/^test loss/ { print $3 }' >loss
    passes --config "$config" --init-from "$model" "${train[@]}"
    awk -v a="$(number objective)" -v b="$(cat loss)" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < (1e-5 * b) ^ 2) }'
    plain=$(number objective)
    passes --config "$config" --init-from "$model" "${train[@]}" --set regularization.l2=1
    awk -v a="$(number objective)" -v b="$plain" 'BEGIN { exit !(a > b + 1) }'
}

@test "an error beyond tolerance is status 1, and the verdict says so" {
    run --separate-stderr "$DLTRAIN" gradcheck --config "$config" --tolerance 1e-30
    [ "$status" -eq 1 ]
    [ -z "$stderr" ]
    [[ ${lines[-1]} == "FAIL: 4 of 4 tensors"* ]]
    [[ $output == *"0.weight: at ["*"the gradient is"* ]]
    run "$DLTRAIN" gradcheck --config "$config" --tolerance 1e-30 --json
    [ "$status" -eq 1 ]
    [[ $output == *'"ok": false'* ]]
}

@test "what cannot be checked for its kinks is said" {
    # Sums of 0 stand on the kink of relu; all but the last bias have no gradient.
    passes --config "$config" --set 'model.layers=[{"units":16,"init":"zeros"}]'
    [[ $output =~ 0.bias\ +16\ .*\ -\ +0\ +16\ +ok ]]
    [[ $output == *"0.bias: no difference was taken"* ]]
}

@test "--jvp: forward mode, reverse mode and a difference along a direction of all parameters" {
    passes --config "$config" --jvp
    forward=$(number 'forward mode, one sweep') reverse=$(number '<gradient, direction>') difference=$(number 'central difference')
    awk -v f="$forward" -v r="$reverse" -v d="$difference" \
        'BEGIN { exit !(f != 0 && (f - r) ^ 2 < (1e-12 * f) ^ 2 && (f - d) ^ 2 < (1e-6 * f) ^ 2) }'
    passes --config "$config" --jvp --seed 2
    [ "$(number 'forward mode, one sweep')" != "$forward" ]
}

@test "the cost: reverse mode takes one sweep, forward mode one a parameter" {
    passes --config "$config" --set 'model.layers=[{"units":256}]' --coordinates 1
    [[ $output =~ forward\ pass\ +203264 ]]
    # 2 F - n0 n1
    [[ $output =~ reverse\ sweep\ +205824\;\ forward\ and\ reverse\ are\ 2.0126\ forward\ passes ]]
    [[ $output =~ derivative\ in\ a\ direction\ +205824, ]]
    [[ $output == *"205824 by one reverse sweep, 4.189e+10 by 203530 sweeps in forward mode"* ]]
}

@test "--json is one object that says the same" {
    "$DLTRAIN" gradcheck --config "$config" --json --jvp --threads 2 >report
    for python in python3 /usr/bin/python3; do "$python" -c 'import json' 2>/dev/null && break; done
    "$python" -c '
import json, math
r = json.load(open("report"))
assert r["ok"] is True and r["samples"] == 16
assert [t["name"] for t in r["tensors"]] == ["0.weight", "0.bias", "2.weight", "2.bias"]
assert [t["shape"] for t in r["tensors"]] == [[16, 784], [16], [10, 16], [10]]
assert all(t["ok"] and t["adjoint_error"] < 1e-12 and t["difference_error"] < 1e-7 for t in r["tensors"])
assert r["parameters"] == 12730
cost = r["multiplications_per_sample"]
assert cost["forward"] == 12704 and cost["reverse"] == cost["jvp"] == 2 * 12704 - 784 * 16
assert cost["gradient_by_forward_mode"] == 12730 * cost["jvp"]
jvp = r["jvp"]
assert math.isclose(jvp["forward"], jvp["reverse"], rel_tol=1e-12)
'
}

@test "the report does not depend on threads or instruction set" {
    "$DLTRAIN" gradcheck --config "$config" --threads 1 --isa scalar | sed 1d >one
    "$DLTRAIN" gradcheck --config "$config" --threads 3 | sed 1d >three
    cmp one three
}

@test "--coordinates 0 checks every element, --samples takes so many" {
    passes --config "$config" --set 'model.layers=[{"units":2}]' --coordinates 0 --samples 3
    [[ $output == *"on 3 samples"* ]]
    [[ $output =~ 0.weight\ +2\ x\ 784.*\ 1568\ +0\ +ok ]]
    passes --config "$config" --samples 100000 --coordinates 1
    [[ $output == *"on 160 samples"* ]]
}

@test "wrong usage, config and files" {
    fails 2 '--config' "$DLTRAIN" gradcheck
    fails 2 'option --samples: must be a whole number from 1 to' "$DLTRAIN" gradcheck --config "$config" --samples 0
    for wrong in 0 -1 1e 0x1 nan inf '' 1e-400 ' 1'; do
        fails 2 "option --tolerance: must be a number above 0, got \"$wrong\"" "$DLTRAIN" gradcheck --config "$config" --tolerance "$wrong"
    done
    fails 2 '"mips"' "$DLTRAIN" gradcheck --config "$config" --isa mips
    fails 3 'optimizer.lr' "$DLTRAIN" gradcheck --config "$config" --set optimizer.lr=fast
    fails 4 'no-such-file' "$DLTRAIN" gradcheck --config "$config" --set data.train.images=no-such-file
    fails 4 '0.weight' "$DLTRAIN" gradcheck --config "$config" --init-from "$model" --set 'model.layers=[{"units":3}]'
    layer='{"units":9,"init":"constant","value":1e6}'
    for doubling in 1 2 3 4 5 6; do layer=$layer,$layer; done
    fails 5 'not finite' "$DLTRAIN" gradcheck --config "$config" --set "model.layers=[$layer]" --set loss.kind=mse
}

@test "masks and noise are part of the objective, and of its gradient" {
    plain=$("$DLTRAIN" gradcheck --config "$config" | head -1)
    for key in model.layers.0.dropout=0.5 model.input_dropout=0.3 regularization.input_noise=0.2 regularization.weight_noise=0.1; do
        run --separate-stderr "$DLTRAIN" gradcheck --config "$config" --set "$key"
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == objective* && ${lines[0]} != "$plain" ]]
    done
}

@test "where the gradients of the samples cancel, rounding is no fault" {
    "$DLTRAIN" gradcheck --config "$config" --set model.layers=[] --set model.output.init=zeros --samples 200 --coordinates 4 | grep '^ok'
}

@test "the direction is tried with a shorter step where curvature or a kink is in the way" {
    "$DLTRAIN" gradcheck --config "$config" --set 'model.layers=[{"units": 16, "activation": "tanh"}]' \
        --set regularization.input_noise=300 --jvp --seed 2 --coordinates 8 | grep '^ok'
}
