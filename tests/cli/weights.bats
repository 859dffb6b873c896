#!/usr/bin/env bats
# Weights of samples and classes, and smoothed labels, through the command line.

load support

setup_file() {
    make_box && train_once
    awk 'BEGIN { for (i = 0; i < 200; i++) print i % 4 / 2 }' >"$box/weights.txt"
}
setup() { enter; }

# train OUT OPTION...: the tiny config into OUT
train() { "$DLTRAIN" --config "$config" --out "$1" --quiet --force "${@:2}" >"$1.result"; }
digest() { sed -n 's/^  "model_digest": "\(.*\)",$/\1/p' "$1/summary.json"; }
# figure RUN PART NAME: a figure of a part of the summary
figure() { sed -n "/^  \"$2\": {/,/^  }/s/^    \"$3\": \([0-9.e-]*\),*\$/\1/p" "$1/summary.json"; }
# close A B: equal to five digits
close() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a != "" && b != "" && d <= 1e-5 * (a < 0 ? -a : a)) }'; }

@test "every key changes the model, and weights that are all the same do not" {
    train none
    [ "$(digest none)" = "$(digest "$box/run")" ]
    train weights --set "data.train.weights=$box/weights.txt"
    train balanced --set loss.class_weights=balanced
    train list --set 'loss.class_weights=[1,2,3,4,5,6,7,8,9,10]'
    train smooth --set loss.label_smoothing=0.1
    [ "$(for r in none weights balanced list smooth; do digest $r; done | sort -u | wc -l)" -eq 5 ]
    yes 3 | head -n 200 >ones.txt
    train ones --set "data.train.weights=$PWD/ones.txt" --set 'loss.class_weights=[2,2,2,2,2,2,2,2,2,2]'
    [ "$(digest ones)" = "$(digest none)" ]
}

@test "IDX, text and gzip give the same model and the digest of what they hold" {
    train text --set "data.train.weights=$box/weights.txt"
    gzip -c "$box/weights.txt" >packed
    train packed.run --set "data.train.weights=$PWD/packed"
    { printf '\0\0\010\001'; u32 200; for _ in {1..50}; do printf '\000\001\002\003'; done; } >bytes
    train idx --set "data.train.weights=$PWD/bytes"
    [ "$(digest packed.run)" = "$(digest text)" ]
    [ "$(digest idx)" = "$(digest text)" ]
    sum=$({ sha256sum "$box/weights.txt" 2>/dev/null || shasum -a 256 "$box/weights.txt"; } | cut -d ' ' -f 1)
    grep -q "\"weights\": \"$sum\"" text/summary.json
    grep -q "\"weights\": \"$sum\"" packed.run/summary.json
}

@test "a weight of 2 is the row twice, and a weight of 0 the row left away" {
    mkdir twice
    # The first 100 rows twice, then 60 of the others.
    images() { tail -c +17 "$box/data/train-images-idx3-ubyte"; }
    labels() { tail -c +9 "$box/data/train-labels-idx1-ubyte"; }
    { u32 2051; u32 260; u32 28; u32 28; images | head -c $((100 * 784)); images | head -c $((160 * 784)); } >twice/train-images-idx3-ubyte
    { u32 2049; u32 260; labels | head -c 100; labels | head -c 160; } >twice/train-labels-idx1-ubyte
    cp "$box"/data/t10k-* twice/
    awk 'BEGIN { for (i = 0; i < 200; i++) print i < 100 ? 2 : i < 160 ? 1 : 0 }' >weights.txt
    full=(--set data.validation=null --set train.batch_size=1000 --set train.epochs=10)
    train rows "${full[@]}" --set "data.root=$PWD/twice"
    train weighted "${full[@]}" --set "data.train.weights=$PWD/weights.txt"
    train plain "${full[@]}"
    for name in 'train loss' 'train accuracy' 'test loss'; do
        close "$(figure rows $name)" "$(figure weighted $name)"
        run ! close "$(figure plain $name)" "$(figure weighted $name)"
    done
}

@test "balanced is the inverse of the counts" {
    list=$(tail -c +9 "$box/data/train-labels-idx1-ubyte" | od -An -v -tu1 | tr -s ' ' '\n' | grep . | sort -n |
        uniq -c | awk '{ printf "%s%.17g", (NR > 1 ? "," : ""), 200 / (10 * $1) }')
    all=(--set data.validation=null)
    train balanced "${all[@]}" --set loss.class_weights=balanced
    train list "${all[@]}" --set "loss.class_weights=[$list]"
    train plain "${all[@]}"
    close "$(figure balanced train loss)" "$(figure list train loss)"
    close "$(figure balanced test loss)" "$(figure list test loss)"
    run ! close "$(figure plain test loss)" "$(figure list test loss)"
}

