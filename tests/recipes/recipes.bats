# What README promises of the configs for real MNIST, trained in whole: minutes, so `make recipes` runs it, not `make check`.

setup() {
    load ../cli/mnist
    find_mnist
}

@test "configs/mnist.json reaches 98 % on the official test set" {
    train mnist --expect 'test.accuracy >= 0.98'
}

@test "configs/fast.json reaches 98 % with each of five seeds" {
    for seed in 1 2 3 4 5; do
        train fast --seed $seed --expect 'test.accuracy >= 0.98'
    done
}

@test "configs/mnist-augment.json makes at most 0.75 % of errors" {
    train mnist-augment --expect 'test.accuracy >= 0.9925'
}

@test "configs/mnist-dropout.json makes at most 1.25 % of errors" {
    train mnist-dropout --expect 'test.accuracy >= 0.9875'
}

@test "configs/mnist-l1.json leaves less than half of the first layer's weights, at no loss" {
    train mnist-l1 --expect 'test.accuracy >= 0.9847' --expect 'layers.0.sparsity > 0.5'
}
