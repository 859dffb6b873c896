#!/usr/bin/env bats
# Noise and dropout from the command line: every key acts, on any number of threads; predict --mc-dropout.

load support

setup_file() {
    make_box
    train_once
    box=$BATS_FILE_TMPDIR
    "$DLTRAIN" --config "$box/tiny.json" --out "$box/dropped" -q --set 'model.layers=[{"units":16,"dropout":0.5}]' >/dev/null
    "$DLTRAIN" --config "$box/tiny.json" --out "$box/values" -q --set model.input_dropout=0.3 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"tanh"}]' >/dev/null
}
setup() {
    enter
    images=$box/data/t10k-images-idx3-ubyte
    dropped=$box/dropped/model.safetensors
}

# train OPTION...: the digest of the model
train() {
    "$DLTRAIN" --config "$config" --out run --force -q "$@" >/dev/null
    sed -n 's/.*"model_digest": "\(.*\)",*/\1/p' run/summary.json
}

# The settings that this file is about.
keys=(
    'model.input_dropout=0.2'
    'model.layers=[{"units":16,"dropout":0.2}]'
    'regularization.input_noise=0.2'
    'regularization.weight_noise=0.2'
)

@test "every key acts, each in its own way, on any number of threads and instruction set" {
    train >digests
    for key in "${keys[@]}"; do
        train --set "$key" >one
        train --set "$key" --threads 3 --isa scalar | cmp - one
        cat one >>digests
    done
    train --set regularization.weight_noise=0.2 --set regularization.weight_noise_kind=per_step >>digests
    [ "$(sort -u digests | wc -l)" -eq 6 ]
    # The kind alone is no noise; another seed is other noise.
    train --set regularization.weight_noise_kind=per_step | cmp - <(head -1 digests)
}

@test "what is 0 is off" {
    train >plain
    train --set model.input_dropout=0 --set 'model.layers=[{"units":16,"dropout":0}]' --set regularization.input_noise=0 \
        --set regularization.weight_noise=0 | cmp - plain
}

@test "noise is for training alone" {
    train --set train.epochs=0 >plain
    sed -n '/"test"/,/}/p' run/summary.json >figures
    for key in "${keys[@]}"; do
        train --set train.epochs=0 --set "$key" | cmp - plain
        sed -n '/"test"/,/}/p' run/summary.json | cmp - figures
    done
}

@test "a model with dropout predicts as one without" {
    # The tensors are the same by name and shape: the plain config takes them over.
    train --set train.epochs=0 --init-from "$dropped" >copy
    "$DLTRAIN" predict --model "$dropped" --images "$images" | cmp - <("$DLTRAIN" predict --model run/model.safetensors --images "$images")
    train --set train.epochs=0 --set 'model.layers=[{"units":16,"dropout":0.5}]' --init-from "$dropped" | cmp - copy
}

@test "the trace shows dropout and weight noise" {
    "$DLTRAIN" check --config "$config" --trace --set 'model.layers=[{"units":16,"dropout":0.25}]' \
        --set regularization.weight_noise=0.1 >trace
    [ "$(grep -c ' dropout  ' trace)" -eq 2 ]
    grep -q 'keep 0.75' trace
    grep -q 'sigma 0.1' trace
    "$DLTRAIN" check --config "$config" --trace | grep -c ' dropout  \|affine_noise' | grep -qx 0
}

@test "--mc-dropout: means that sum to 1, their class, and deviations" {
    "$DLTRAIN" predict --model "$dropped" --images "$images" --mc-dropout 30 >rows
    [ "$(head -1 rows)" = index,class,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9,sd0,sd1,sd2,sd3,sd4,sd5,sd6,sd7,sd8,sd9 ]
    [ "$(wc -l <rows)" -eq 51 ]
    # A number in [0, 1] of mean m has a variance of at most m (1 - m).
    sed 1d rows | awk -F , '{ s = 0; b = 3; for (i = 3; i <= 12; i++) { s += $i; if ($i > $b) b = i
            if ($(i + 10) < 0 || $(i + 10) ^ 2 > $i * (1 - $i) + 1e-6) exit 1; d += $(i + 10) }
        if (s < 0.9999 || s > 1.0001 || b - 3 != $2) exit 1 } END { if (d == 0) exit 1 }'
    "$DLTRAIN" predict --model "$dropped" --images "$images" --mc-dropout 30 --format jsonl >lines
    head -1 lines | grep -Eq '^\{"index": 0, "class": [0-9], "probabilities": \[([0-9.e-]+, ){9}[0-9.e-]+\], "sd": \[([0-9.e-]+, ){9}[0-9.e-]+\]\}$'
    cmp <(sed 's/.*"class": \([0-9]\).*/\1/' lines) <(sed 1d rows | cut -d , -f 2)
}

@test "--mc-dropout: the draws follow from seed, pass and row alone" {
    mc() { "$DLTRAIN" predict --model "$dropped" --images "$images" --mc-dropout "$@"; }
    mc 10 --threads 1 >one
    mc 10 --threads 3 --isa scalar | cmp - one
    mc 10 --seed 1 | cmp - one
    mc 10 --seed 0 >zero
    run ! cmp -s zero one
    # One pass has no spread, and is not the prediction without dropout.
    mc 1 | sed 1d | cut -d , -f 13- | tr , '\n' | sort -u | grep -qx 0
    [ "$(mc 1 | sed 1d | cut -d , -f 13- | tr , '\n' | sort -u | wc -l)" -eq 1 ]
    "$DLTRAIN" predict --model "$dropped" --images "$images" >plain
    mc 1 | cut -d , -f -12 >single
    run ! cmp -s single plain
    fails 2 'option --mc-dropout: must be a whole number from 1' mc 0
    # Many passes come near to it: dropout of a trained net is centred on the net without.
    paste -d , <(mc 2000 | sed 1d) <(sed 1d plain) | awk -F , '{ for (i = 3; i <= 12; i++) { e = $i - $(i + 22); s += e * e } }
        END { if (sqrt(s / 500) > 0.1) exit 1 }'
}

@test "--mc-dropout of values, and of dropped inputs" {
    "$DLTRAIN" predict --model "$box/values/model.safetensors" --images "$images" --mc-dropout 5 >rows
    [ "$(head -1 rows | cut -d , -f 3,13)" = y0,sd0 ]
    sed 1d rows | awk -F , '$13 <= 0 { exit 1 }'
}

@test "--mc-dropout needs a model with dropout" {
    fails 2 'has no dropout' "$DLTRAIN" predict --model "$model" --images "$images" --mc-dropout 5
    fails 2 'mc-dropout: must be a whole number' "$DLTRAIN" predict --model "$dropped" --images "$images" --mc-dropout -1
}
