"""What the tables of distribution shift have in common: arguments, the program, files, medians, verdicts.

Needs nothing but Python. The program is $DLTRAIN or ./dltrain, the data $DLTRAIN_DATA/mnist or data/mnist."""

import argparse
import array
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = {
    "train": {"images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz"},
    "test": {"images": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz"},
}

median = statistics.median


def arguments(description, draws):
    """The parser with what every table takes; the caller adds its own."""
    data = os.environ.get("DLTRAIN_DATA")
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--dltrain", default=os.environ.get("DLTRAIN", str(ROOT / "dltrain")), help="the program")
    parser.add_argument(
        "--data", default=os.path.join(data, "mnist") if data else str(ROOT / "data/mnist"), help="folder of MNIST"
    )
    parser.add_argument("--draws", type=int, default=draws, help="seeds, from 1 on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs side by side, a thread each")
    parser.add_argument("--work", help="keep the files of the runs in this folder")
    return parser


class Study:
    """Runs the program in a folder of its own."""

    def __init__(self, options):
        self.options = options
        self.temporary = None if options.work else tempfile.TemporaryDirectory(prefix="dltrain-study-")
        self.folder = pathlib.Path(options.work or self.temporary.name).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.failed = []

    def mnist(self):
        return {"root": str(pathlib.Path(self.options.data).resolve()), **FILES}

    def config(self, name, tree):
        path = self.folder / (name + ".json")
        path.write_text(json.dumps(tree))
        return path

    def run(self, *words):
        """The program's output; its failure ends the study."""
        done = subprocess.run(
            [self.options.dltrain, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{done.stderr}")
        return done.stdout

    def resample(self, config, out, *words):
        """A shifted set in a folder of the study; what is true of it."""
        text = self.run("resample", "--config", config, "--out", out, "--force", "--threads", 1, "--json", *words)
        return json.loads(text)

    def train(self, config, out):
        """The summary of a run."""
        text = self.run("train", "--config", config, "--out", out, "--force", "--quiet", "--threads", 1, "--json")
        return json.loads(text)

    def each(self, function, items):
        """function of every item, as many at a time as there are jobs; in the order of the items."""
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            return list(pool.map(function, items))

    def verdict(self, holds, sentence):
        """A line that says whether a target holds."""
        print(f"  {'holds ' if holds else 'FAILS '} {sentence}")
        if not holds:
            self.failed.append(sentence)

    def close(self):
        """The exit status: 1 where a target does not hold."""
        if self.temporary:
            self.temporary.cleanup()
        return 1 if self.failed else 0


def pair(folder, prefix=""):
    return {"images": str(folder / (prefix + "images.idx")), "labels": str(folder / (prefix + "labels.idx"))}


def floats(path):
    """The numbers of an IDX file of f32 of one dimension."""
    with open(path, "rb") as file:
        head = file.read(8)
        numbers = array.array("f", file.read())
    if head[:4] != b"\0\0\x0d\x01" or len(numbers) != int.from_bytes(head[4:], "big"):
        raise SystemExit(f"{path}: expected IDX of f32 of one dimension")
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def percent(share):
    return f"{100 * share:.2f}"
