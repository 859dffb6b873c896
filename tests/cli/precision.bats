#!/usr/bin/env bats
# precision: products in bfloat16, the same bits everywhere (tests/golden has runs in both).

load support

setup_file() {
    make_box
    "$DLTRAIN" --config "$box/tiny.json" --set precision=bf16 --out "$box/half" -q >"$box/result"
    train_once
}
setup() { enter; }

# text FILE KEY, number FILE KEY: a member of the summary or report, the first of that name
text() { sed -n "s/^ *\"$2\": \"\(.*\)\",\{0,1\}$/\1/p" "$1" | head -n 1; }
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }

@test "summary, config and model file name it, and it is another model" {
    [ "$(text "$box/half/summary.json" precision)-$(text "$box/run/summary.json" precision)" = bf16-f32 ]
    grep -q '"precision": "bf16"' "$box/half/config.json"
    [ "$(text "$box/half/summary.json" model_digest)" != "$(text "$box/run/summary.json" model_digest)" ]
    # Close to the other one all the same.
    awk -v a="$(number "$box/half/summary.json" loss)" -v b="$(number "$box/run/summary.json" loss)" \
        'BEGIN { d = a - b; exit !(d * d < 1e-4 * a * a && d != 0) }'
}

@test "a model is put to use in the precision of its training, or in the one asked for" {
    eval() { "$DLTRAIN" eval --model "$1/model.safetensors" --data "$box/data" --json "${@:2}"; }
    eval "$box/half" >own
    eval "$box/half" --precision bf16 >bf16
    eval "$box/half" --precision f32 >f32
    eval "$box/run" >other
    eval "$box/run" --precision f32 --isa scalar >same
    loss() { number "$1" loss; }
    [ "$(loss own)" = "$(sed -n '/"test": {/,/}/p' "$box/half/summary.json" | number /dev/stdin loss)" ]
    [ "$(loss bf16)" = "$(loss own)" ]
    [ "$(loss f32)" != "$(loss own)" ]
    [ "$(loss same)" = "$(loss other)" ]
    predict() { "$DLTRAIN" predict --model "$box/half/model.safetensors" --images "$box/data/t10k-images-idx3-ubyte" "$@"; }
    predict >one
    predict --isa scalar --threads 3 | cmp - one
    run ! cmp <(predict --precision f32) one
    fails 2 'option --precision: must be one of f32, bf16, got "f16"' predict --precision f16
}

@test "a run goes on in the precision that it began in" {
    options=(--config "$config" --set train.epochs=300 --set precision=bf16 -q)
    "$DLTRAIN" "${options[@]}" --out whole >/dev/null
    "$DLTRAIN" "${options[@]}" --out a >/dev/null 2>&1 3>&- &
    pid=$!
    while kill -0 $pid && [ ! -s a/checkpoint.safetensors ]; do :; done
    kill -KILL $pid
    wait $pid || :
    fails 3 'precision: the run began with "bf16", it cannot go on with "f32"' \
        "$DLTRAIN" "${options[@]}" --set precision=f32 --out a --resume
    "$DLTRAIN" "${options[@]}" --out a --resume --isa scalar --threads 2 --set train.epochs=300 >/dev/null
    cmp whole/model.safetensors a/model.safetensors
}

@test "an unknown precision is named, with what there is" {
    fails 3 'precision=bf61: must be "f32" or "bf16", got "bf61" (default "f32"); did you mean "bf16"?' \
        "$DLTRAIN" --config "$config" --set precision=bf61 --out a
}

@test "gradcheck holds the gradient of a training against the same rounded factors in double precision" {
    "$DLTRAIN" gradcheck --config "$config" --set precision=bf16 --coordinates 4 --json >report
    # four tensors: off by floats' rounding only, while bfloat16 shows
    awk -F '[:,]' '
        /"training_error"/ { n++; if (!($2 < 1e-5)) exit 1 }
        /"rounding"/ { m++; if (!($2 > 1e-4 && $2 < 0.2)) exit 1 }
        END { exit !(n == 4 && m == 4) }' report
    "$DLTRAIN" gradcheck --config "$config" --set precision=bf16 --coordinates 4 >text
    [[ $(cat text) == *" training "*" rounding "*"a training's within "* ]]
    # Ties that fall otherwise in floats are no fault; no number is one.
    "$DLTRAIN" gradcheck --config "$config" --set precision=bf16 --coordinates 1 --samples 1 >text
    layer='{"units":8,"activation":"identity","init":"normal","std":1e6}'
    run -1 "$DLTRAIN" gradcheck --config "$config" --set precision=bf16 --coordinates 1 \
        --set "model.layers=[$layer,$layer,$layer,$layer,$layer,$layer]"
    [[ $output == *"the gradient of a training in bfloat16 is not finite"* && $output == *FAIL* ]]
    "$DLTRAIN" gradcheck --config "$config" --coordinates 4 >text
    run ! grep -q training text
    fails 2 'instruction set "avx512_bf16" is for precision bf16 alone' \
        "$DLTRAIN" gradcheck --config "$config" --isa avx512_bf16
}
