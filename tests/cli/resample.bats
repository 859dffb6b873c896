#!/usr/bin/env bats
# Shifted sets of known truth through the command line: what is in the files, by counting, and what is refused.

load support

setup_file() { make_box; }
setup() { enter; }

resample() { "$DLTRAIN" resample --config "$config" "$@"; }
# The rows of files without their headers: an image a line, a label or weight a line.
images() { tail -c +17 "$1" | od -An -v -tx1 -w784; }
labels() { tail -c +9 "$1" | od -An -v -tu1 -w1 | tr -d ' '; }
# f32, the most significant byte first, by its bits: awk knows no floats
floats() {
    tail -c +9 "$1" | od -An -v -tu1 -w4 | awk '{
        e = ($1 % 128) * 2 + int($2 / 128); m = ($2 % 128) * 65536 + $3 * 256 + $4
        print e == 0 ? m * 2 ^ -149 : (1 + m / 8388608) * 2 ^ (e - 127) }'
}
# field FILE KEY: the numbers of a key of truth.json on one line
field() { sed -n "s/^ *\"$2\": \[*\([^]]*\)\]*,*\$/\1/p" "$1" | tr -d ','; }
sums() { cksum "$@" | cut -d ' ' -f 1,2; }

@test "rows are real rows with their labels, and as many as are asked for" {
    resample --part test --priors 0,0,0.5,0,0,0,0,0.25,0.25,0 --samples 120 --out set >report
    grep -q '^set: priors, seed 1; 120 rows, with replacement, of the 50 of the test part$' report
    paste -d ' ' <(labels "$box/data/t10k-labels-idx1-ubyte") <(images "$box/data/t10k-images-idx3-ubyte") | sort -u >real
    paste -d ' ' <(labels set/labels.idx) <(images set/images.idx) >drawn
    [ "$(wc -l <drawn)" -eq 120 ]
    [ -z "$(sort -u drawn | comm -23 - real)" ]
    [ "$(cut -d ' ' -f 1 drawn | sort -u | tr '\n' ' ')" = "2 7 8 " ]
    # What truth.json says of classes is what is in the file.
    [ "$(field set/truth.json counts)" = "$(labels set/labels.idx | awk '{ n[$1]++ } END { for (c = 0; c < 10; c++) printf "%d%s", n[c], c < 9 ? " " : "\n" }')" ]
    [ "$(field set/truth.json priors)" = "0 0 0.5 0 0 0 0 0.25 0.25 0" ]
}

@test "weights are the ratio of the shares, mean 1, both ways" {
    resample --tweak-one 3:0.7 --samples 400 --out set >report
    # Written rows: original share over share drawn from; rows of the part: the other way round.
    paste -d ' ' <(labels set/labels.idx) <(floats set/weights.idx) >set.w
    paste -d ' ' <(labels "$box/data/train-labels-idx1-ubyte") <(floats set/original-weights.idx) >part.w
    [ "$(wc -l <set.w)" -eq 400 ]
    [ "$(wc -l <part.w)" -eq 200 ]
    field set/truth.json original_priors >p
    field set/truth.json priors >q
    [ "$(cut -d ' ' -f 4 q)" = 0.7 ]
    for way in set part; do
        awk -v way=$way '
            FILENAME == "p" { split($0, p, " "); next }
            FILENAME == "q" { split($0, q, " "); next }
            { c = $1 + 1; r = way == "set" ? p[c] / q[c] : q[c] / p[c]
              sum += $2; square += $2 * $2
              if (FNR == 1) scale = $2 / r
              d = $2 / r / scale - 1; if (d < -1e-5 || d > 1e-5) bad = 1 }
            END { d = sum / FNR - 1; printf "%.1f\n", sum * sum / square; exit bad || d < -1e-5 || d > 1e-5 }' p q $way.w >$way.ess
    done
    grep -q "^weights  *ess $(cat set.ess) of 400" report
    grep -q "^original-weights  *ess $(cat part.ess) of 200" report
}

