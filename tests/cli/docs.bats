# What the pages say is what the program does: generated parts, shown commands and results, the map of the rooms.

setup() {
    TMP=$(mktemp -d)
    root=$PWD
}

teardown() {
    rm -rf "$TMP"
}

# A copy of what a fresh clone would hold, in $copy, with the objects of this build, so that make has nothing to compile.
fresh_copy() {
    export WERROR=1 # as tests/run builds: other flags are other objects
    copy=$TMP/copy
    objects=$(dirname "$(make -s --no-print-directory program)")
    double=$(dirname "$(make -s --no-print-directory REAL=double program)")
    mkdir -p "$copy/data" "$copy/$objects" "$copy/$double"
    cp -Rp Makefile README.md LICENSE .ci .github .gitignore src configs scripts tests "$copy"
    cp -Rp data/digits data/tables "$copy/data"
    cp -Rp "$double/src" "$double/double.a" "$double/gradcheck.o" "$copy/$double"
    cp -Rp "$objects/src" "$objects/dltrain" "$copy/$objects"
}

# python_with MODULE: sets $python, or skips the test
python_with() {
    for python in python3 /usr/bin/python3; do
        "$python" -c "import $1" 2>/dev/null && return
    done
    skip "no python3 with $1 here"
}

@test "README.md and the schema are what scripts/make-docs writes" {
    scripts/make-docs --check
}

@test "make-docs --check names stale files and changes nothing, make-docs mends them" {
    mkdir -p "$TMP/copy"
    cp -Rp Makefile README.md scripts configs "$TMP/copy"
    cd "$TMP/copy"
    sed 's/^| `seed`/| `sede`/' README.md >README.new
    mv README.new README.md
    echo '{}' >configs/dltrain.schema.json
    cp README.md "$TMP/README.before"
    export DLTRAIN=$root/dltrain
    run scripts/make-docs --check
    [ "$status" -eq 1 ]
    [[ $output == *"README.md is stale"*"configs/dltrain.schema.json is stale"* ]]
    cmp README.md "$TMP/README.before"
    scripts/make-docs
    scripts/make-docs --check
    cmp README.md "$root/README.md"
    cmp configs/dltrain.schema.json "$root/configs/dltrain.schema.json"
}

@test "make-docs: wrong usage, and a program that does not run" {
    run scripts/make-docs --chekc
    [ "$status" -eq 2 ]
    DLTRAIN=/nowhere/dltrain run scripts/make-docs --check
    [ "$status" -eq 6 ]
}

# The files of the folder that are not in places made for results.
sources() { (cd "$1" && find . \( -path ./build -o -path ./runs -o -path ./dltrain \) -prune -o -type f -print | sort); }

