#!/usr/bin/env bats
# CSV and TSV beside IDX: training, evaluation, prediction, and every message a user may meet.

load support

setup_file() {
    box=$BATS_FILE_TMPDIR
    make_data "$box/data" 100 20
    cat >"$box/train.csv" <<'CSV'
id,height,width,kind
1,1.0,5.0,"tall, thin"
2,1.1,5.1,"tall, thin"
3,0.9,4.9,"tall, thin"
4,4.0,1.0,flat
5,4.1,1.1,flat
6,3.9,0.9,flat
7,4.0,1.1,flat
8,1.0,5.1,"tall, thin"
CSV
    cat >"$box/csv.json" <<'JSON'
{
  "data": {
    "train": { "file": "train.csv", "label": "kind", "ignore": "id" },
    "test": { "file": "train.csv" },
    "validation": { "fraction": 0.25 },
    "scale": "standardize_features"
  },
  "model": { "layers": [{ "units": 8 }] },
  "optimizer": { "kind": "adam", "lr": 0.05 },
  "train": { "epochs": 30, "batch_size": 2 }
}
JSON
    "$DLTRAIN" --config "$box/csv.json" --out "$box/run" --quiet >"$box/result" 2>"$box/log"
}

setup() {
    enter
    config=$box/csv.json
}

digest() { sed -n 's/^model digest *//p'; }

# refuses STATUS TEXT CONTENT [OPTION...]: training on that table, or on what options say, fails and makes nothing
refuses() {
    local status=$1 text=$2
    printf "$3" >t.csv
    shift 3
    fails "$status" "$text" "$DLTRAIN" --config "$config" --set data.train.file="$PWD/t.csv" --set data.test=null \
        --set data.validation=null --out out --quiet "$@"
    [ ! -e out ]
}

@test "the example of classes: names in all results, bits equal over threads" {
    "$DLTRAIN" --config "${DLTRAIN%/*}/configs/tabular.json" --out a --quiet --json >a.json
    "$DLTRAIN" --config "${DLTRAIN%/*}/configs/tabular.json" --out b --quiet --json --threads 1 --isa scalar >b.json
    cmp <(grep -E 'model_digest|"(loss|accuracy)"' a.json) <(grep -E 'model_digest|"(loss|accuracy)"' b.json)
    [ "$(grep -c '"class": "Williams pear"' a.json)" -eq 2 ]
    grep -q '"file": "[0-9a-f]\{64\}"' a.json
    accuracy=$(sed -n 's/.*"accuracy": \([0-9.]*\).*/\1/p' a.json | tail -n 1)
    awk -v a="$accuracy" 'BEGIN { exit !(a > 0.95) }'
}

@test "the example of numbers: R squared in result, summary and metrics" {
    "$DLTRAIN" --config "${DLTRAIN%/*}/configs/tabular-regression.json" --out a --quiet >result
    grep -qE '^test r2 +0\.98' result
    grep -qE '^validation r2 +0\.98' result
    grep -q '"r2": 0.98' a/summary.json
    grep -q '"r2": 0.98' a/metrics.jsonl
    "$DLTRAIN" eval --model a/model.safetensors --data "${DLTRAIN%/*}/data/tables/rent-test.tsv" >figures
    cmp figures <(grep '^test' result)
    # It can be watched, and more of it is better.
    "$DLTRAIN" --config "${DLTRAIN%/*}/configs/tabular-regression.json" --set train.epochs=3 \
        --set 'train.early_stopping={"metric": "validation.r2"}' --out c --quiet >/dev/null
    best=$(grep -o '"validation": {[^}]*"r2": [-0-9.e]*' c/metrics.jsonl | sed 's/.* //' | sort -g | tail -n 1)
    [ -n "$best" ]
    [ "$(sed -n '/"early_stopping"/,/}/s/.*"value": \([-0-9.e]*\).*/\1/p' c/summary.json)" = "$best" ]
}

