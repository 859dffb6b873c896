#!/usr/bin/env bats
# --expect, --junit and --seeds: exit status, what is printed and what is written.

load support

setup_file() { make_box && train_once; }
setup() { enter; }

train() { "$DLTRAIN" --config "$config" --quiet "$@"; }

# cases WHAT: how many <WHAT of the report
cases() { grep -c "<$1[ >]" junit.xml || :; }

# figure NAME: accuracy or loss of the test part in the shared run, as summary.json has it
figure() { sed -n '/^  "test": {/,/^  }/s/^    "'"$1"'": \(.*\),$/\1/p' "$box/run/summary.json"; }

@test "what holds is printed with value and bound, and exits 0" {
    accuracy=$(figure accuracy)
    train --out run --expect "test.accuracy == $accuracy" --expect 'epochs_run <= 2' >result
    [ "$(grep -c '^expect ' result)" -eq 2 ]
    grep -q "^expect  *test.accuracy == $accuracy  *$accuracy  *ok$" result
    grep -q "^expect  *epochs_run <= 2  *2  *ok$" result
    cmp <(grep -v '^expect\|^seconds\|^run dir' result) <(grep -v '^seconds\|^run dir' "$box/result")
}

@test "what fails exits 1, with one line on stderr, and the run is whole" {
    run --separate-stderr train --out run --expect 'test.accuracy > 1' --expect 'epochs_run == 2' --expect 'test.loss < 0'
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    [[ $stderr == "dltrain: error: 2 of 3 expectations do not hold: test.accuracy is $(figure accuracy), expected > 1; test.loss is $(figure loss), expected < 0" ]]
    [[ $output == *"test.accuracy > 1  "*"FAILED"* ]]
    cmp run/model.safetensors "$box/run/model.safetensors"
    "$DLTRAIN" eval --model run/model.safetensors --data "$box/data" >/dev/null
}

@test "--json has the verdicts inside the summary and nothing else on stdout" {
    run --separate-stderr train --out run --json --expect 'test.accuracy > 1' --expect 'stopped_by == epochs'
    [ "$status" -eq 1 ]
    cmp <(printf '%s\n' "$output") run/summary.json
    sed -n '/^  "expect": \[/,$p' run/summary.json >verdicts
    diff verdicts - <<END
  "expect": [
    {
      "metric": "test.accuracy",
      "op": ">",
      "bound": 1,
      "value": $(figure accuracy),
      "holds": false
    },
    {
      "metric": "stopped_by",
      "op": "==",
      "bound": "epochs",
      "value": "epochs",
      "holds": true
    }
  ]
}
END
}

@test "expect of the config counts, and --set reaches into it" {
    sed 's/"train": { "epochs"/"expect": { "test.accuracy": { "min": 0.1, "max": 1 } },\n  &/' "$config" >mine.json
    cp -r "$box/data" .
    "$DLTRAIN" --config mine.json --quiet --out a >result
    [ "$(grep -c '^expect .* ok$' result)" -eq 2 ]
    run "$DLTRAIN" --config mine.json --quiet --out b --set expect.test.accuracy.min=1 --set expect.test.loss.max=0
    [ "$status" -eq 1 ]
    [[ $output == *"test.accuracy >= 1  "*FAILED*"test.loss <= 0  "*FAILED* ]]
    [[ $output == *"test.accuracy <= 1  "*ok* ]]
    # The resolved config expects the same.
    run "$DLTRAIN" --config b/config.json --quiet --out c
    [ "$status" -eq 1 ]
    # Other commands read it and do without it.
    "$DLTRAIN" eval --model a/model.safetensors --config mine.json >/dev/null
}

@test "what cannot be is refused before anything is written" {
    fails 2 "--expect 'test.accuracy => 1': the operator must be" train --out new --expect 'test.accuracy => 1'
    fails 2 'test.acuracy: summary.json has no such figure; did you mean "test.accuracy"?' train --out new --expect 'test.acuracy > 0.5'
    fails 2 'test.per_class.10.f1: there are 10 classes' train --out new --expect 'test.per_class.10.f1 > 0.5'
    fails 2 'test.accuracy: needs data.test' train --out new --set data.test=null --expect 'test.accuracy > 0.5'
    fails 3 "$config: expect: test.accuracy: needs data.test" train --out new --set data.test=null --set expect.test.accuracy.min=0.5
    fails 3 'expect: tst.loss: summary.json has no such figure; did you mean "test.loss"?' train --out new --set expect.tst.loss.min=0.5
    fails 3 'expect: tst.loss: summary.json has no such figure' "$DLTRAIN" check --config "$config" --set expect.tst.loss.min=0.5
    fails 3 'expect: train.accuracy: needs labels that are classes' "$DLTRAIN" check --config "$config" --set expect.train.accuracy.min=0.5 \
        --set data.train.labels="$(floats)" --set data.test=null --set data.validation=null --set loss.kind=mse --set data.root=null \
        --set data.train.images="$box/data/train-images-idx3-ubyte"
    [ ! -e new ]
}

