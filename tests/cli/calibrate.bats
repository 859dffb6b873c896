#!/usr/bin/env bats
# Temperature scaling: train.calibrate, dltrain calibrate, and what eval and predict make of a calibrated model.

load support

setup_file() {
    make_box
    # So much training on so few samples makes a model too sure of itself.
    "$DLTRAIN" --config "$box/tiny.json" --set train.epochs=60 --set optimizer.lr=0.5 --out "$box/run" --quiet >"$box/result"
    "$DLTRAIN" --config "$box/tiny.json" --set train.epochs=60 --set optimizer.lr=0.5 --set train.calibrate=true --out "$box/calibrated" \
        --quiet >"$box/calibrated.result"
}
setup() {
    enter
    calibrated=$box/calibrated/model.safetensors
    images=$box/data/t10k-images-idx3-ubyte
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
}

# number FILE PATH: a number of a JSON file
number() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda a, k: a[k], sys.argv[2].split("."), json.load(open(sys.argv[1]))))' "$@"; }

# is EXPRESSION
is() { python3 -c "import sys; sys.exit(not ($1))" || { echo "not so: $1"; return 1; }; }

@test "train.calibrate softens a model and leaves it as it is" {
    is "$(number "$box/calibrated/summary.json" calibration.temperature) > 1.2"
    [ "$(grep model_digest "$box/run/summary.json")" = "$(grep model_digest "$box/calibrated/summary.json")" ]
    cmp "$box/run/metrics.jsonl" "$box/calibrated/metrics.jsonl" >/dev/null || # but for the times
        cmp <(sed 's/"seconds": .*"train"/"train"/' "$box/run/metrics.jsonl") <(sed 's/"seconds": .*"train"/"train"/' "$box/calibrated/metrics.jsonl")
    run ! cmp -s "$model" "$calibrated"
    grep -q '"calibration": null' "$box/run/summary.json"
    for part in validation test; do
        for figure in nll brier ece; do
            # Before is what the plain figures say, in double precision.
            is "abs($(number "$box/calibrated/summary.json" calibration.$part.before.$figure) - $(number "$box/run/summary.json" $part.$figure)) < 1e-6"
        done
        cmp <(sed -n "/^  \"$part\": {/,/^  }/p" "$box/run/summary.json") <(sed -n "/^  \"$part\": {/,/^  }/p" "$box/calibrated/summary.json")
    done
    is "$(number "$box/calibrated/summary.json" calibration.validation.after.nll) < $(number "$box/calibrated/summary.json" calibration.validation.before.nll)"
    grep -Eq '^temperature +[0-9.]+$' "$box/calibrated.result"
    grep -Eq '^validation nll +[0-9.]+, calibrated [0-9.]+$' "$box/calibrated.result"
    grep -v 'calibrated\|temperature\|seconds\|directory' "$box/calibrated.result" | cmp - <(grep -v 'seconds\|directory' "$box/result")
}

@test "predict divides the logits by the temperature and keeps the classes" {
    "$DLTRAIN" predict --model "$model" --images "$images" >plain
    "$DLTRAIN" predict --model "$calibrated" --images "$images" >softened
    cmp <(cut -d , -f 1,2 plain) <(cut -d , -f 1,2 softened)
    # softmax(z / T) is softmax(z) to the power of 1 / T, over the sum.
    python3 - "$(number "$box/calibrated/summary.json" calibration.temperature)" <<'PYTHON'
import sys
t, rows = float(sys.argv[1]), lambda name: [[float(x) for x in line.split(",")[2:]] for line in open(name).read().split()[1:]]
for p, q in zip(rows("plain"), rows("softened")):
    powers = [x ** (1 / t) for x in p]
    assert max(abs(x / sum(powers) - y) for x, y in zip(powers, q)) < 1e-5, (p, q)
PYTHON
}

@test "eval prints the plain figures and the calibrated ones beside" {
    "$DLTRAIN" eval --model "$model" --data "$box/data" >plain
    "$DLTRAIN" eval --model "$calibrated" --data "$box/data" >both
    cmp plain <(grep -v 'calibrated\|temperature' both)
    cmp both <(grep '^test\|^temperature' "$box/calibrated.result")
    "$DLTRAIN" eval --model "$calibrated" --data "$box/data" --json >both
    for figure in before.nll before.ece after.nll after.brier after.ece; do
        [ "$(number both calibration.test.$figure)" = "$(number "$box/calibrated/summary.json" calibration.test.$figure)" ]
    done
    "$DLTRAIN" eval --model "$model" --data "$box/data" --json | grep -q '"calibration": null'
}

