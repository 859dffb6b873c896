# Kills: a few of those that `make crash` does.
bats_require_minimum_version 1.5.0

setup_file() {
    export WERROR=1 # as tests/run builds
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

@test "a training that is killed again and again comes to the bits of one that is not" {
    # The library that is preloaded is written for glibc's way of starting a program.
    getconf GNU_LIBC_VERSION >/dev/null 2>&1 || skip "no glibc here"
    read -ra crash < <(make -s --no-print-directory -j"$(nproc)" crash-program)
    run "${crash[@]}" --kills 12
    echo "$output"
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} =~ ^crash:\ 12\ kills\ \(([0-9]+)\ within\ a\ write\),\ 0\ findings$ ]]
    [ "${BASH_REMATCH[1]}" -ge 1 ]
}
