#!/usr/bin/env bats
# dltrain compare: runs side by side, and against a baseline.

load support

# Three runs, the last of which is plainly worse than the others.
setup_file() {
    make_box
    sed 's/"lr": 0.1/"lr": 0.2/; s/"epochs": 2/"epochs": 20/' "$box/tiny.json" >"$box/config"
    mv "$box/config" "$box/tiny.json"
    train_once
    "$DLTRAIN" --config "$box/tiny.json" --out "$box/long" -q --set train.epochs=24 --seed 2 >/dev/null
    "$DLTRAIN" --config "$box/tiny.json" --out "$box/bad" -q --set optimizer.lr=0.001 >/dev/null
}
setup() {
    enter
    ln -s "$box/run" "$box/long" "$box/bad" .
}

compare() { "$DLTRAIN" compare "$@"; }

# The member of a run (from 0) in JSON on stdin: of 1 'mcnemar.b'
of() {
    python3 -c '
import functools, json, sys
run = json.load(sys.stdin)["runs"][int(sys.argv[1])]
print(json.dumps(functools.reduce(lambda a, k: a[k], sys.argv[2].split("/"), run)))' "$@"
}

# classes_of RUN: what its model takes the test images for, by predict
classes_of() { "$DLTRAIN" predict --model "$1/model.safetensors" --images "$box/data/t10k-images-idx3-ubyte" | sed 1d | cut -d, -f2; }
labels() { tail -c +9 "$box/data/t10k-labels-idx1-ubyte" | od -An -v -tu1 -w1 | tr -d ' '; }

@test "predictions.idx has what predict says, beside the labels" {
    for run in run bad; do
        [ "$(od -An -v -tu1 -N12 $run/predictions.idx | tr -s ' ')" = ' 0 0 8 2 0 0 0 50 0 0 0 2' ]
        paste -d' ' <(classes_of $run) <(labels) | cmp - <(tail -c +13 $run/predictions.idx | od -An -v -tu1 -w2 | tr -s ' ' | sed 's/^ //')
    done
}

@test "runs stand in the order given, with the keys in which they differ" {
    run --separate-stderr compare long run/
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [ "${#lines[@]}" -eq 3 ]
    [[ $(tr -s ' ' <<<"${lines[0]}") == 'run seed train.epochs test accuracy 95 % interval test loss validation accuracy epochs seconds digest' ]]
    [[ $(tr -s ' ' <<<"${lines[1]}") == 'long 2 24 '*' % '*' to '*' 24 '* ]]
    [[ ${lines[2]} == 'run   1     20  '*" $(sed -n 's/^model digest *\(.\{8\}\).*/\1/p' "$box/result")" ]]
    [[ ${lines[2]} == *" $(sed -n 's/^test accuracy *\(.* %\)  (95 % interval \([0-9.]* to [0-9.]*\);.*/\1  \2/p' "$box/result")  "* ]]
}

@test "one run alone, and equal runs, have no columns of the config" {
    "$DLTRAIN" --config "$config" --out other -q --set name=other >/dev/null
    compare run | head -n 1 | grep -q '^run  test accuracy'
    compare run other | head -n 1 | grep -q '^run    test accuracy'
}

@test "lists of layers and parts that one run lacks" {
    "$DLTRAIN" --config "$config" --out small -q --set 'model.layers=[{"units": 8, "dropout": 0.5}, {"units": 4}]' --set data.validation=null >/dev/null
    compare run small --format csv | tr -d '\r' >table
    head -n 1 table | grep -q '^run,data.validation.fraction,model.layers,test.accuracy,'
    sed -n 2p table | grep -q '^run,0.2,16 dropout=0,'
    sed -n 3p table | grep -q '^small,,"8 dropout=0.5, 4 dropout=0",'
}

