# Faults that are made: the campaigns of `make torture` and the corpora of `make fuzz`, as much of them as fits here.
bats_require_minimum_version 1.5.0

setup_file() {
    export WERROR=1 # as tests/run builds
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

build() { make -s --no-print-directory -j"$(nproc)" "$@"; }

# The library that is preloaded is written for glibc's way of starting a program.
needs_glibc() { getconf GNU_LIBC_VERSION >/dev/null 2>&1 || skip "no glibc here"; }

@test "what is told to fail does" {
    needs_glibc
    read -r _ _ program _ shim < <(build torture-program)
    faulty() { env LD_PRELOAD="$shim" DLTRAIN_FAULT="$1" DLTRAIN_FAULT_REPORT="$BATS_TEST_TMPDIR/report" "$program" schema; }
    faulty none >"$BATS_TEST_TMPDIR/schema"
    "$program" schema | cmp - "$BATS_TEST_TMPDIR/schema"
    [ "$(grep -vc ^calls "$BATS_TEST_TMPDIR/report")" -eq 0 ]
    calls=$(sed -n 's/^calls alloc //p' "$BATS_TEST_TMPDIR/report")
    [ "$calls" -gt 5 ]
    run --separate-stderr faulty write:1:ENOSPC
    [ "$status" -eq 6 ]
    [ "$stderr" = "dltrain: error: cannot write to standard output: No space left on device" ]
    run --separate-stderr faulty "alloc:$calls:ENOMEM"
    [ "$status" -eq 6 ]
    run --separate-stderr faulty "alloc:$((calls + 1)):ENOMEM"
    [ "$status" -eq 0 ]
    faulty write:1+:short | cmp - "$BATS_TEST_TMPDIR/schema"
}

@test "a sample of every fault in every command" {
    needs_glibc
    read -ra torture < <(build torture-program)
    run "${torture[@]}" --sample 2 --jobs "$(nproc)"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} =~ ^torture:\ ([0-9]+)\ cases,\ 0\ findings$ ]]
    [ "${BASH_REMATCH[1]}" -gt 500 ]
}

@test "every case of the fuzz targets" {
    for program in $(build replay-programs); do
        target=$(basename "$program")
        run "$program" "tests/fuzz/corpus/$target"
        echo "$target: ${lines[-2]}: ${lines[-1]}"
        [ "$status" -eq 0 ]
        [ "${lines[-1]}" = "$(find "tests/fuzz/corpus/$target" -type f | wc -l) cases" ]
    done
}
