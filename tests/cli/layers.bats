@test "rooms include only what the table of src/README.md allows" {
    tests/layers
}

@test "only the command line prints or exits" {
    run grep -nE '\b(printf|puts|fputs|exit|abort)\(|\bfprintf\(' src/base/*.[ch] src/kernel/* src/store/*.[ch] src/autodiff/*.[ch] \
        src/model/*.[ch] src/optim/*.[ch] src/data/*.[ch] src/fit/*.[ch] src/config/*.[ch] src/run/*.[ch]
    [ "$status" -eq 1 ]
}

@test "every header compiles alone" {
    for header in src/*/*.h; do
        case $header in src/kernel/simd.h) continue ;; esac # takes its width from the including file
        ${CC:-cc} -std=c17 -D_GNU_SOURCE -Isrc -fsyntax-only -x c "$header"
    done
}
