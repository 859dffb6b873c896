#!/usr/bin/env bats
# scripts/get-data without a network: a copy of the script in a project of straw whose table of checksums names four
# small files made here, and a fake curl that reads file:// URLs and knows how to go on from a part.

train_images=train-images-idx3-ubyte.gz
all_files="$train_images train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz"

setup() {
    box=$(mktemp -d)
    project=$box/project
    mirror=$box/mirror
    out=$box/out
    mkdir -p "$project/scripts" "$mirror" "$box/bin"
    export box
    cp scripts/get-data "$project/scripts/get-data"
    for file in $all_files; do
        printf 'the bytes of %s\n' "$file" >"$box/plain"
        gzip -n -c "$box/plain" >"$mirror/$file"
        know mnist "$file" "$(sha "$box/plain")"
        know kmnist "$file" "$(sha "$mirror/$file")"
    done
    fake_curl
    export DLTRAIN_MIRRORS="file://$mirror"
    unset DLTRAIN_DATA
}

teardown() {
    chmod -R u+w "$box"
    rm -rf "$box"
}

sha() { { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1; }

# know NAME FILE SUM: the copied script expects this sum.
know() {
    sed -E "s/^((files=')?$1\|$2\|[a-z]*\|)[0-9a-f]*/\1$3/" "$project/scripts/get-data" >"$box/edited"
    cp "$box/edited" "$project/scripts/get-data"
}

# Understands what the script uses: -C - -o PART URL. $box/die_after: breaks the connection after so many bytes.
fake_curl() {
    cat >"$box/bin/curl" <<'END'
#!/bin/sh
while [ $# -gt 1 ]; do
    case $1 in -o) part=$2 ;; esac
    shift
done
echo "$1" >>"$box/log"
case $1 in http:*) exit 7 ;; esac
source=${1#file://}
[ -e "$source" ] || exit 22
have=0
[ ! -e "$part" ] || have=$(($(wc -c <"$part")))
[ $have -eq 0 ] || [ ! -e "$box/no_ranges" ] || exit 33
echo "from byte $have" >>"$box/log"
if [ -e "$box/die_after" ]; then
    tail -c +$((have + 1)) "$source" | head -c "$(cat "$box/die_after")" >>"$part"
    exit 18
fi
tail -c +$((have + 1)) "$source" >>"$part" || exit 23
END
    chmod +x "$box/bin/curl"
}

get_data() {
    PATH="$box/bin:$PATH" run sh "$project/scripts/get-data" "$@"
    echo "$output"
}

# assert_complete DIR: the four files as the mirror has them, and nothing else.
assert_complete() {
    for file in $all_files; do
        cmp "$1/$file" "$mirror/$file" || return 1
    done
    [ "$(ls -A "$1" | wc -l)" -eq 4 ]
}

# part FILE: a partial download left by a process that is no more.
part() {
    sh -c 'exit 0' &
    wait $!
    echo "$out/.$1.$!.part"
}

@test "downloads, prints the folder on stdout, and does nothing the second time" {
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
    rm "$box/log"
    folder=$(PATH="$box/bin:$PATH" sh "$project/scripts/get-data" mnist "$out" 2>/dev/null)
    [ "$folder" = "$(cd "$out" && pwd)" ]
    [ ! -e "$box/log" ]
}

@test "the default folder is data/NAME of the project" {
    get_data kmnist
    [ "$status" -eq 0 ]
    assert_complete "$project/data/kmnist"
}

@test "a folder with blanks in its name" {
    get_data mnist "$box/a  b/c d"
    [ "$status" -eq 0 ]
    assert_complete "$box/a  b/c d"
}

@test "mirrors are tried in turn" {
    mkdir "$box/wrong"
    for file in $all_files; do
        echo other | gzip >"$box/wrong/$file"
    done
    DLTRAIN_MIRRORS="http://127.0.0.1:9 file://$box/nowhere file://$box/wrong/ file://$mirror" get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
    [[ $output == *"$train_images: this mirror has other bytes: expected SHA-256 "*", found "* ]]
}

@test "the built-in mirrors are https before http, several each" {
    for name in mnist fashion-mnist kmnist; do
        run sh -c "sed -n \"s/^\(mirrors='\)\{0,1\}$name|\(http\)/\2/p\" scripts/get-data"
        [ "${#lines[@]}" -ge 2 ]
        [[ ${lines[0]} == https://* ]]
    done
}

@test "wrong bytes from every mirror: exit 4, nothing under the final name" {
    echo other | gzip >"$mirror/$train_images"
    get_data mnist "$out"
    [ "$status" -eq 4 ]
    [ -z "$(ls -A "$out")" ]
}

@test "bytes after the end of the gzip file: exit 4" {
    echo more >>"$mirror/$train_images"
    get_data mnist "$out"
    [ "$status" -eq 4 ]
    [ -z "$(ls -A "$out")" ]
}

@test "no mirror to be reached: exit 6" {
    DLTRAIN_MIRRORS="http://127.0.0.1:9 http://127.0.0.1:10" get_data mnist "$out"
    [ "$status" -eq 6 ]
    [[ $output == *"error: $train_images: no mirror could be reached"* ]]
    [ -z "$(ls -A "$out")" ]
}

@test "a broken download goes on where it stopped" {
    echo 10 >"$box/die_after"
    get_data mnist "$out"
    [ "$status" -eq 6 ]
    [ ! -e "$out/$train_images" ]
    rm "$box/die_after" "$box/log"
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
    [ "$(sed -n 2p "$box/log")" = "from byte 10" ]
}

@test "a dead first mirror does not cost the partial download" {
    mkdir "$out"
    head -c 10 "$mirror/$train_images" >"$(part $train_images)"
    DLTRAIN_MIRRORS="file://$box/nowhere file://$mirror" get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
    [ "$(sed -n 3p "$box/log")" = "from byte 10" ]
}

@test "a partial download of something else: from the beginning" {
    mkdir "$out"
    echo 'something else' >"$(part $train_images)"
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
}

@test "a server that cannot go on: from the beginning" {
    mkdir "$out"
    touch "$box/no_ranges"
    head -c 10 "$mirror/$train_images" >"$(part $train_images)"
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    [[ $output == *"this mirror cannot go on from a partial download"* ]]
    [[ $output != *"no mirror could go on"* ]]
    assert_complete "$out"
}

@test "a finished partial download needs no network" {
    get_data mnist "$out"
    mv "$out/$train_images" "$(part $train_images)"
    DLTRAIN_MIRRORS=http://127.0.0.1:9 get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
}

@test "the part of a process that still lives is left to it" {
    mkdir "$out"
    echo mine >"$out/.$train_images.$$.part"
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    [ "$(cat "$out/.$train_images.$$.part")" = mine ]
}

@test "files in DLTRAIN_DATA are copied, however they were compressed" {
    mkdir -p "$box/known/mnist"
    for file in $all_files; do
        gzip -dc "$mirror/$file" | gzip -1 >"$box/known/mnist/$file"
    done
    DLTRAIN_DATA=$box/known DLTRAIN_MIRRORS=http://127.0.0.1:9 get_data mnist "$out"
    [ "$status" -eq 0 ]
    for file in $all_files; do
        cmp "$out/$file" "$box/known/mnist/$file"
    done
    [ ! -e "$box/log" ]
}

@test "files in data/NAME are copied into another folder" {
    get_data mnist
    DLTRAIN_MIRRORS=http://127.0.0.1:9 get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
}

@test "wrong files in a known place are passed over" {
    mkdir -p "$box/known/mnist"
    echo other | gzip >"$box/known/mnist/$train_images"
    DLTRAIN_DATA=$box/known get_data mnist "$out"
    [ "$status" -eq 0 ]
    [[ $output == *"passed over"* ]]
    assert_complete "$out"
}

@test "a wrong file in the folder itself: exit 4, and it is left alone" {
    mkdir "$out"
    echo other | gzip >"$out/$train_images"
    cp "$out/$train_images" "$box/before"
    get_data mnist "$out"
    [ "$status" -eq 4 ]
    [[ $output == *"error: $out/$train_images is not mnist's: expected SHA-256 "*", found "* ]]
    cmp "$out/$train_images" "$box/before"
}

@test "kmnist: the published gzip file is what counts" {
    mkdir "$out"
    gzip -dc "$mirror/$train_images" | gzip -1 >"$out/$train_images"
    get_data kmnist "$out"
    [ "$status" -eq 4 ]
}

@test "a full disk: exit 6, nothing under the final name" {
    printf '#!/bin/sh\nexit 23\n' >"$box/bin/curl"
    get_data mnist "$out"
    [ "$status" -eq 6 ]
    [[ $output == *"error: cannot write $out/"* ]]
    [ ! -e "$out/$train_images" ]
}

@test "a folder that cannot be made: exit 6" {
    touch "$box/file"
    get_data mnist "$box/file/out"
    [ "$status" -eq 6 ]
    [[ $output == *"error: cannot make the folder $box/file/out"* ]]
}

@test "wget where there is no curl" {
    for tool in sh cat cut gzip mkdir mv rm sed dirname tail head wc sha256sum shasum openssl; do
        ! command -v $tool >/dev/null || ln -s "$(command -v $tool)" "$box/bin/$tool"
    done
    # The same arguments but for the letter, and the same statuses for what is used here.
    sed 's/-o) part/-O) part/' "$box/bin/curl" >"$box/bin/wget"
    rm "$box/bin/curl"
    chmod +x "$box/bin/wget"
    PATH="$box/bin" run sh "$project/scripts/get-data" mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
    rm "$box/bin/wget"
    PATH="$box/bin" run sh "$project/scripts/get-data" kmnist "$box/other"
    [ "$status" -eq 6 ]
    [[ $output == *"needs curl or wget"* ]]
}

@test "the real curl, with a file:// mirror" {
    command -v curl >/dev/null || skip "no curl here"
    rm "$box/bin/curl"
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
    mv "$out/$train_images" "$box/whole"
    head -c 10 "$box/whole" >"$(part $train_images)"
    get_data mnist "$out"
    [ "$status" -eq 0 ]
    assert_complete "$out"
}

@test "usage: --help, no name, an unknown name, too many arguments" {
    get_data --help
    [ "$status" -eq 0 ]
    [[ $output == "usage: "* ]]
    get_data
    [ "$status" -eq 2 ]
    get_data cifar
    [ "$status" -eq 2 ]
    [[ $output == *"error: unknown data set cifar"* ]]
    get_data 'mnist|'
    [ "$status" -eq 2 ]
    get_data mnist a b
    [ "$status" -eq 2 ]
    get_data --force mnist
    [ "$status" -eq 2 ]
    get_data mnist ''
    [ "$status" -eq 2 ]
}
