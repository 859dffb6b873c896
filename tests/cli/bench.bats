# The benchmark builds and reads its command lines; it takes too long to be run here.

@test "the benchmark's kernels program builds" {
    program=$(make --no-print-directory -s -j2 bench-program | tail -n 1)
    run "$program" --threads 1
    [ "$status" -eq 2 ]
    [ "${lines[0]}" = "usage: kernels --data DIR [--threads N] [--precision NAME]" ]
}

@test "the benchmark's runner says what it does, and that it knows no such model" {
    python3 -c '' 2>/dev/null || skip "no python3 here"
    python3 tests/bench/run --help | grep -q -- --torch
    run python3 tests/bench/run --kernels /bin/false --only XL
    [ "$status" -eq 2 ]
    [[ $output == *"XL is none of S1, S32, S128, M, L"* ]]
}
