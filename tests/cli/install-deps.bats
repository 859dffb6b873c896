#!/usr/bin/env bats
# scripts/install-deps against a machine of straw: a PATH with fake compiler, pkg-config and package managers.
# A fake manager "installs" by making the fake command, or the mark that the fake compiler takes for a header.

setup() {
    box=$(mktemp -d)
    mkdir "$box/bin" "$box/headers"
    export box
    for tool in sh cat cut rm mkdir mktemp env touch chmod; do
        ln -s "$(command -v $tool)" "$box/bin/$tool"
    done
    fake id 'echo 0'
    : >"$box/log"
    unset DEPS CC CFLAGS CPPFLAGS LDFLAGS
}

teardown() {
    rm -rf "$box"
}

# fake NAME SCRIPT
fake() {
    printf '#!/bin/sh\n%s\n' "$2" >"$box/bin/$1"
    chmod +x "$box/bin/$1"
}

fake_cc='for last; do case $last in *.c) source=$(cat "$last") ;; esac; done
for header in zlib.h cJSON.h cmocka.h; do
    case $source in *"$header"*) [ -e "$box/headers/$header" ] || exit 1 ;; esac
done'

fake_manager='case $1 in -Si) exit 0 ;; esac
echo "${0##*/} $*" >>"$box/log"
make_command() { printf "#!/bin/sh\n%s\n" "$2" >"$box/bin/$1"; chmod +x "$box/bin/$1"; }
case "$*" in
"update" | "-Sy") rm -f "$box/stale"; touch "$box/lists"; exit 0 ;;
esac
[ ! -e "$box/stale" ] || exit 100
for package; do
    case $package in
    gcc) make_command cc "$fake_cc" ;;
    make | bats | gzip) make_command $package : ;;
    binutils) make_command objcopy : ;;
    bats-core) make_command bats : ;;
    pkg-config | pkgconf | pkgconf-pkg-config) make_command pkg-config "exit 1" ;;
    zlib*) touch "$box/headers/zlib.h" ;;
    *cjson*) touch "$box/headers/cJSON.h" ;;
    *cmocka*) touch "$box/headers/cmocka.h" ;;
    esac
done'
export fake_cc fake_manager

# A machine that has everything.
full_machine() {
    fake cc "$fake_cc"
    for tool in objcopy make bats gzip; do
        fake $tool :
    done
    fake pkg-config 'exit 1'
    touch "$box/headers/zlib.h" "$box/headers/cJSON.h" "$box/headers/cmocka.h"
}

apt() {
    fake apt-get "$fake_manager"
    fake apt-cache '[ -e "$box/lists" ]'
}

install_deps() {
    PATH="$box/bin" run sh scripts/install-deps "$@"
}

@test "nothing missing: silent, and the manager is not called" {
    full_machine
    apt
    install_deps --test
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    [ ! -s "$box/log" ]
}

@test "each manager gets its own package names" {
    while IFS='|' read -r manager command; do
        rm -rf "$box"
        setup
        fake "$manager" "$fake_manager"
        fake apt-cache :
        install_deps --test
        echo "$manager: $output"
        [ "$status" -eq 0 ]
        [ "$(cat "$box/log")" = "$manager $command" ]
    done <<'END'
apt-get|install -y --no-install-recommends gcc libc6-dev binutils make pkg-config zlib1g-dev libcjson-dev libcmocka-dev bats gzip
dnf|install -y gcc glibc-devel binutils make pkgconf-pkg-config zlib-devel cjson-devel libcmocka-devel bats gzip
apk|add --no-cache gcc musl-dev binutils make pkgconf zlib-dev cjson-dev cmocka-dev bats gzip
pacman|-S --needed --noconfirm gcc binutils make pkgconf zlib cjson cmocka bats gzip
brew|install gcc binutils make pkgconf zlib cjson cmocka bats-core gzip
END
}

@test "only what is missing is installed, and the command is shown" {
    full_machine
    apt
    touch "$box/lists"
    rm "$box/headers/cJSON.h" "$box/bin/bats"
    install_deps
    [ "$status" -eq 0 ]
    [ "$(cat "$box/log")" = "apt-get install -y --no-install-recommends libcjson-dev" ]
    [[ $output == *"missing: cJSON"* ]]
    [[ $output == *"running: env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libcjson-dev"* ]]
    install_deps --test
    [ "$status" -eq 0 ]
    [ "$(tail -n 1 "$box/log")" = "apt-get install -y --no-install-recommends bats" ]
}

