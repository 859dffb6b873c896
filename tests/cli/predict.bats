#!/usr/bin/env bats
# dltrain predict: rows of classes and probabilities.

load support

setup_file() { make_box && train_once; }
setup() {
    enter
    images=$box/data/t10k-images-idx3-ubyte
}

@test "a row an image, and as many right as eval says" {
    run --separate-stderr "$DLTRAIN" predict --model "$model" --images "$images"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "${lines[0]}" = index,class,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9 ]
    [ "${#lines[@]}" -eq 51 ]
    [[ ${lines[50]} =~ ^49,[0-9](,[0-9.e-]+){10}$ ]]
    printf '%s\n' "${lines[@]:1}" | cut -d , -f 2 >predicted
    tail -c +9 "$box/data/t10k-labels-idx1-ubyte" | od -An -v -tu1 -w1 | tr -d ' ' >true
    right=$(paste predicted true | awk '$1 == $2' | wc -l)
    grep -q "; $right of 50)" "$box/result"
    # The class is the largest of the probabilities, which sum to 1.
    printf '%s\n' "${lines[@]:1}" | awk -F , '{ s = 0; b = 3; for (i = 3; i <= 12; i++) { s += $i; if ($i > $b) b = i }
        if (s < 0.99999 || s > 1.00001 || b - 3 != $2) exit 1 }'
}

@test "jsonl says the same" {
    "$DLTRAIN" predict --model "$model" --images "$images" --format jsonl >rows
    [ "$(wc -l <rows)" -eq 50 ]
    head -1 rows | grep -Eq '^\{"index": 0, "class": [0-9], "probabilities": \[([0-9.e-]+, ){9}[0-9.e-]+\]\}$'
    cmp <(sed 's/.*"class": \([0-9]\).*/\1/' rows) <("$DLTRAIN" predict --model "$model" --images "$images" | tail -n +2 | cut -d , -f 2)
}

@test "more rows than a slice, on any number of threads" {
    # 400 times the same 50 images
    all=all
    { u32 2051; u32 20000; u32 28; u32 28; for _ in {1..400}; do tail -c +17 "$images"; done; } >$all
    "$DLTRAIN" predict --model "$model" --images "$all" --threads 1 >one
    "$DLTRAIN" predict --model "$model" --images "$all" --threads 3 --isa scalar >three
    cmp one three
    [ "$(tail -1 one | cut -d , -f 1)" -eq $(($(wc -l <one) - 2)) ]
    [ "$(wc -l <one)" -eq 20001 ]
    head -51 one | cmp - <("$DLTRAIN" predict --model "$model" --images "$images")
    cmp <(sed 1d one | cut -d , -f 2- | tail -50) <(sed '1d; 51q' one | cut -d , -f 2-)
}

@test "--out writes the file and nothing to stdout" {
    run "$DLTRAIN" predict --model "$model" --images "$images" --out rows.csv
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    "$DLTRAIN" predict --model "$model" --images "$images" | cmp - rows.csv
    fails 6 nowhere/rows "$DLTRAIN" predict --model "$model" --images "$images" --out nowhere/rows
}

@test "class names stand for numbers, quoted where CSV asks for it" {
    names='["0,\"x","1,\"x","2,\"x","3,\"x","4,\"x","5,\"x","6,\"x","7,\"x","8,\"x","9,\"x"]'
    "$DLTRAIN" --config "$config" --out a -q --set data.classes="$names" >/dev/null
    "$DLTRAIN" predict --model a/model.safetensors --images "$images" >named
    sed 's/,"\([0-9]\),""x",/,\1,/' named | cmp - <("$DLTRAIN" predict --model "$model" --images "$images")
    sed -n 2p named | grep -q '^0,"[0-9],""x",0'
    "$DLTRAIN" predict --model a/model.safetensors --images "$images" --format jsonl >named
    grep -c '"class": "[0-9],\\"x",' named | grep -qx 50
    grep -q '"class": "3,' a/summary.json
}

@test "mse gives values" {
    "$DLTRAIN" --config "$config" --out a -q --set loss.kind=mse >/dev/null
    "$DLTRAIN" predict --model a/model.safetensors --images "$images" >rows
    [ "$(head -1 rows)" = index,class,y0,y1,y2,y3,y4,y5,y6,y7,y8,y9 ]
    "$DLTRAIN" predict --model a/model.safetensors --images "$images" --format jsonl | head -1 | grep -q '"values": \['
}

@test "a closed pipe ends quietly" {
    all=$BATS_TEST_DIRNAME/../../data/digits/t10k-images-idx3-ubyte.gz
    { "$DLTRAIN" predict --model "$model" --images "$all" 2>err; echo $? >status; } | head -1 >first
    [ ! -s err ]
    [ "$(cat status)" -eq 0 ]
}

@test "what does not fit is named" {
    fails 2 'needs --model' "$DLTRAIN" predict --images "$images"
    fails 2 'needs --images' "$DLTRAIN" predict --model "$model"
    fails 2 'one of csv, jsonl, got "xml"' "$DLTRAIN" predict --model "$model" --images "$images" --format xml
    fails 4 'expected rows of 784 values' "$DLTRAIN" predict --model "$model" --images "$box/data/t10k-labels-idx1-ubyte"
    fails 4 'nothing' "$DLTRAIN" predict --model "$model" --images nothing
}

@test "predict does not write over what it reads" {
    cp "$model" mine.safetensors
    cp "$box/data/t10k-images-idx3-ubyte" mine
    fails 2 'option --out: mine is the file of images' "$DLTRAIN" predict --model mine.safetensors --images mine --out mine
    fails 2 'option --out: ./mine.safetensors is the model' "$DLTRAIN" predict --model mine.safetensors --images mine --out ./mine.safetensors
    cmp mine "$box/data/t10k-images-idx3-ubyte"
    cmp mine.safetensors "$model"
}
