#!/usr/bin/env python3
"""Makes data/tables: fruit to be told apart and flats whose rent is to be predicted, both invented.

The same files on every machine: random.Random is specified, and only +, -, *, / and rounding follow it.
"""
import csv
import os
import random

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "tables")

# name: mass in g, height and width in cm, firmness, sugar in degrees Brix, redness; mean and deviation of each
FRUIT = {
    "apple": [(170, 22), (7.2, 0.5), (7.6, 0.5), (7.6, 0.9), (13.0, 1.3), (0.62, 0.17)],
    "Williams pear": [(178, 24), (9.4, 0.8), (6.6, 0.5), (5.9, 1.0), (13.6, 1.4), (0.30, 0.11)],
    "orange": [(184, 23), (7.5, 0.5), (7.7, 0.5), (5.4, 0.8), (11.4, 1.1), (0.71, 0.07)],
    "lemon": [(118, 18), (8.1, 0.7), (5.8, 0.4), (6.1, 0.8), (7.4, 0.9), (0.55, 0.06)],
    "mandarin, seedless": [(92, 13), (5.1, 0.4), (6.3, 0.5), (4.0, 0.7), (11.8, 1.2), (0.70, 0.08)],
}
FRUIT_COLUMNS = ["sample", "mass", "height", "width", "firmness", "sugar", "redness", "fruit"]
FLAT_COLUMNS = ["area", "rooms", "floor", "age", "distance", "balcony", "rent"]


def bell(draw):
    """About normal, mean 0 and deviation 1: the sum of twelve uniform draws (no libm)."""
    return sum(draw.random() for _ in range(12)) - 6


def fruit(draw, count):
    names = sorted(FRUIT)
    for i in range(count):
        name = names[int(draw.random() * len(names))]
        size = 1 + 0.1 * bell(draw)  # what large fruit have in common
        values = [mean * (size if k < 3 else 1) + deviation * bell(draw) for k, (mean, deviation) in
                  enumerate(FRUIT[name])]
        yield ["F%04d" % (i + 1)] + ["%.*f" % (2 if k == 5 else 1, v) for k, v in enumerate(values)] + [name]


def flats(draw, count):
    for _ in range(count):
        area = 25 + 95 * draw.random() * draw.random() + 20 * draw.random()
        rooms = max(1, min(6, round(area / 24 + 0.6 * bell(draw))))
        floor, age = int(draw.random() * 8), int(90 * draw.random())
        distance, balcony = 12 * draw.random(), int(draw.random() < 0.45)
        rent = 9.5 * area + 45 * rooms + 6 * floor + 55 * balcony
        rent *= 1.35 - 0.11 * distance + 0.0052 * distance * distance
        rent *= 1 - 0.0065 * age + 0.00007 * age * age
        yield ["%.1f" % area, rooms, floor, age, "%.2f" % distance, balcony, "%.0f" % (rent + 22 * bell(draw))]


def write(name, columns, rows, **form):
    with open(os.path.join(FOLDER, name), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n", **form)
        writer.writerow(columns)
        writer.writerows(rows)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    write("fruit-train.csv", FRUIT_COLUMNS, fruit(random.Random(1), 800))
    write("fruit-test.csv", FRUIT_COLUMNS, fruit(random.Random(2), 300))
    write("rent-train.tsv", FLAT_COLUMNS, flats(random.Random(3), 900), delimiter="\t")
    write("rent-test.tsv", FLAT_COLUMNS, flats(random.Random(4), 300), delimiter="\t")


if __name__ == "__main__":
    main()
