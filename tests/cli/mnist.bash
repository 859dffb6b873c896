# What tests of real MNIST share: it is where data/mnist or $DLTRAIN_DATA/mnist has it (scripts/get-data mnist), and the
# test is counted as skipped elsewhere.
# shellcheck shell=bash disable=SC2034

# find_mnist: sets $root and $TMP
find_mnist() {
    local folder
    TMP=$BATS_TEST_TMPDIR
    for folder in data/mnist "${DLTRAIN_DATA:-}/mnist"; do
        [ -f "$folder/train-images-idx3-ubyte.gz" ] && root=$folder && return
    done
    skip "MNIST is not here (scripts/get-data mnist)"
}

# train CONFIG OPTION...: configs/CONFIG.json on it, into $TMP/run
train() {
    ./dltrain --config "configs/$1.json" --set "data.root=$root" --out "$TMP/run" --force --quiet "${@:2}"
}
