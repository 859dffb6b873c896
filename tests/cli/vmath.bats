@test "exp, log, tanh, erf and their kin keep their error bounds and bits on every instruction set (every 1009th float)" {
    program=$(make --no-print-directory -s -j2 exhaustive-program | tail -n 1)
    "$program" 1009
}
