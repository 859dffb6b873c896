# What the command-line tests share: the program, small data cut from data/digits, a config.
# shellcheck shell=bash disable=SC2034,SC2154
bats_require_minimum_version 1.5.0
DLTRAIN=${DLTRAIN:-$PWD/dltrain}
unset DLTRAIN_ISA NO_COLOR

# u32 N: four bytes, the most significant first
u32() { printf '%b' "$(printf '\\0%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"; }

# cut_images FROM COUNT, cut_labels FROM COUNT: the first COUNT rows of an MNIST file as plain IDX
cut_images() { u32 2051; u32 "$2"; u32 28; u32 28; gzip -dc "$1" 2>/dev/null | tail -c +17 | head -c $(($2 * 784)); }
cut_labels() { u32 2049; u32 "$2"; gzip -dc "$1" 2>/dev/null | tail -c +9 | head -c "$2"; }

# make_data DIR TRAIN TEST: MNIST's four files with so many rows
make_data() {
    mkdir -p "$1"
    cut_images data/digits/train-images-idx3-ubyte.gz "$2" >"$1/train-images-idx3-ubyte"
    cut_labels data/digits/train-labels-idx1-ubyte.gz "$2" >"$1/train-labels-idx1-ubyte"
    cut_images data/digits/t10k-images-idx3-ubyte.gz "$3" >"$1/t10k-images-idx3-ubyte"
    cut_labels data/digits/t10k-labels-idx1-ubyte.gz "$3" >"$1/t10k-labels-idx1-ubyte"
}

# make_config FILE: a small model on the data in data/ beside it
make_config() {
    cat >"$1" <<'JSON'
{
  // small enough for a test
  "data": {
    "root": "data",
    "train": { "images": "train-images-idx3-ubyte", "labels": "train-labels-idx1-ubyte" },
    "test": { "images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte" },
    "validation": { "fraction": 0.2 }
  },
  "model": { "layers": [{ "units": 16 }] },
  "optimizer": { "lr": 0.1 },
  "train": { "epochs": 2, "batch_size": 32 }
}
JSON
}

# A folder for the tests of a file: $box with data/, tiny.json and, after `train_once`, run/.
make_box() {
    box=$BATS_FILE_TMPDIR
    make_data "$box/data" 200 50
    make_config "$box/tiny.json"
}
train_once() { "$DLTRAIN" --config "$box/tiny.json" --out "$box/run" --quiet >"$box/result" 2>"$box/log"; }

# unsealed MODEL: the model file under other names of its digests, so that nothing holds the tensors against them
unsealed() { LC_ALL=C sed 's/"model_digest": /"model_Digest": /; s/"metadata_digest": /"metadata_Digest": /' "$1"; }

# Every test starts in a folder of its own, with the shared files at hand as $box.
enter() {
    box=$BATS_FILE_TMPDIR
    config=$box/tiny.json
    model=$box/run/model.safetensors
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work" || return 1
}

# fails STATUS TEXT COMMAND...: exit status, silence on stdout, one line on stderr that has the text
fails() {
    local expected=$1 text=$2
    shift 2
    run --separate-stderr "$@"
    if [ "$status" -ne "$expected" ] || [ -n "$output" ] || [ "${#stderr_lines[@]}" -ne 1 ] ||
        [[ $stderr != "dltrain: error: "*"$text"* ]]; then
        printf 'status %s (expected %s)\nstdout: %s\nstderr: %s\n' "$status" "$expected" "$output" "$stderr"
        return 1
    fi
}
