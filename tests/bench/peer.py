"""What the peers' scripts share: their options, MNIST's files read with numpy, and their report."""
import argparse
import gzip
import json
import os
import time

START = time.perf_counter()
CLASSES = 10


def options(description):
    """The command line; also tells the libraries how many threads to use, so call it before they are imported."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="folder of the IDX files")
    parser.add_argument("--hidden", required=True, help="widths of the hidden layers: 512,256")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--momentum", type=float, default=0)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--samples", type=int, help="an epoch is only that many samples")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="of products, where the library has it")
    chosen = parser.parse_args()
    chosen.hidden = [int(width) for width in chosen.hidden.split(",")]
    for library in ("OMP", "MKL", "OPENBLAS", "BLIS"):
        os.environ[library + "_NUM_THREADS"] = str(chosen.threads)
    return chosen


def read_idx(path):
    import numpy

    with gzip.open(path, "rb") as file:
        data = file.read()
    axes = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * axes).reshape(shape)


def load(folder):
    """Training images (rows of floats from 0 to 1) and labels, test images and labels."""
    import numpy

    def images(part):
        raw = read_idx(os.path.join(folder, part + "-images-idx3-ubyte.gz"))
        return raw.reshape(len(raw), -1).astype(numpy.float32) * numpy.float32(1 / 255)

    def labels(part):
        return read_idx(os.path.join(folder, part + "-labels-idx1-ubyte.gz")).astype(numpy.int64)

    return images("train"), labels("train"), images("t10k"), labels("t10k")


def timed(epoch, epochs):
    """Seconds of each of the epochs; epoch is a function."""
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    return seconds


def report(seconds, accuracy):
    print(json.dumps({"epoch_seconds": seconds, "accuracy": accuracy, "total": time.perf_counter() - START}))
