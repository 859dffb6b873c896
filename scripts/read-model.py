#!/usr/bin/env python3
"""Prints the class of each image: scripts/read-model.py MODEL.safetensors IMAGES.gz (relu layers, scale "unit")."""
import gzip, json, struct, sys
import numpy as np

with open(sys.argv[1], "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    data = file.read()
del header["__metadata__"]
tensor = {k: np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]) for k, t in header.items()}
rows = np.frombuffer(gzip.open(sys.argv[2]).read(), np.uint8, offset=16).reshape(-1, tensor["0.weight"].shape[1])
x = rows / np.float32(255)
for i in range(0, len(tensor), 2):
    x = (np.maximum(x, 0) if i else x) @ tensor[f"{i}.weight"].T + tensor[f"{i}.bias"]
print(*x.argmax(axis=1), sep="\n")