# floats: a file of 200 targets
floats() {
    { printf '\0\0\015\1'; u32 200; head -c 800 /dev/zero; } >floats.idx
    echo "$PWD/floats.idx"
}

@test "a figure that turns out to be missing fails" {
    run --separate-stderr train --out run --set train.epochs=0 --expect 'train.loss < 5' --expect 'warnings.0.epoch != 7'
    [ "$status" -eq 1 ]
    [[ $stderr == *"2 of 2 expectations do not hold: train.loss is absent, expected < 5; warnings.0.epoch is absent, expected != 7" ]]
}

@test "every figure of every sort of summary can be expected" {
    command -v python3 >/dev/null || skip "no python3 here"
    target=(--set shift.target.images="$box/data/t10k-images-idx3-ubyte" --set shift.target.labels="$box/data/t10k-labels-idx1-ubyte")
    sorts=(
        "--set train.early_stopping={} --set train.refit=true --set train.diagnostics=true --set train.calibrate=true"
        "--set loss.class_weights=balanced --set model.layers.0.activation=sigmoid --set train.diagnostics=true"
        "--set shift.kind=label --set shift.correct=both --set shift.force=true --set shift.folds=2 --set shift.bootstrap=3 ${target[*]}"
        "--set shift.kind=covariate --set shift.force=true --set shift.folds=2 --set shift.discriminator.epochs=1 ${target[*]}"
        "--set shift.kind=covariate --set shift.method=rulsif --set shift.force=true --set shift.folds=2 --set shift.discriminator.epochs=1 ${target[*]}"
        "--set shift.kind=concept --set shift.fresh=true --set shift.epochs=1 --set shift.stream=[{\"images\":\"$box/data/t10k-images-idx3-ubyte\",\"labels\":\"$box/data/t10k-labels-idx1-ubyte\"}]"
    )
    for i in "${!sorts[@]}"; do
        # shellcheck disable=SC2206
        options=(--set train.epochs=1 --out "run$i" --force ${sorts[i]})
        train "${options[@]}" >/dev/null 2>&1
        # As a config, as its text, so that none is lost in quoting; "!=" of what is there holds.
        python3 - "run$i/summary.json" >paths <<'PYTHON'
import json, sys
def walk(x, path):
    if isinstance(x, (dict, list)):
        for k, v in x.items() if isinstance(x, dict) else enumerate(x):
            walk(v, path + [str(k)])
    elif x is not None:
        print(".".join(path))
walk(json.load(open(sys.argv[1])), [])
PYTHON
        mapfile -t expectations < <(sed '/^model_digest$/d; /\.[0-9]*\..*\.[0-9]*\.[0-9]*$/d; s/.*/--expect\n& != 0.123/' paths)
        run train "${options[@]}" "${expectations[@]}"
        [ "$status" -le 1 ] || { echo "${sorts[i]}: $output"; return 1; }
        [ "$(grep -c '^expect ' <<<"$output")" -gt 60 ]
    done
}

@test "eval expects and reports as train does" {
    digest=$(sed -n 's/^  "model_digest": "\(.*\)",$/\1/p' "$box/run/summary.json")
    "$DLTRAIN" eval --model "$model" --data "$box/data" --junit junit.xml --expect "test.accuracy == $(figure accuracy)" \
        --expect "model_digest == $digest" >result
    [ "$(grep -c '^expect .* ok$' result)" -eq 2 ]
    [ "$(cases testcase)" -eq 2 ]
    grep -q "name=\"model_digest\" value=\"$digest\"" junit.xml
    cmp <(grep -v '^expect' result) <(grep '^test' "$box/result")
    run --separate-stderr "$DLTRAIN" eval --model "$model" --data "$box/data" --json --expect 'test.loss < 0'
    [ "$status" -eq 1 ]
    [[ $stderr == "dltrain: error: 1 of 1 expectation does not hold: test.loss is $(figure loss), expected < 0" ]]
    [[ $output == *'"expect": ['*'"holds": false'* ]]
    fails 2 'eval has no such figure' "$DLTRAIN" eval --model "$model" --data "$box/data" --expect 'epochs_run > 1'
    fails 4 nowhere "$DLTRAIN" eval --model nowhere --data "$box/data" --junit junit.xml --expect 'test.loss < 9'
    [ "$(cases error)" -eq 1 ]
    cp "$model" mine
    fails 2 '--junit must not replace mine' "$DLTRAIN" eval --model mine --data "$box/data" --junit mine
    cmp mine "$model"
}

