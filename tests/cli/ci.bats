# .ci/run around a make of straw, and the hook that stands before a commit.

setup() {
    box=$(mktemp -d)
    mkdir -p "$box/repo/.ci" "$box/bin"
    cp .ci/run "$box/repo/.ci/run"
    PATH=$box/bin:$PATH
    unset DLTRAIN_DATA
}

teardown() {
    rm -rf "$box"
}

# fake_make STATUS LINE...: prints the lines and DLTRAIN_DATA, ends with the status
fake_make() {
    status_of_make=$1
    shift
    { printf '#!/bin/sh\necho "arguments $*, data ${DLTRAIN_DATA:-none}"\n' && printf 'echo "%s"\n' "$@" && echo "exit $status_of_make"; } >"$box/bin/make"
    chmod +x "$box/bin/make"
}

last_line() { printf '%s\n' "${lines[${#lines[@]} - 1]}"; }

@test "ci runs make check and ends with its line" {
    fake_make 0 'a.bats: 3 passed' '12 passed, 0 failed, 2 skipped'
    run "$box/repo/.ci/run"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "arguments check, data none" ]
    [ "${#lines[@]}" -eq 3 ]
    [ "$(last_line)" = '12 passed, 0 failed, 2 skipped' ]
}

@test "ci: the line stays last when make has the last word, and the status is make's" {
    fake_make 2 '12 passed, 1 failed' 'make: *** [check] Error 1'
    run "$box/repo/.ci/run"
    [ "$status" -eq 2 ]
    [ "$(last_line)" = '12 passed, 1 failed' ]
}

@test "ci: no result is a failure" {
    fake_make 0 'nothing to be done'
    run "$box/repo/.ci/run"
    [ "$status" -ne 0 ]
    [ "$(last_line)" = '0 passed, 1 failed' ]
}

@test "ci: data sets beside the repository are found, and those of the environment go first" {
    fake_make 0 '1 passed, 0 failed'
    beside=$(sed -n 's/.*-d \(\.\.[^ ]*\) .*/\1/p' .ci/run)
    mkdir -p "$box/repo/$beside"
    run "$box/repo/.ci/run"
    [ "${lines[0]}" = "arguments check, data $(cd "$box/repo/$beside" && pwd)" ]
    DLTRAIN_DATA=/elsewhere run "$box/repo/.ci/run"
    [ "${lines[0]}" = "arguments check, data /elsewhere" ]
}

@test "the hook refuses trailing blanks, forbidden includes and unformatted code" {
    command -v git >/dev/null || skip "no git here"
    cp .clang-format "$box/repo"
    mkdir -p "$box/repo/src/base" "$box/repo/tests" "$box/repo/scripts/hooks"
    cp tests/layers "$box/repo/tests"
    cp scripts/hooks/pre-commit "$box/repo/scripts/hooks"
    cd "$box/repo"
    unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE
    git init -q .
    printf '#include "base/b.h"\n' >src/base/a.c
    git add src
    scripts/hooks/pre-commit
    printf 'int a; \n' >src/base/a.c
    git add src
    run scripts/hooks/pre-commit
    [ "$status" -eq 1 ]
    [[ $output == *"trailing whitespace"* ]]
    printf '#include "cli/b.h"\n' >src/base/a.c
    git add src
    run scripts/hooks/pre-commit
    [ "$status" -eq 1 ]
    [[ $output == *"src/base may not include cli/b.h"* ]]
    command -v clang-format >/dev/null || return 0
    printf 'int   a;\n' >src/base/a.c
    git add src
    printf 'int a;\n' >src/base/a.c
    run scripts/hooks/pre-commit
    [ "$status" -eq 1 ]
    [[ $output == *"src/base/a.c is not formatted"* ]]
}