@test "knocked out is the rounded share of one class, and the others stay in their order" {
    images "$box/data/train-images-idx3-ubyte" >all
    labels "$box/data/train-labels-idx1-ubyte" >of
    fives=$(grep -cx 5 of)
    resample --knock-out 5:0.9 --out set >/dev/null
    left=$((fives - (9 * fives + 5) / 10))
    [ "$(labels set/labels.idx | grep -cx 5)" -eq "$left" ]
    paste -d ' ' of all | grep -v '^5 ' | cmp - <(paste -d ' ' <(labels set/labels.idx) <(images set/images.idx) | grep -v '^5 ')
    # Half of that, all of the class, and none.
    resample --knock-out 5:0.9 --samples 40 --out set --force >/dev/null
    [ "$(labels set/labels.idx | wc -l)" -eq 40 ]
    resample --knock-out 5:1 --out set --force >/dev/null
    [ "$(labels set/labels.idx | grep -cx 5)" -eq 0 ]
    resample --knock-out 5:0 --out set --force >/dev/null
    cmp set/images.idx "$box/data/train-images-idx3-ubyte"
    cmp set/labels.idx "$box/data/train-labels-idx1-ubyte"
}

@test "selection by ink: weights are one over the probability" {
    resample --select ink:0.3,1.2 --out set >/dev/null
    images set/images.idx >kept
    # ink of every row of the part, standardised; 1/weight is proportional to the probability.
    tail -c +17 "$box/data/train-images-idx3-ubyte" | od -An -v -tu1 -w784 |
        awk '{ s = 0; for (i = 1; i <= NF; i++) s += $i; print s }' |
        awk '{ x[NR] = $1; m += $1 } END { m /= NR; for (i = 1; i <= NR; i++) v += (x[i] - m) ^ 2
               for (i = 1; i <= NR; i++) print 1 / (1 + exp(-(0.3 + 1.2 * (x[i] - m) / sqrt(v / NR)))) }' >p
    floats set/original-weights.idx | paste -d ' ' p - |
        awk '{ if (NR == 1) scale = $2 / $1; d = $2 / $1 / scale - 1; if (d < -2e-5 || d > 2e-5) exit 1; p += $1 }
             END { printf "%.6f\n", p / NR }' >mean
    field set/truth.json kept | paste -d ' ' mean - | awk '{ d = $1 - $2; exit d < -1e-5 || d > 1e-5 }'
    # The rows that stay, in their order, each with the inverse of its probability.
    images "$box/data/train-images-idx3-ubyte" | paste -d ' ' p - |
        awk 'NR == FNR { kept[NR] = $0; n = NR; next } { p = $1; sub(/^[^ ]* /, ""); if ($0 == kept[at + 1]) { at++; print p } }
             END { exit at != n }' kept - >chosen
    paste -d ' ' chosen <(floats set/weights.idx) |
        awk '{ if (NR == 1) scale = $1 * $2; d = $1 * $2 / scale - 1; if (d < -2e-5 || d > 2e-5) exit 1 }'
    [ ! -e set/original-images.idx ]
}

@test "brightness and rotation change images, and the changed part is beside the set" {
    for what in brightness rotation; do
        resample --select $what:0,3 --out $what >/dev/null
        images $what/original-images.idx | sort >all
        [ "$(wc -l <all)" -eq 200 ]
        cmp $what/original-labels.idx "$box/data/train-labels-idx1-ubyte"
        [ -z "$(images $what/images.idx | sort | comm -23 - all)" ]
        run cmp $what/original-images.idx "$box/data/train-images-idx3-ubyte"
        [ "$status" -eq 1 ]
    done
    # A selection for light images is lighter than the part.
    ink() { tail -c +17 "$1" | od -An -v -tu1 -w784 | awk '{ for (i = 1; i <= NF; i++) s += $i } END { print int(s / NR) }'; }
    [ "$(ink brightness/images.idx)" -gt "$(ink brightness/original-images.idx)" ]
    # Nothing moves by a range of next to nothing.
    resample --select rotation:0,3 --range 1e-9 --out still >/dev/null
    cmp still/original-images.idx "$box/data/train-images-idx3-ubyte"
}