@test "the weighted loss stands beside the plain one where weights are in use" {
    run ! grep -q weighted "$box/run/summary.json" "$box/run/metrics.jsonl"
    train weights --set "data.train.weights=$box/weights.txt"
    [ "$(grep -c '"validation": {"loss": [0-9.]*, "accuracy": [0-9.]*, "weighted_loss": [0-9.]*,' weights/metrics.jsonl)" -eq 2 ]
    [ -n "$(figure weights validation weighted_loss)" ]
    [ -z "$(figure weights test weighted_loss)" ]
    grep -q '^validation weighted loss [0-9.]*$' weights.result
    train classes --set loss.class_weights=balanced
    [ -n "$(figure classes validation weighted_loss)" ]
}

@test "test weights give the test part its weighted loss, in train and eval" {
    awk 'BEGIN { for (i = 0; i < 50; i++) print i < 10 }' >first.txt
    train weights --set "data.test.weights=$PWD/first.txt"
    [ "$(digest weights)" = "$(digest "$box/run")" ]
    # Weights of 1 and 0 are the first ten rows.
    mkdir ten
    cut_images data/absent 0 >/dev/null 2>&1 || true
    { u32 2051; u32 10; u32 28; u32 28; tail -c +17 "$box/data/t10k-images-idx3-ubyte" | head -c 7840; } >ten/t10k-images-idx3-ubyte
    { u32 2049; u32 10; tail -c +9 "$box/data/t10k-labels-idx1-ubyte" | head -c 10; } >ten/t10k-labels-idx1-ubyte
    "$DLTRAIN" eval --model "$model" --data ten --json >ten.json
    close "$(figure weights test weighted_loss)" "$(sed -n 's/^    "loss": \(.*\),$/\1/p' ten.json)"
    "$DLTRAIN" eval --model "$model" --config "$config" --set "data.test.weights=$PWD/first.txt" --json >eval.json
    close "$(figure weights test weighted_loss)" "$(sed -n 's/^    "weighted_loss": \(.*\),$/\1/p' eval.json)"
    grep -q '"weights": "[0-9a-f]\{64\}"' eval.json
}

@test "check shows the file of the weights" {
    "$DLTRAIN" check --config "$config" --set "data.train.weights=$box/weights.txt" >shown
    grep -Eq '^ +weights +[0-9a-f]{16}  .*/weights.txt$' shown
    "$DLTRAIN" check --json --config "$config" --set "data.train.weights=$box/weights.txt" | grep -q '"weights": "'
    run ! grep -q weights <("$DLTRAIN" check --config "$config")
}

@test "faults of weights name file, line and row; faults of class weights the key" {
    printf '1\n2\nthree\n' >bad.txt
    fails 4 "bad.txt: line 3 (row 2): expected a number, found \"three\"" \
        "$DLTRAIN" --config "$config" --out a --quiet --set "data.train.weights=$PWD/bad.txt"
    printf '1\n2\n' >short.txt
    fails 4 "short.txt: expected as many weights as images, 200, found 2" \
        "$DLTRAIN" --config "$config" --out a --quiet --set "data.train.weights=$PWD/short.txt"
    fails 4 "absent.txt: cannot open" \
        "$DLTRAIN" --config "$config" --out a --quiet --set "data.test.weights=$PWD/absent.txt"
    fails 3 "loss.class_weights: expected 10 numbers, one a class, found 3" \
        "$DLTRAIN" --config "$config" --out a --quiet --set 'loss.class_weights=[1,2,3]'
    { printf '\0\0\015\001'; u32 200; head -c 800 /dev/zero; } >targets
    fails 3 "loss.class_weights: needs class labels, found floating-point targets" \
        "$DLTRAIN" --config "$config" --out a --quiet --set loss.kind=mse --set loss.class_weights=balanced \
        --set data.test=null --set "data.train.labels=$PWD/targets"
    [ ! -e a ]
}

@test "threads and instruction sets do not change a bit with weights and smoothing" {
    use=(--set "data.train.weights=$box/weights.txt" --set loss.class_weights=balanced --set loss.label_smoothing=0.1)
    train one "${use[@]}" --isa scalar --threads 1
    DLTRAIN_OVERCOMMIT=1 train three "${use[@]}" --threads 3
    cmp one/model.safetensors three/model.safetensors
    [ "$(figure one validation weighted_loss)" = "$(figure three validation weighted_loss)" ]
    [ "$(figure one train loss)" = "$(figure three train loss)" ]
}
