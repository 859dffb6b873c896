# The data set of the repository tells models apart, through the configs a new user runs first.

load support

accuracy() { # accuracy CONFIG OPTION...: on the test set
    ./dltrain --config "$@" --out "$BATS_TEST_TMPDIR/run" --force --quiet --json |
        tr '\n' ' ' | sed 's/.*"test": {[^}]*"accuracy": \([0-9.]*\).*/\1/'
}

between() {
    awk -v low="$1" -v value="$2" -v high="$3" 'BEGIN { print value; exit !(low <= value && value <= high) }'
}

@test "softmax regression gets between 85 and 95 % of the digits" {
    between 0.85 "$(accuracy configs/softmax.json)" 0.95
}

@test "networks with one and two hidden layers get above 98 %, for three seeds" {
    for seed in 1 2 3; do
        between 0.98 "$(accuracy configs/digits.json --seed $seed)" 1
        between 0.98 "$(accuracy configs/digits.json --seed $seed --set 'model.layers=[{"units":128}]' --set train.epochs=20)" 1
    done
}

@test "zero epochs evaluate the initial model on validation and test part" {
    ./dltrain --config configs/digits.json --set train.epochs=0 --out "$BATS_TEST_TMPDIR/run" --quiet --json >"$BATS_TEST_TMPDIR/summary"
    [ "$(grep -c '"samples": [12]000,' "$BATS_TEST_TMPDIR/summary")" -eq 2 ]
    grep -q '"init_from": null' "$BATS_TEST_TMPDIR/summary"
}