@test "apt: empty lists are refreshed first" {
    full_machine
    apt
    rm "$box/headers/zlib.h"
    install_deps
    [ "$status" -eq 0 ]
    [ "$(cat "$box/log")" = "apt-get update
apt-get install -y --no-install-recommends zlib1g-dev" ]
}

@test "apt: old lists are refreshed after a failure" {
    full_machine
    apt
    touch "$box/lists" "$box/stale"
    rm "$box/headers/zlib.h"
    install_deps
    [ "$status" -eq 0 ]
    [ "$(cat "$box/log")" = "apt-get install -y --no-install-recommends zlib1g-dev
apt-get update
apt-get install -y --no-install-recommends zlib1g-dev" ]
}

@test "without root: sudo where the manager needs it" {
    full_machine
    apt
    touch "$box/lists"
    rm "$box/headers/zlib.h"
    fake id 'echo 1000'
    fake sudo 'echo "sudo $*" >>"$box/log"; exec "$@"'
    install_deps
    [ "$status" -eq 0 ]
    [[ $(cat "$box/log") == "sudo env DEBIAN_FRONTEND=noninteractive apt-get install"* ]]
}

@test "without root: brew needs no sudo" {
    full_machine
    rm "$box/headers/zlib.h"
    fake brew "$fake_manager"
    fake id 'echo 501'
    fake sudo 'echo "sudo $*" >>"$box/log"; exec "$@"'
    install_deps
    [ "$status" -eq 0 ]
    [ "$(cat "$box/log")" = "brew install zlib" ]
}

@test "without root and sudo: the command to type, exit 6" {
    full_machine
    apt
    rm "$box/headers/zlib.h"
    fake id 'echo 1000'
    install_deps
    [ "$status" -eq 6 ]
    [[ $output == *"error: this needs root"*"apt-get install -y --no-install-recommends zlib1g-dev"* ]]
    [ ! -s "$box/log" ]
}

@test "DEPS=no: one line says what is missing, exit 0" {
    full_machine
    apt
    rm "$box/headers/zlib.h" "$box/bin/bats"
    DEPS=no install_deps --test
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"missing: zlib, bats"* ]]
    [ ! -s "$box/log" ]
}

@test "no known manager: one line says what is missing, exit 6" {
    full_machine
    rm "$box/headers/cJSON.h"
    install_deps
    [ "$status" -eq 6 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == "install-deps: error: missing: cJSON; no known package manager"* ]]
}

@test "a manager that fails: exit 6" {
    full_machine
    rm "$box/headers/cJSON.h"
    fake dnf 'exit 1'
    install_deps
    [ "$status" -eq 6 ]
    [[ $output == *"error: dnf could not install: cjson-devel"* ]]
}

@test "an installation that does not help: exit 6" {
    full_machine
    rm "$box/headers/cJSON.h"
    fake dnf :
    install_deps
    [ "$status" -eq 6 ]
    [[ $output == *"still missing: cJSON"* ]]
}

@test "without a compiler the word of pkg-config counts for a library" {
    full_machine
    rm "$box/bin/cc" "$box"/headers/*
    fake pkg-config 'exit 0'
    fake dnf "$fake_manager"
    DEPS=no install_deps
    [ "$status" -eq 0 ]
    [[ $output == *"missing: a C compiler (left"* ]]
}

@test "a library outside the usual places is found by its flags" {
    full_machine
    fake cc "$fake_cc"'
case $*:$source in *-L/opt/lib*:*) ;; *:*zlib.h*) exit 1 ;; esac'
    DEPS=no install_deps
    [[ $output == *"missing: zlib"* ]]
    LDFLAGS=-L/opt/lib install_deps
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "a compiler that was named but does not work is not papered over" {
    full_machine
    apt
    CC=nosuchcc install_deps
    [ "$status" -eq 6 ]
    [[ $output == *"nosuchcc"* ]]
    [ ! -s "$box/log" ]
}

@test "--help and a wrong argument" {
    install_deps --help
    [ "$status" -eq 0 ]
    [[ $output == "usage: "* ]]
    install_deps --tset
    [ "$status" -eq 2 ]
    [[ $output == "install-deps: error: unknown argument --tset"* ]]
}