@test "a report says of every end how it came" {
    train --out a --junit junit.xml >/dev/null
    grep -q '<testcase name="run" classname="tiny"' junit.xml
    [ "$(cases error)-$(cases failure)" = 0-0 ]
    fails 3 optimizer train --out b --set optimizr.lr=1 --junit junit.xml
    grep -q 'errors="1"' junit.xml
    grep -q 'type="config">.*did you mean &quot;optimizer&quot;' junit.xml
    fails 6 'finished run' train --out a --junit junit.xml --expect 'test.loss < 9' --expect 'test.loss > 0'
    [ "$(cases 'error')" -eq 2 ]
    grep -q 'type="system"' junit.xml
    fails 2 'operator' train --out b --junit junit.xml --expect 'test.loss < 9' --expect 'test.loss =< 9'
    grep -q 'type="usage"' junit.xml
    fails 4 nowhere train --out b --junit junit.xml --set data.test.images=nowhere
    grep -q 'type="data"' junit.xml
    run train --out c --junit junit.xml --set regularization.l2=1e6 --expect 'test.loss < 9'
    [ "$status" -eq 5 ]
    grep -q 'errors="1"' junit.xml
    grep -q 'type="diverged">training diverged' junit.xml
    grep -q 'stopped_by": "diverged' c/summary.json
    run ! grep -q '"expect"' c/summary.json
}

@test "a report that cannot be written is found before the training" {
    train --out a >/dev/null
    cp -r a before
    fails 6 'nowhere/junit.xml' train --out a --force --junit nowhere/junit.xml
    fails 6 '/dev/full' train --out a --force --junit /dev/full
    fails 6 "$PWD/a" train --out a --force --junit "$PWD/a"
    fails 2 '--junit must not replace' train --out a --force --junit "$config"
    for file in summary.json checkpoint.safetensors config.json; do
        fails 2 "--junit must not replace a/$file" train --out a --force --junit a/$file
        fails 2 "--junit must not replace new/$file, which the run writes" train --out new --junit new/$file
    done
    [ ! -e new ]
    diff -r a before
    images=$PWD/images
    cp "$box/data/train-images-idx3-ubyte" images
    fails 2 '--junit must not replace' train --out c --set data.train.images="$images" --junit images
    cmp images "$box/data/train-images-idx3-ubyte"
    # The folder that the run makes may hold it.
    train --out new/deep --junit new/junit.xml >/dev/null
    train --out other/deep --junit other/deep/junit.xml >/dev/null
    grep -q 'errors="0"' new/junit.xml other/deep/junit.xml
}

@test "a run that is killed leaves the report of one that has not ended" {
    for signal in TERM KILL; do
        : >log # that of the last one
        "$DLTRAIN" --config "$config" --out run --force --set train.epochs=1000000 --junit junit.xml --expect 'test.loss < 9' 2>log >/dev/null &
        pid=$!
        until grep -q '^epoch 2' log; do kill -0 $pid; done
        kill -$signal $pid
        status=0
        wait $pid || status=$?
        [ "$status" -gt 128 ]
        [ "$(cases error)" -eq 1 ]
        case $signal in
        TERM) grep -q 'type="interrupted">stopped by SIGTERM' junit.xml ;;
        KILL) grep -q 'type="unfinished">the run has not ended' junit.xml ;;
        esac
    done
}