@test "eval and predict take a table, gzip too, in any order of columns, with and without labels" {
    "$DLTRAIN" eval --model "$box/run/model.safetensors" --data "$box/train.csv" >figures
    cmp figures <(grep '^test' "$box/result")
    gzip -c "$box/train.csv" >packed
    "$DLTRAIN" eval --model "$box/run/model.safetensors" --data packed --json | grep -q '"class": "tall, thin"'
    "$DLTRAIN" predict --model "$box/run/model.safetensors" --images packed >all
    [ "$(sed -n 2p all | cut -d, -f 1-3)" = '0,"tall, thin"' ]
    printf 'width,height\n5.0,1.0\n5.1,1.1\n' >bare.csv
    "$DLTRAIN" predict --model "$box/run/model.safetensors" --images bare.csv >some
    cmp <(head -n 3 all) some
    printf '1.0,5.0\n1.1,5.1\n' >nameless.csv
    "$DLTRAIN" predict --model "$box/run/model.safetensors" --images nameless.csv | cmp some -
    printf 'width\theight\tkind\n5.0\t1.0\tunheard of\n5.1\t1.1\t\n' >other.tsv
    "$DLTRAIN" predict --model "$box/run/model.safetensors" --images other.tsv | cmp some -
    "$DLTRAIN" predict --model "$box/run/model.safetensors" --images other.tsv --format jsonl | grep -q '"class": "tall, thin"'
    sed -i 3d other.tsv
    fails 4 'row 0, column "kind": expected a class: "flat", "tall, thin", found "unheard of" (line 2)' \
        "$DLTRAIN" eval --model "$box/run/model.safetensors" --data other.tsv
    printf 'width,depth\n1,2\n' >lacks.csv
    fails 4 'lacks.csv: lacks columns that the model is trained on: "height"' \
        "$DLTRAIN" predict --model "$box/run/model.safetensors" --images lacks.csv
    printf 'width,height,name\n1,2,x\n' >more.csv
    fails 4 'more.csv: has columns that the model is not trained on: "name"' \
        "$DLTRAIN" predict --model "$box/run/model.safetensors" --images more.csv
    fails 4 'bare.csv: expected a column "kind", as label has it' \
        "$DLTRAIN" eval --model "$box/run/model.safetensors" --data bare.csv
}

@test "check shows the table and its checksum" {
    "$DLTRAIN" check --config "$config" >page
    grep -qE "^ +train +table +$(sha256sum "$box/train.csv" | head -c 16) +$box/train.csv" page
    grep -q '2 features, 2 classes' page
}

@test "faults of a table name file, row, column and line, before anything is made" {
    refuses 4 't.csv: row 1, column "width": expected a number, found a missing value: "NA" (line 3)' 'id,width,kind\n1,2,a\n2,NA,b\n'
    refuses 4 't.csv: row 0, column "width": expected a number, found "wide" (line 2)' 'id,width,kind\n1,wide,a\n'
    refuses 4 't.csv: row 1: expected 3 fields, as the header has, found 2 (line 3)' 'id,width,kind\n1,2,a\n2,b\n'
    refuses 4 't.csv: row 0, column "kind": expected a closing quote' 'id,width,kind\n1,2,"a\n'
    refuses 4 'found a NUL byte' 'id,width,kind\n1,2\0,a\n'
    refuses 4 't.csv: not a CSV or TSV file: starts with' 'PK\003\004'
    gzip -c "$box/train.csv" | head -c 60 >cut
    fails 4 'it is truncated' "$DLTRAIN" check --config "$config" --set data.train.file="$PWD/cut"
    printf '\0\0\010\003' >idx
    fails 4 'looks like an IDX file, which is given by images and labels' "$DLTRAIN" check --config "$config" --set data.train.file="$PWD/idx"
    fails 4 'nowhere.csv' "$DLTRAIN" check --config "$config" --set data.test.file="$PWD/nowhere.csv"
}