@test "calibrate makes of a model what train.calibrate would have" {
    "$DLTRAIN" calibrate --model "$model" --config "$config" --out made --json >figures
    cmp made "$calibrated"
    cmp <(sed -n '/^  "calibration": {/,/^  }/p' figures) <(sed -n '/^  "calibration": {/,/^  }/p' "$box/calibrated/summary.json" | sed 's/^  },$/  }/')
    grep -q "$(grep -o '"model_digest": "[0-9a-f]*"' "$box/run/summary.json")" figures
    # Again, in place, and for any threads and instruction set.
    for isa in $("$DLTRAIN" --version | sed -n 's/.*instruction sets//p'); do
        "$DLTRAIN" calibrate --model made --config "$config" --out made --threads 3 --isa "$isa" >figures
        cmp made "$calibrated"
    done
    cmp figures <(grep '^temperature\|, calibrated' "$box/calibrated.result")
}

@test "calibrate alone prints and writes nothing" {
    cp "$model" m
    "$DLTRAIN" calibrate --model m --config "$config" --set data.test=null >figures
    cmp m "$model"
    [ "$(ls | tr '\n' ' ')" = "figures m " ]
    run ! grep -q test figures
    grep -q '^validation brier ' figures
}

@test "logits times a factor have that factor in the temperature" {
    unsealed "$model" >open
    python3 - open <<'PYTHON'
import json, struct, sys
from array import array
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header, body = json.loads(data[8:8 + size]), bytearray(data[8 + size:])
for name in ("2.weight", "2.bias"):
    begin, end = header[name]["data_offsets"]
    body[begin:end] = array("f", [4 * x for x in array("f", bytes(body[begin:end]))]).tobytes()
open("times4", "wb").write(data[:8 + size] + body)
PYTHON
    "$DLTRAIN" calibrate --model times4 --config "$config" --out made --json >figures
    is "abs($(number figures calibration.temperature) / 4 - $(number "$box/calibrated/summary.json" calibration.temperature)) < 1e-9"
    for figure in nll brier ece; do
        is "abs($(number figures calibration.test.after.$figure) - $(number "$box/calibrated/summary.json" calibration.test.after.$figure)) < 1e-9"
    done
}

@test "a loss of yes and no for every output" {
    "$DLTRAIN" --config "$config" -q --set loss.kind=binary_cross_entropy --set train.epochs=60 --set optimizer.lr=0.5 \
        --set train.calibrate=true --out a >result
    is "$(number a/summary.json calibration.validation.after.nll) < $(number a/summary.json calibration.validation.before.nll)"
    "$DLTRAIN" eval --model a/model.safetensors --data "$box/data" | cmp - <(grep '^test\|^temperature' result)
}

@test "a refit takes the temperature of the search" {
    with=(--config "$config" -q --set train.epochs=40 --set optimizer.lr=0.5 --set train.calibrate=true
        --set train.early_stopping='{"metric": "validation.accuracy"}')
    "$DLTRAIN" "${with[@]}" --out search >/dev/null
    "$DLTRAIN" "${with[@]}" --set train.refit=true --out a >/dev/null
    for figure in temperature validation.before.nll validation.after.ece; do
        [ "$(number a/summary.json calibration.$figure)" = "$(number search/summary.json calibration.$figure)" ]
    done
    is "abs($(number a/summary.json calibration.test.before.nll) - $(number a/summary.json test.nll)) < 1e-6"
    [ "$("$DLTRAIN" eval --model a/model.safetensors --data "$box/data" --json | grep temperature)" = "$(grep temperature a/summary.json)" ]
}

@test "--out does not replace the config, nor a file that it names" {
    cp "$config" mine.json
    fails 2 '--out must not replace the config mine.json' \
        "$DLTRAIN" calibrate --model "$model" --config mine.json --out mine.json
    fails 2 '--out must not replace a file of the config' \
        "$DLTRAIN" calibrate --model "$model" --config "$config" --out "$box/data/train-labels-idx1-ubyte"
    cmp mine.json "$config"
    fails 2 '--out must not replace the config mine.json' "$DLTRAIN" augment --config mine.json --out mine.json
}

@test "what cannot be calibrated is named" {
    fails 2 'calibrate needs --model' "$DLTRAIN" calibrate --config "$config"
    fails 2 'calibrate needs --config' "$DLTRAIN" calibrate --model "$model"
    fails 3 'tiny.json: data.validation: is missing, calibrate needs it' "$DLTRAIN" calibrate --model "$model" --config "$config" --set data.validation=null
    fails 3 'train.calibrate: needs data.validation' "$DLTRAIN" --config "$config" --out a --set train.calibrate=true --set data.validation=null
    fails 3 'train.calibrate: needs a loss.kind that predicts probabilities' "$DLTRAIN" --config "$config" --out a --set train.calibrate=true --set loss.kind=mse
    [ ! -e a ]
    "$DLTRAIN" --config "$config" -q --set loss.kind=mse --out a >/dev/null
    fails 4 'a/model.safetensors: a model with the loss mse predicts no probabilities' "$DLTRAIN" calibrate --model a/model.safetensors --config "$config"
    { unsealed "$model" | head -c -640; head -c 640 /dev/zero | tr '\0' '\177'; } >huge
    fails 4 "huge: the model's outputs are not finite" "$DLTRAIN" calibrate --model huge --config "$config"
    fails 6 'nowhere/m' "$DLTRAIN" calibrate --model "$model" --config "$config" --out nowhere/m
}
