# Weights that PyTorch saved (tests/fixtures/make-torch-model.py) and models that others read.

setup() {
    TMP=$(mktemp -d)
    cat >"$TMP/torch.json" <<EOF
{ "data": { "root": "$PWD/data/digits",
            "train": { "images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz" },
            "test": { "images": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz" } },
  "model": { "layers": [ { "units": 12, "activation": "prelu" }, { "units": 11, "activation": "tanh" } ] },
  "train": { "epochs": 0 } }
EOF
}

teardown() {
    rm -rf "$TMP"
}

# same_numbers A B TOLERANCE: two CSV files of numbers agree
same_numbers() {
    paste -d, "$1" "$2" | awk -F, -v tolerance="$3" '
        { for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d < 0) d = -d; if (d > worst) worst = d } n += NF }
        END { print "largest difference " worst; exit !(n > 0 && worst <= tolerance) }'
}

@test "--init-from takes what torch.nn.Sequential saved and predicts the same" {
    ./dltrain --config "$TMP/torch.json" --init-from tests/fixtures/torch-model.safetensors --out "$TMP/run" --quiet >/dev/null
    ./dltrain predict --model "$TMP/run/model.safetensors" --images data/digits/t10k-images-idx3-ubyte.gz |
        sed -n '2,21p' | cut -d, -f3- >"$TMP/ours.csv"
    same_numbers "$TMP/ours.csv" tests/fixtures/torch-model.csv 1e-6
}

@test "a model of zero epochs started from a file holds the file's tensors" {
    ./dltrain --config "$TMP/torch.json" --init-from tests/fixtures/torch-model.safetensors --out "$TMP/a" --quiet >/dev/null
    ./dltrain --config "$TMP/torch.json" --init-from "$TMP/a/model.safetensors" --out "$TMP/b" --quiet >/dev/null
    cmp "$TMP/a/model.safetensors" "$TMP/b/model.safetensors"
    grep -qF "\"init_from\": \"$PWD/tests/fixtures/torch-model.safetensors\"" "$TMP/a/summary.json"
    # the tensors' bytes stand behind the header, in both files in the order of their names
    tail -c 38736 tests/fixtures/torch-model.safetensors | cmp - <(tail -c 38736 "$TMP/a/model.safetensors")
}
