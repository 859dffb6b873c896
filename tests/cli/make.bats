# The build itself.

@test "a change of flags renews ./dltrain, and the same flags again change nothing" {
    make --no-print-directory -s dltrain
    run make --no-print-directory -n dltrain CFLAGS="-O2 -DSOMETHING_NEW"
    [[ $output == *-DSOMETHING_NEW*src/cli/main.c* ]]
    run make --no-print-directory -n dltrain
    [[ $output != *src/cli/main.c* ]]
}

@test "make says in one line what is missing and how to get it" {
    PKG_CONFIG_LIBDIR=/nowhere PKG_CONFIG_PATH= run make --no-print-directory dltrain
    [ "$status" -ne 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *zlib*cJSON*scripts/install-deps* ]]
}

@test "make says that objcopy is missing and which package has it" {
    run make --no-print-directory dltrain OBJCOPY=/nowhere/objcopy
    [ "$status" -ne 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"missing: objcopy."*binutils* ]]
}

@test "the engine in double precision shows one name only" {
    double=$(dirname "$(make --no-print-directory -s REAL=double program)")
    run nm -g --defined-only "$double/gradcheck.o"
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *" T gradient_check_double" ]]
}

@test "make install puts the program under DESTDIR and PREFIX" {
    make --no-print-directory -s install DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/opt/x
    "$BATS_TEST_TMPDIR/opt/x/bin/dltrain" --version
}

@test "no start-up code that flushes subnormals is linked, whatever CFLAGS ask for" {
    run make --no-print-directory -n dltrain CFLAGS="-Ofast -DSOMETHING_NEW"
    link=$(printf '%s\n' "${lines[@]}" | grep -- "-DSOMETHING_NEW -pthread.* -o ")
    [ -n "$link" ]
    [[ $link != *-Ofast* ]]
}

@test "fast-math is refused" {
    run cc -std=c17 -ffast-math -Isrc -fsyntax-only -x c src/base/real.h
    [ "$status" -ne 0 ]
    [[ $output == *"cannot be built with fast-math"* ]]
}