@test "the commands of README.md work in a fresh clone and leave their results in runs/" {
    fresh_copy
    mkdir "$TMP/home" "$TMP/blocks"
    # The sh blocks that a <!-- run --> line announces, a file each.
    awk -v folder="$TMP/blocks" '
        inside && /^```/ { inside = 0; close(file) }
        inside { print > file }
        /^```sh$/ && marked { inside = 1; file = sprintf("%s/%02d", folder, ++n) }
        { marked = /^<!-- run -->$/ }' README.md
    [ -e "$TMP/blocks/01" ]
    sources "$copy" >"$TMP/before"
    cd "$copy"
    export HOME=$TMP/home DEPS=no
    for block in "$TMP"/blocks/*; do
        echo "--- $(cat "$block")"
        sh -eu "$block"
    done
    sources "$copy" | diff "$TMP/before" -
}

@test "the result that README.md shows is that of the demo" {
    ./dltrain --config configs/digits.json --quiet --out "$TMP/run" | grep -E '^(test accuracy|model digest) ' >"$TMP/lines"
    [ "$(wc -l <"$TMP/lines")" -eq 2 ]
    while IFS= read -r line; do
        echo "README.md should have: $line"
        grep -qxF "$line" README.md
    done <"$TMP/lines"
}

@test "the comparisons that README.md shows are those of the commands above them" {
    cd "$TMP"
    ln -s "$root/dltrain" "$root/configs" "$root/data" .
    ./dltrain --config configs/digits.json --quiet >/dev/null
    sed -n '/^### compare/,/^### verify/p' "$root/README.md" >section
    # The sh blocks, without the lines that print nothing.
    awk '/^```$/ { inside = 0 } inside { print } /^```sh$/ { inside = 1 }' section | grep -v ' > runs' >commands
    sh -eu ./commands >lines
    # Seconds are those of the day.
    sed -E 's/ [0-9.]+ ( [0-9a-f]{8})/ \1/; s/  +/  /g' lines | grep -E '^(run|b:)' >found
    sed -E 's/ [0-9.]+ ( [0-9a-f]{8})/ \1/; s/  +/  /g' section >shown
    [ "$(wc -l <found)" -eq 8 ]
    while IFS= read -r line; do
        echo "README.md should have: $line"
        grep -qxF -e "$line" shown
    done <found
}

@test "the expectations and the table of seeds that README.md shows are those of the commands above them" {
    sed -n '/^## In CI/,/^## /p' README.md | awk '/^```text$/ { inside = 1; next } /^```/ { inside = 0 } inside' >"$TMP/shown"
    ./dltrain --config configs/digits.json --quiet --out "$TMP/gate" --expect 'test.accuracy >= 0.98' \
        --expect 'test.per_class.3.recall > 0.95' | grep '^expect ' >"$TMP/lines"
    ./dltrain --config configs/digits.json --set train.epochs=2 --seeds 3 --out "$TMP/seeds" --quiet \
        --expect 'test.accuracy >= 0.9' | grep -v '^seconds\|^run ' >>"$TMP/lines"
    diff "$TMP/shown" "$TMP/lines"
}

# ci_block N: the N-th example for a CI server
ci_block() {
    awk -v wanted="$1" '
        inside && /^```/ { inside = 0 }
        inside && n == wanted { print }
        /^```yaml$/ && marked { inside = 1; n++ }
        { marked = /^<!-- ci -->$/ }' "$root/README.md"
}

# ci_commands KEY: the shell commands that the YAML on stdin gives under that key, as a word, a block or a list
ci_commands() {
    awk -v key="$1" '
        { match($0, /^ */); indent = RLENGTH }
        inside && NF && indent <= outer { inside = 0 }
        inside { line = $0; sub(/^ *- /, "", line); sub(/^ +/, "", line); print line; next }
        $0 ~ "^ *(- )?" key ":" {
            value = $0
            sub("^ *(- )?" key ": *", "", value)
            if (value != "" && value != "|") { print value; next }
            outer = indent
            inside = 1
        }'
}

# runs_in_clone N KEY: the commands of the example run in a clone and leave its JUnit report
runs_in_clone() {
    fresh_copy
    ci_block "$1" >"$TMP/example.yml"
    ci_commands "$2" <"$TMP/example.yml" >"$TMP/commands"
    cat "$TMP/commands"
    [ "$(grep -c 'dltrain --config' "$TMP/commands")" -eq 1 ]
    cd "$copy"
    DEPS=no sh -eu "$TMP/commands"
    grep -q 'junit.xml' "$TMP/example.yml"
    grep -q '<testsuites name="digits" .*failures="0" errors="0"' junit.xml
    [ -d runs/ci ]
}

@test "README.md's example for GitHub Actions works in a fresh clone" {
    runs_in_clone 1 run
    [ "$(grep -c '<testcase' "$copy/junit.xml")" -eq 2 ]
}

@test "README.md's example for GitLab CI works in a fresh clone" {
    runs_in_clone 2 script
    grep -q '<property name="seeds" value="1 to 3"/>' "$copy/junit.xml"
}