@test "windows: rows of their own, labels that change places, images that turn" {
    resample --windows 4 --swap 3:5 --out swapped >report
    grep -q '^labels 3 and 5 change places from window 3 on$' report
    for t in 01 02 03 04; do paste -d ' ' <(labels "swapped/window-$t-labels.idx") <(images "swapped/window-$t-images.idx"); done >rows
    paste -d ' ' <(labels "$box/data/train-labels-idx1-ubyte") <(images "$box/data/train-images-idx3-ubyte") | sort >real
    cmp <(tr -s ' ' <real | sort) <(awk 'NR > 100 { if ($1 == 3) $1 = 5; else if ($1 == 5) $1 = 3 } { $1 = $1; print }' rows | sort)
    # By 180 degrees a window, the second one is on its head and the third as it was.
    resample --windows 3 --samples 60 --out still >report
    grep -q '^no drift$' report
    resample --windows 3 --samples 60 --rotate 180 --out turned >/dev/null
    cmp still/window-01-images.idx turned/window-01-images.idx
    cmp <(tail -c +17 still/window-02-images.idx | od -An -v -tu1 -w784 | awk '{ for (i = NF; i > 0; i--) printf " %d", $i; print "" }') \
        <(tail -c +17 turned/window-02-images.idx | od -An -v -tu1 -w784 | awk '{ for (i = 1; i <= NF; i++) printf " %d", $i; print "" }')
    cmp still/window-03-images.idx turned/window-03-images.idx
    for t in 1 2 3; do cmp "still/window-0$t-labels.idx" "turned/window-0$t-labels.idx"; done
    # From the third on; more rows than there are.
    resample --windows 3 --samples 300 --rotate 20 --at 3 --out late >report
    grep -q 'windows of 300 rows, with replacement' report
    [ "$(field late/truth.json degrees | tr '\n' ' ')" = "0 0 20 " ]
}

@test "a seed, whatever the threads and instruction set, gives the same bytes, and another one others" {
    resample --select rotation:0,2 --out one --threads 1 --isa scalar >/dev/null
    resample --select rotation:0,2 --out two --threads 2 >/dev/null
    diff -r one two
    resample --select rotation:0,2 --out three --seed 2 >/dev/null
    [ "$(sums one/images.idx)" != "$(sums three/images.idx)" ]
    # The shares of a seed are those of every part.
    resample --dirichlet 0.5 --out train >/dev/null
    resample --dirichlet 0.5 --part test --out test >/dev/null
    [ "$(field train/truth.json priors)" = "$(field test/truth.json priors)" ]
    resample --dirichlet 0.5 --seed 9 --out other >/dev/null
    [ "$(field train/truth.json priors)" != "$(field other/truth.json priors)" ]
}

@test "what is written can be trained on, and --json is truth.json" {
    resample --tweak-one 1:0.5 --out set --json >told
    cmp told set/truth.json
    "$DLTRAIN" --config "$config" --quiet --out run --set "data.train.images=$PWD/set/images.idx" \
        --set "data.train.labels=$PWD/set/labels.idx" --set "data.train.weights=$PWD/set/weights.idx" >/dev/null
    "$DLTRAIN" --config "$config" --quiet --out run2 --set "data.train.weights=$PWD/set/original-weights.idx" >/dev/null
}

