# A CI job as a user writes it: green for the config as it is, red for a worsened one, with the JUnit report read by
# an XML parser that is not ours.

setup() {
    command -v python3 >/dev/null || skip "no python3 here"
    out=$BATS_TEST_TMPDIR/out
}

# report: the report as lines, "tests failures errors" and then "NAME: outcome: message"
report() {
    python3 - "$out/junit.xml" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
(suite,) = root
assert root.tag == "testsuites" and suite.tag == "testsuite"
cases = suite.findall("testcase")
for element in (root, suite):
    assert int(element.get("tests")) == len(cases) > 0
    assert int(element.get("failures")) == len(suite.findall("testcase/failure"))
    assert int(element.get("errors")) == len(suite.findall("testcase/error"))
    assert float(element.get("time")) >= 0
print(*(suite.get(k) for k in ("tests", "failures", "errors")))
for p in suite.findall("properties/property"):
    if p.get("name") in ("model_digest", "seed"):
        print(f'{p.get("name")} = {p.get("value")}')
for case in cases:
    assert case.get("classname") == suite.get("name") and float(case.get("time")) >= 0
    outcome = [c for c in case if c.tag in ("failure", "error")]
    assert len(outcome) <= 1
    for c in outcome:
        assert c.text == c.get("message") and c.get("type")
    print(f'{case.get("name")}: ' + (f'{outcome[0].tag}: {outcome[0].get("message")}' if outcome else "ok"))
PYTHON
}

@test "the job is green for the config as it is" {
    digest=$(sed -n 's/^model digest  *//p' README.md)
    tests/ci-job "$out"
    report >"$out/lines"
    diff "$out/lines" - <<END
4 0 0
model_digest = $digest
seed = 1
test.accuracy >= 0.985: ok
test.loss <= 0.045: ok
stopped_by == epochs: ok
model_digest == $digest: ok
END
}

@test "the job is red for a worsened config, and says by how much" {
    run tests/ci-job "$out" --set optimizer.lr=0.001
    [ "$status" -eq 1 ]
    report >"$out/lines"
    [ "$(head -n 1 "$out/lines")" = "4 3 0" ]
    accuracy=$(sed -n '/"test": {/,/"error"/s/.*"accuracy": \(.*\),/\1/p' "$out/run/summary.json")
    grep -qxF "test.accuracy >= 0.985: failure: test.accuracy is $accuracy, expected >= 0.985" "$out/lines"
    grep -q '^test.loss <= 0.045: failure: test.loss is 0\.[0-9]*, expected <= 0.045$' "$out/lines"
    grep -qx 'stopped_by == epochs: ok' "$out/lines"
    grep -q '^model_digest == .*: failure: model_digest is ' "$out/lines"
}

@test "the digest alone is red where only bits change" {
    run tests/ci-job "$out" --seed 2 --set train.epochs=12
    [ "$status" -eq 1 ]
    report >"$out/lines"
    [ "$(head -n 1 "$out/lines")" = "4 1 0" ]
    grep -q '^model_digest == .*: failure: ' "$out/lines"
}

@test "a run that breaks is an error in every case" {
    run tests/ci-job "$out" --set regularization.l2=1e6
    [ "$status" -eq 5 ]
    report >"$out/lines"
    [ "$(head -n 1 "$out/lines")" = "4 0 4" ]
    [ "$(grep -c ': error: training diverged in epoch 1 ' "$out/lines")" -eq 4 ]
    run tests/ci-job "$out" --set optimizer.lrr=1
    [ "$status" -eq 3 ]
    report >"$out/lines"
    [ "$(head -n 1 "$out/lines")" = "4 0 4" ]
    [ "$(grep -c 'did you mean "lr"?$' "$out/lines")" -eq 4 ]
}