@test "README.md's examples for CI servers are YAML with these commands" {
    python_with yaml
    ci_block 1 | "$python" -c '
import sys, yaml
steps = yaml.safe_load(sys.stdin)["jobs"]["model"]["steps"]
print("".join(s["run"] for s in steps if "run" in s), end="")' >"$TMP/theirs"
    ci_block 1 | ci_commands run >"$TMP/ours"
    diff <(sed 's/^ *//' "$TMP/theirs") "$TMP/ours"
    ci_block 2 | "$python" -c '
import sys, yaml
print("\n".join(yaml.safe_load(sys.stdin)["model"]["script"]))' >"$TMP/theirs"
    ci_block 2 | ci_commands script >"$TMP/ours"
    diff "$TMP/theirs" "$TMP/ours"
}

@test "README.md's script predicts what the program predicts" {
    python_with numpy
    images=data/digits/t10k-images-idx3-ubyte.gz
    ./dltrain --config configs/digits.json --set train.epochs=1 --quiet --out "$TMP/run" >/dev/null
    ./dltrain predict --model "$TMP/run/model.safetensors" --images $images | sed 1d | cut -d, -f2 >"$TMP/ours"
    "$python" scripts/read-model.py "$TMP/run/model.safetensors" $images >"$TMP/theirs"
    cmp "$TMP/ours" "$TMP/theirs"
}

@test "README.md's picture is what scripts/make-picture draws" {
    python_with json
    "$python" scripts/make-picture "$TMP/picture"
    cmp "$TMP/picture" .github/dltrain.svg
}

@test "README.md's sheet is what the command above it draws" {
    command -v python3 >/dev/null || skip "no python3 here"
    command=$(grep '^./dltrain augment .*--out runs/augment.png' README.md)
    eval "${command/runs\/augment.png/"$TMP/sheet.pgm"}"
    tests/cli/png-to-pgm.py .github/augment.png | cmp - "$TMP/sheet.pgm"
}

@test "the files that README.md points to exist" {
    for page in README.md src/README.md; do
        for link in $(grep -o '](\([^)#]*\))' $page | sed 's/^](//; s/)$//') $(sed -n 's/.*src="\([^"]*\)".*/\1/p' $page); do
            case $link in http*) continue ;; esac
            echo "$page: $link"
            [ -e "$(dirname $page)/$link" ]
        done
    done
}

@test "src/README.md has the table of rooms that tests/layers proves" {
    sed -n 's/^ *\([a-z]*\)) echo \(.*\) ;;$/\1 \2/p' tests/layers |
        awk '{ printf "%s:", $1; for (i = 2; i <= NF; i++) if ($i != $1) printf " %s", $i; print "" }' >"$TMP/proved"
    sed -n 's/^| `\([a-z]*\)` |[^|]*|\([^|]*\)|$/\1:\2/p' src/README.md |
        sed 's/[`,]//g; s/ *$//; s/: nothing$/:/' >"$TMP/told"
    [ -s "$TMP/proved" ]
    diff "$TMP/proved" "$TMP/told"
}

@test "src/README.md names every file of src, and no other" {
    # By base name or by room and name, with or without the ending.
    grep -oE '`[A-Za-z0-9_./]+`' src/README.md | tr -d '`' | sort -u >"$TMP/named"
    for file in src/*/*; do
        name=${file##*/}
        printf '%s\n' "$name" "${name%.*}" "${file#src/}" >"$TMP/names"
        grep -qxFf "$TMP/names" "$TMP/named" || { echo "$file is not in src/README.md"; bad=1; }
    done
    for name in $(grep -E '^[a-z0-9_/]*\.(c|h|inc)$' "$TMP/named"); do
        case $name in
        */*) [ -e "src/$name" ] || [ -e "$name" ] || { echo "src/README.md: there is no $name"; bad=1; } ;;
        *) compgen -G "src/*/$name" >/dev/null || { echo "src/README.md: there is no $name"; bad=1; } ;;
        esac
    done
    [ -z "${bad:-}" ]
}