@test "faults of the config name their key" {
    refuses 3 'data.train.label: expected a column of ' 'id,width,kind\n1,2,a\n' --set data.train.label=kinds
    refuses 3 'did you mean "kind"?' 'id,width,kind\n1,2,a\n' --set data.train.label=kinds
    refuses 3 'data.train.label: expected a column of ' 'id,width,kind\n1,2,a\n' --set data.train.label=3
    refuses 3 'data.train.ignore: column "kind" of ' 'id,width,kind\n1,2,a\n' --set data.train.ignore=kind
    refuses 3 'cannot stand beside "images"' '' --set data.train.images=i --set data.train.labels=l
    refuses 3 'cannot stand beside "target"' '' --set data.train.target=width
    refuses 3 'data.train.delimiter=ab: must be one character' '' --set data.train.delimiter=ab
    refuses 3 'data.train.label=true: must be the name of a column or its number' '' --set data.train.label=true
    refuses 3 'data.train.label: is missing: must be the column of the classes' '' --set data.train.label=null --set 'data.train={"file": "t.csv"}'
    fails 3 'cannot stand beside "fraction"' "$DLTRAIN" check --config "$config" --set data.validation.file="$box/train.csv"
    refuses 4 'found floats of 1 dimension: for regression set loss.kind to mse' 'a,y\n1,2\n2,3\n' --set 'data.train={"target": "y"}' --set data.train.file="$PWD/t.csv"
    refuses 4 'numbers to be predicted are "target", not "label"' 'a,y\n1,2.5\n2,3\n' --set 'data.train={"label": "y"}' --set data.train.file="$PWD/t.csv" --set loss.kind=mse
}

@test "images as a table make the same model as IDX, bit for bit" {
    cp -r "$box/data" .
    tail -c +17 data/train-images-idx3-ubyte | od -An -v -w784 -tu1 |
        paste -d ' ' - <(tail -c +9 data/train-labels-idx1-ubyte | od -An -v -w1 -tu1) | sed 's/^ *//; s/  */,/g' >digits.csv
    make_config tiny.json
    common=(--set data.scale=none --set data.test=null --set optimizer.lr=0.0001 --quiet)
    "$DLTRAIN" --config tiny.json --out idx "${common[@]}" | digest >a
    "$DLTRAIN" --config tiny.json --out csv "${common[@]}" --set data.root=null \
        --set 'data.train={"label": -1}' --set data.train.file="$PWD/digits.csv" | digest >b
    [ -s a ]
    cmp a b
}

@test "a shift's target and a stream may be tables" {
    sed 1d "$box/train.csv" | cut -d, -f 2- >rows
    { echo 'height,width,kind'; for i in 1 2 3 4 5 6; do cat rows; done; } >target.csv
    config_more=(--set data.train.file="$PWD/target.csv" --set data.validation=null --set data.test=null
        --set data.train.ignore=null --quiet)
    "$DLTRAIN" shift --config "$config" "${config_more[@]}" --set shift.kind=label --set shift.target.file="$PWD/target.csv" >page
    grep -q 'tall, thin' page
    { echo 'height,width'; cut -d, -f 1-2 rows; } >bare.csv
    "$DLTRAIN" shift --config "$config" "${config_more[@]}" --set shift.kind=covariate --set shift.target.file="$PWD/bare.csv" >page
    grep -q 'verdict' page
    "$DLTRAIN" --config "$config" "${config_more[@]}" --set shift.kind=concept \
        --set 'shift.stream=[{"file": "'"$PWD/target.csv"'"}]' --out stream
    grep -q '"window"' stream/metrics.jsonl
    fails 4 "shift.stream.0: $PWD/bare.csv: expected a column \"kind\"" "$DLTRAIN" --config "$config" "${config_more[@]}" \
        --set shift.kind=concept --set 'shift.stream=[{"file": "'"$PWD/bare.csv"'"}]' --out other
    [ ! -e other ]
}
