#!/usr/bin/env bats
# Instruction sets that have products in bfloat16 alone, and what keeps one from being used. The program is ./dltrain
# with AMX emulated where the processor lacks it, and with obstacles to order (tests/amx).

load support

setup_file() {
    [ "$(uname -m)" = x86_64 ] || skip 'x86-64 has them'
    make_box
    AMX=$PWD/$("${MAKE:-make}" --no-print-directory -s amx-program)
    export AMX
}
setup() { enter; }

# needs ISA: skips where the program has no such set
needs() {
    "$AMX" check --config "$config" --set precision=bf16 --isa "$1" >/dev/null 2>&1 || skip "no $1, nor what emulates it"
}

@test "the best set is chosen, and said" {
    needs amx
    "$AMX" --config "$config" --set precision=bf16 --out a -q >/dev/null 2>log
    [ ! -s log ]
    grep -q '"isa": "amx"' a/summary.json
    "$AMX" --config "$config" --set precision=f32 --out b -q >/dev/null
    run ! grep -q '"isa": "amx"' b/summary.json
}

@test "evaluation and prediction give what floats emulate" {
    needs amx
    "$AMX" --config "$config" --set precision=bf16 --out a --isa amx -q >/dev/null
    "$DLTRAIN" --config "$config" --set precision=bf16 --out b --isa scalar -q >/dev/null
    cmp a/model.safetensors b/model.safetensors
    "$AMX" predict --model a/model.safetensors --images "$box/data/t10k-images-idx3-ubyte" --isa amx >p
    "$DLTRAIN" predict --model a/model.safetensors --images "$box/data/t10k-images-idx3-ubyte" --isa scalar | cmp - p
}

@test "floats have no products of such a set" {
    for isa in amx avx512_bf16; do
        fails 2 "instruction set \"$isa\" is for precision bf16 alone; choose one of auto, scalar" \
            "$AMX" --config "$config" --isa $isa --out a
    done
    [ ! -e a ]
}

@test "without the permission of the operating system another set is taken, with a warning, for the same bits" {
    needs amx
    "$AMX" --config "$config" --set precision=bf16 --out a -q >/dev/null
    export OBSTACLE=refused
    "$AMX" --config "$config" --set precision=bf16 --out b >/dev/null 2>log
    grep -q "^dltrain: warning: the operating system does not let this process use the processor's AMX: products are made by avx512" log
    [ "$(grep -c warning log)" -eq 1 ]
    cmp a/model.safetensors b/model.safetensors
    warns() {
        "$AMX" "$@" >/dev/null 2>log
        grep -q 'warning: the operating system' log
    }
    warns check --config "$config" --set precision=bf16
    warns eval --model b/model.safetensors --data "$box/data"
    warns predict --model b/model.safetensors --images "$box/data/t10k-images-idx3-ubyte"
    fails 2 "instruction set \"amx\": the operating system does not let this process use the processor's AMX; choose" \
        "$AMX" eval --model b/model.safetensors --data "$box/data" --isa amx
    fails 2 'instruction set "amx" is for precision bf16 alone' \
        env -u OBSTACLE "$AMX" eval --model b/model.safetensors --data "$box/data" --isa amx --precision f32
    "$AMX" --config "$config" --set precision=bf16 --out c --isa avx2 >/dev/null 2>log
    run ! grep -q warning log
    fails 2 "instruction set \"amx\": the operating system does not let this process use the processor's AMX; choose" \
        "$AMX" --config "$config" --set precision=bf16 --out d --isa amx
}

@test "a processor that adds up in another order is found out" {
    needs avx512_bf16
    "$AMX" --config "$config" --set precision=bf16 --out a -q >/dev/null
    export OBSTACLE=order
    "$AMX" --config "$config" --set precision=bf16 --out b >/dev/null 2>log
    grep -q 'warning: [A-Z0-9]*PS of this processor adds up in another order, and is not used: products are made by avx512' log
    cmp a/model.safetensors b/model.safetensors
    fails 2 'adds up in another order, and is not used; choose one of auto, scalar, avx2' \
        "$AMX" --config "$config" --set precision=bf16 --out c --isa avx512_bf16
}