@test "files that are there stay, unless they may go" {
    resample --samples 10 --out set >/dev/null
    before=$(sums set/*)
    fails 6 'set/truth.json: exists: --force replaces it' resample --samples 20 --out set
    rm set/truth.json
    fails 6 'set/images.idx: exists' resample --samples 20 --out set
    [ "$(sums set/images.idx)" = "$(echo "$before" | sed -n 1p)" ]
    resample --samples 20 --out set --force >/dev/null
    [ "$(labels set/labels.idx | wc -l)" -eq 20 ]
    cp -R "$box/data" .
    mv data/train-images-idx3-ubyte data/images.idx
    fails 2 'data/images.idx is a file of data that resample reads' \
        "$DLTRAIN" resample --config "$config" --set "data.root=$PWD/data" --set data.train.images=images.idx --samples 3 --out data --force
}

@test "what cannot be made is named" {
    fails 2 'resample needs --out DIR' resample --samples 3
    fails 2 'resample needs --config' "$DLTRAIN" resample --samples 3 --out x
    fails 2 'resample needs one of --priors' resample --out x
    fails 2 '--priors does not go with --dirichlet' resample --out x --priors 1 --dirichlet 1
    fails 2 '--select does not go with --windows' resample --out x --windows 2 --select ink:0,1
    fails 2 'option --priors: expected 10 numbers, one a class, got 2' resample --out x --priors 0.5,0.5
    fails 2 'option --priors: must sum to 1, got a sum of 0.9' resample --out x --priors .1,.1,.1,.1,.1,.1,.1,.1,.1,0
    for list in '' , .5,,.5 .5,-.5,1 .5,x 1.5,-.5 '0.5 0.5' nan inf; do
        run --separate-stderr resample --out x --priors="$list"
        [ "$status" -eq 2 ]
        [[ $stderr == *'option --priors: must'* ]]
    done
    fails 2 'option --dirichlet: must be a number above 0, got "0"' resample --out x --dirichlet 0
    for value in 5 5: :.5 5:1.5 5:-1 x:.5 5:.5x -1:.5; do
        fails 2 'option --tweak-one: must be CLASS:SHARE' resample --out x --tweak-one="$value"
        fails 2 'option --knock-out: must be CLASS:SHARE' resample --out x --knock-out="$value"
    done
    fails 2 'option --tweak-one: the class must be below the number of classes, 10, got 10' resample --out x --tweak-one 10:.5
    fails 2 'option --knock-out: the class must be below' resample --out x --knock-out 11:.5
    for value in ink ink: ink:1 ink:1, ink:1,2,3 colour:1,2 ink:a,b :1,2; do
        fails 2 'option --select: must be ink:A,B' resample --out x --select "$value"
    done
    fails 2 'option --select: leaves no row of the train part' resample --out x --select ink:-1e6,1
    fails 2 'option --samples: must be at most the rows that are left, 200, got 201' resample --out x --samples 201
    fails 2 'option --range: goes with' resample --out x --select ink:0,1 --range 1
    fails 2 'option --range: must be at most 1 for brightness, got 2' resample --out x --select brightness:0,1 --range 2
    fails 2 'option --swap: goes with --windows only' resample --out x --samples 3 --swap 1:2
    fails 2 'option --at: goes with --swap or --rotate only' resample --out x --windows 3 --at 2
    fails 2 'option --at: must be at most the number of windows, 3, got 4' resample --out x --windows 3 --rotate 5 --at 4
    fails 2 'option --swap: must be CLASS:CLASS' resample --out x --windows 3 --swap 1:1
    fails 2 'option --swap: the class must be below' resample --out x --windows 3 --swap 1:10
    fails 2 'option --rotate: must be a number of degrees' resample --out x --windows 3 --rotate 400
    fails 2 'option --windows: 201 are more than the part has rows, 200' resample --out x --windows 201
    fails 2 'option --part: must be one of train, validation, test' resample --out x --samples 3 --part trian
    fails 3 'data.validation: has no files' resample --out x --samples 3 --part validation
    fails 6 'x' resample --out /dev/null/x --samples 3
    # No labels that are classes.
    { printf '\0\0\015\002'; u32 200; u32 1; head -c 800 /dev/zero; } >targets
    fails 3 'data.train.labels: resample needs labels that are classes' \
        resample --out x --samples 3 --set loss.kind=mse --set "data.train.labels=$PWD/targets" --set data.test=null
    # Images without two dimensions are selected by ink and brightness, not turned.
    { u32 2050 && u32 200 && u32 784 && tail -c +17 "$box/data/train-images-idx3-ubyte"; } >flat
    flat=(--set "data.train.images=$PWD/flat")
    fails 3 'only images of two dimensions can be turned, these have 1' resample --out x --select rotation:0,1 "${flat[@]}"
    fails 3 'only images of two dimensions' resample --out x --windows 3 --rotate 5 "${flat[@]}"
    [ ! -e x ]
    resample --out flat.set --select brightness:0,1 "${flat[@]}" >/dev/null
    # A class that the part lacks.
    { u32 2049 && u32 200 && head -c 200 /dev/zero; } >zeros
    zeros=(--set "data.train.labels=$PWD/zeros" --set data.classes=10)
    fails 2 'option --priors: class 1 has no rows, so its share must be 0' resample --out x --priors .5,.5,0,0,0,0,0,0,0,0 "${zeros[@]}"
    fails 2 'option --knock-out: leaves no row' resample --out x --knock-out 0:1 "${zeros[@]}"
    fails 2 'option --knock-out: class 3 has no rows' resample --out x --knock-out 3:.5 "${zeros[@]}"
    fails 2 'option --tweak-one: there is no class beside 0' resample --out x --tweak-one 0:.5 "${zeros[@]}"
}