@test "McNemar's test has the counts that predict and the labels give" {
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    paste -d' ' <(classes_of run) <(classes_of bad) <(labels) >rows
    b=$(awk '$1 == $3 && $2 != $3' rows | wc -l)
    c=$(awk '$1 != $3 && $2 == $3' rows | wc -l)
    [ "$b" -gt 8 ]
    compare bad --baseline run --format json >json || [ $? -eq 1 ]
    [ "$(of 1 mcnemar/b <json) $(of 1 mcnemar/c <json)" = "$b $c" ]
    # The sum of the binomial distribution, in whole numbers.
    python3 -c '
import json, math, sys
b, c, p = int(sys.argv[1]), int(sys.argv[2]), json.load(sys.stdin)["runs"][1]["mcnemar"]["p_value"]
sys.exit(abs(p / (2 * sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)) - 1) > 1e-12)' "$b" "$c" <json
    [ "$(of 0 baseline <json)" = true ]
    [ "$(of 1 change/test.accuracy <json)" = "$(python3 -c 'import json
a, b = (json.load(open(f"{run}/summary.json"))["test"]["accuracy"] for run in ("run", "bad"))
print(b - a)')" ]
}

@test "a run that is worse is status 1 and is named, one that is not is 0" {
    run --separate-stderr compare long bad --baseline run
    [ "$status" -eq 1 ]
    [ -z "$stderr" ]
    [[ ${lines[1]} == 'run '*' baseline' ]]
    [[ ${lines[2]} == 'long '*' ok' ]]
    [[ ${lines[3]} == 'bad '*' worse' ]]
    [[ $output == *$'\nb: samples that only the baseline has right'* ]]
    [[ ${lines[-1]} == 'bad: test.accuracy '*' is worse than '*' is below 0.05' ]]
    compare long --baseline run >/dev/null
    compare run bad --baseline bad >/dev/null
    # A baseline that is one of the runs keeps its place.
    run compare bad run --baseline run
    [[ ${lines[1]} == 'bad '*' worse' && ${lines[2]} == 'run '*' baseline' && ${#lines[@]} -eq 5 ]]
}

@test "a lower accuracy that chance explains is not worse" {
    # All right but one row, beside all right.
    for run in a b; do
        mkdir $run
        cp run/config.json $run/config.json
    done
    { head -c 12 run/predictions.idx; labels | while read -r l; do printf '%b%b' "\\0$(printf %o "$l")" "\\0$(printf %o "$l")"; done; } >a/predictions.idx
    { head -c 12 a/predictions.idx; printf '\011'; tail -c +14 a/predictions.idx; } >b/predictions.idx
    sed '/"test": {/,/^  }/s/"accuracy": .*/"accuracy": 1,/' run/summary.json >a/summary.json
    sed '/"test": {/,/^  }/s/"accuracy": .*/"accuracy": 0.98,/' run/summary.json >b/summary.json
    compare b --baseline a >table
    grep -Eq '^b .* 1  0  1  ok$' table
    run compare b --baseline a --tolerance test.accuracy=0.01
    [ "$status" -eq 1 ]
    [ "${lines[-1]}" = 'b: test.accuracy 0.98 is worse than 1 by 0.02, more than 0.01' ]
    compare b --baseline a --tolerance test.accuracy=0.02 >/dev/null
}

@test "tolerances: every one must hold, higher or lower as the metric is" {
    compare bad --baseline run --tolerance test.accuracy=1 --tolerance test.loss=100 --tolerance test.per_class.0.recall=1 >/dev/null
    run compare bad --baseline run --tolerance test.accuracy=1 --tolerance test.loss=0.01 --tolerance validation.accuracy=0.01
    [ "$status" -eq 1 ]
    [[ ${lines[-2]} == 'bad: test.loss '*', more than 0.01' ]]
    [[ ${lines[-1]} == 'bad: validation.accuracy '*', more than 0.01' ]]
    fails 2 'of "steps" it is not known whether more or less is better' "$DLTRAIN" compare run --baseline bad --tolerance steps=1
    fails 2 'must be METRIC=NUMBER with a number from 0 on, got "test.loss=-1"' "$DLTRAIN" compare run --baseline bad --tolerance test.loss=-1
    fails 2 'must be METRIC=NUMBER' "$DLTRAIN" compare run --baseline bad --tolerance test.loss
    fails 2 '--tolerance: goes with --baseline only' "$DLTRAIN" compare run bad --tolerance test.loss=1
    fails 4 "run/summary.json: there is no number at test.r2" "$DLTRAIN" compare bad --baseline run --tolerance test.r2=0
}

@test "a summary alone is a baseline, without McNemar's test" {
    cp run/summary.json last-week.json
    run compare bad --baseline last-week.json
    [ "$status" -eq 1 ]
    [[ $output == *$'\nbad: no McNemar test: the baseline is a summary alone\n'* ]]
    [[ ${lines[-1]} == 'bad: test.accuracy '*' is worse than '*' by '*', more than 0' ]]
    [[ ${lines[1]} == 'last-week.json  '*' baseline' ]]
    compare run --baseline last-week.json --tolerance test.accuracy=0 >/dev/null
    fails 4 'last-week.json: expected a run directory, found a file' "$DLTRAIN" compare last-week.json
}

@test "other test data, and other labels, are no pairs" {
    "$DLTRAIN" --config "$config" --out other -q --set data.test.images=train-images-idx3-ubyte --set data.test.labels=train-labels-idx1-ubyte >/dev/null
    compare other --baseline run >table || [ $? -eq 1 ]
    grep -qx 'other: no McNemar test: other test set' table
    cp -R run/ relabelled
    { head -c 12 run/predictions.idx; printf '\011\011'; tail -c +15 run/predictions.idx; } >relabelled/predictions.idx
    right=$(tail -c +13 relabelled/predictions.idx | od -An -v -tu1 -w2 | awk '$1 == $2' | wc -l)
    sed '/"test": {/,/^  }/s/"accuracy": .*/"accuracy": '"$(awk "BEGIN { print $right / 50 }")"',/' run/summary.json >relabelled/summary.json
    compare relabelled --baseline run >table || [ $? -eq 1 ]
    grep -qx 'relabelled: no McNemar test: other test labels' table
    rm relabelled/predictions.idx
    compare relabelled --baseline run >table || [ $? -eq 1 ]
    grep -qx 'relabelled: no McNemar test: no predictions.idx' table
}

@test "regression has losses and no accuracies" {
    { u32 3329; u32 200; for _ in {1..50}; do printf '\077\200\0\0\0\0\0\0\277\200\0\0\100\0\0\0'; done; } >floats # 1, 0, -1, 2
    mse=(--config "$config" -q --set loss.kind=mse --set data.train.labels="$PWD/floats" --set data.test.images=train-images-idx3-ubyte
        --set data.test.labels="$PWD/floats" --set optimizer.lr=0.001)
    "$DLTRAIN" "${mse[@]}" --out a >/dev/null
    "$DLTRAIN" "${mse[@]}" --out b --set train.epochs=1 >/dev/null
    [ ! -e a/predictions.idx ]
    run compare b --baseline a
    [ "$status" -eq 1 ]
    [[ $(tr -s ' ' <<<"${lines[0]}") == 'run train.epochs '*'test r2 change test loss change validation r2 change validation loss change epochs seconds digest verdict' ]]
    [[ ${lines[-1]} == 'b: test.loss '*' is worse than '* ]]
    [[ $output != *McNemar* ]]
    compare a --baseline b >/dev/null
}

@test "losses of two kinds are not compared" {
    "$DLTRAIN" --config "$box/tiny.json" --set loss.kind=mse --set train.epochs=1 --out squared -q >/dev/null
    for run in run squared; do
        sed 's/"accuracy": [0-9.]*,//' $run/summary.json >x
        rm -rf $run-plain
        cp -r $run/. $run-plain
        rm -f $run-plain/predictions.idx
        mv x $run-plain/summary.json
    done
    fails 4 'squared-plain: its losses are mse, those of the baseline cross_entropy: they cannot be compared' \
        compare squared-plain --baseline run-plain
}

@test "a run that has diverged is worse" {
    "$DLTRAIN" --config "$config" --out a -q --set optimizer.lr=1000 --set loss.kind=mse \
        --set 'model.layers=[{"units":16,"activation":"identity"},{"units":16,"activation":"identity"}]' >/dev/null 2>&1 || [ $? -eq 5 ]
    sed '/^  "test": {/,/^  },$/d' a/summary.json >summary.json
    mv summary.json a
    rm a/predictions.idx
    run compare a --baseline run
    [ "$status" -eq 1 ]
    [ "${lines[-1]}" = 'a: test.accuracy is missing, as the run diverged' ]
    [[ $output == *' 0, diverged '* ]]
}

@test "Markdown and CSV keep what is special there" {
    ln -s "$box/run" 'a|b,"c'
    compare 'a|b,"c' bad --format markdown >table
    [ "$(sed -n 2p table)" = '|---|---|---:|---|---:|---:|---:|---:|---|' ]
    grep -qF '| a\|b,"c | 0.2 |' table
    compare 'a|b,"c' bad --format csv --baseline bad | grep -q '^"a|b,""c",0.2,'
    python3 -c 'import json' 2>/dev/null || skip "no python3 here"
    compare 'a|b,"c' bad --format csv --baseline bad | python3 -c '
import csv, json, sys
rows = list(csv.DictReader(sys.stdin))
summary = json.load(open("run/summary.json"))
assert rows[0]["run"] == "a|b,\"c" and rows[1]["verdict"] == "baseline"
assert float(rows[0]["test.loss"]) == summary["test"]["loss"] and rows[0]["model_digest"] == summary["model_digest"]
assert [float(rows[0][f"test.accuracy_{end}"]) for end in ("low", "high")] == summary["test"]["accuracy_interval"]'
}

@test "what is no finished run is said so" {
    fails 2 'compare needs a run directory' "$DLTRAIN" compare
    fails 4 'nowhere: there is no such run directory' "$DLTRAIN" compare run nowhere
    fails 4 'nowhere: there is no such run directory' "$DLTRAIN" compare run --baseline nowhere
    mkdir empty half
    fails 4 'empty: is no run directory: there is no summary.json' "$DLTRAIN" compare empty
    cp run/config.json run/metrics.jsonl half
    fails 4 'half: the run is not finished: there is no summary.json yet' "$DLTRAIN" compare run half
    cp run/summary.json half
    rm half/config.json
    fails 4 'half/config.json' "$DLTRAIN" compare half
    for damage in 's/"version"/"v"/' 's/^  "epochs_run": .*/"epochs_run": "x",/' '$d' 's/{/[/'; do
        rm -rf damaged
        cp -R run/ damaged
        sed "$damage" run/summary.json >damaged/summary.json
        fails 4 'damaged/summary.json:' "$DLTRAIN" compare damaged
    done
    cp run/summary.json damaged
    head -c 100 run/predictions.idx >damaged/predictions.idx
    fails 4 'damaged/predictions.idx' "$DLTRAIN" compare damaged
    cp bad/predictions.idx damaged
    fails 4 'damaged/predictions.idx' "$DLTRAIN" compare damaged
}

@test "a new run takes the old one's predictions away before it begins" {
    "$DLTRAIN" --config "$config" --out a -q >/dev/null
    grep -v '"test"' "$config" >"$box/no-test.json"
    "$DLTRAIN" --config "$box/no-test.json" --out a -q --force >/dev/null
    [ ! -e a/predictions.idx ]
    compare a >table
    head -n 1 table | grep -q '^run  validation accuracy'
    run compare a --baseline a --format markdown
    [ "$status" -eq 0 ]
}

@test "the help says what the formats are, and an unknown one is refused" {
    fails 2 'option --format: must be one of table, markdown, csv, json, got "html"' "$DLTRAIN" compare run --format html
}