@test "--seeds trains the models of these seeds and has their means" {
    train --seeds 3 --seed 5 --out all --junit junit.xml --expect 'test.accuracy > 0' --expect 'epochs_run == 2' >result
    train --seed 6 --out one >/dev/null
    cmp all/seed-6/model.safetensors one/model.safetensors
    [ "$(ls all)" = $'seed-5\nseed-6\nseed-7\nseeds.json' ]
    grep -q '<property name="seeds" value="5 to 7"/>' junit.xml
    awk '
        /^[567] / { n++; x[n] = $2; sum += $2 }
        /^mean / { mean = $2 }
        /^sd / { sd = $2 }
        END {
            for (i = 1; i <= n; i++) squares += (x[i] - sum / n) ^ 2
            d = mean - sum / n; e = sd - sqrt(squares / (n - 1))
            exit !(n == 3 && d * d < 1e-3 && e * e < 1e-3)
        }' result
    train --seeds 3 --seed 5 --out all --force --json >seeds.json
    cmp seeds.json all/seeds.json
    command -v python3 >/dev/null || skip "no python3 here"
    python3 - <<'PYTHON'
import json, statistics
seeds = json.load(open("all/seeds.json"))
runs = [json.load(open(f"all/seed-{s}/summary.json")) for s in (5, 6, 7)]
assert [r["seed"] for r in seeds["runs"]] == [5, 6, 7]
assert [r["model_digest"] for r in seeds["runs"]] == [r["model_digest"] for r in runs]
for path, figure in seeds["figures"].items():
    values = []
    for r in runs:
        for part in path.split("."):
            r = r[int(part)] if isinstance(r, list) else r[part]
        values.append(r)
    assert values == figure["values"], path
    assert abs(statistics.mean(values) - figure["mean"]) <= 1e-12 * abs(figure["mean"]), path
    assert abs(statistics.stdev(values) - figure["sd"]) <= 1e-9 * max(1e-3, figure["sd"]), path
    assert [min(values), max(values)] == [figure["min"], figure["max"]], path
assert len(seeds["figures"]) > 60 and "test.per_class.3.recall" in seeds["figures"]
PYTHON
}

@test "--seeds: expectations are of the mean, and what does not fit is refused" {
    run --separate-stderr train --seeds 2 --out all --json --expect 'test.accuracy > 1' --expect 'stopped_by == epochs'
    [ "$status" -eq 1 ]
    [[ $stderr == "dltrain: error: 1 of 2 expectations does not hold: test.accuracy is "* ]]
    [[ $output == *'"metric": "stopped_by"'*'"holds": true'* ]]
    fails 6 "all: holds finished runs: --resume goes on with it, --force replaces it" train --seeds 2 --out all
    # What is refused leaves the record of all.
    fails 4 nowhere train --seeds 2 --out all --force --set data.test.images=nowhere
    fails 3 'optimizer.lr: the run began with' train --seeds 2 --out all --resume --set optimizer.lr=0.7
    [ -s all/seeds.json ]
    rm all/seeds.json
    fails 6 "all/seed-2: holds a finished run: --resume" train --seeds 2 --seed 2 --out all
    [ ! -e all/seed-3 ]
    digest=$(sed -n 's/^  "model_digest": "\(.*\)",$/\1/p' "$box/run/summary.json")
    fails 2 'model_digest: does not go with --seeds 2' train --seeds 2 --out new --expect "model_digest == $digest"
    fails 2 'model_digest: does not go with --seeds 2' train --seeds 2 --out new --set expect.model_digest.equals="$digest"
    fails 2 'there is none above' train --seeds 2 --out new --seed 18446744073709551615
    fails 2 'option --seeds: must be a whole number from 1 to 10000' train --seeds 10001 --out new
    fails 2 'option --seeds: must be a whole number from 1 to 10000' train --seeds 0 --out new
    train --seeds 1 --out new --expect "model_digest == $digest" >result
    grep -q '^sd  *-' result
}

@test "--seeds: a run that breaks ends the series, a signal too, and what is done stays" {
    run --separate-stderr train --seeds 3 --out broken --junit junit.xml --set regularization.l2=1e6 --expect 'test.loss < 9'
    [ "$status" -eq 5 ]
    [ -z "$output" ]
    [[ $stderr == "dltrain: error: seed 1: training diverged"* ]]
    [ "$(cases error)" -eq 1 ]
    [ ! -e broken/seed-2 ]
    "$DLTRAIN" --config "$config" --seeds 10000 --out all --junit junit.xml >result 2>log &
    pid=$!
    until [ -e all/seed-2/summary.json ]; do kill -0 $pid; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 143 ]
    grep -q '^dltrain: stopped by SIGTERM after [0-9]* of 10000 seeds; the same command with --resume goes on$' log
    [ ! -s result ]
    [ -e all/seed-1/summary.json ]
    [ ! -e all/seeds.json ]
    grep -q 'stopped by SIGTERM' junit.xml
}
