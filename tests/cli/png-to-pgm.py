#!/usr/bin/env python3
"""png-to-pgm.py FILE: the pixels of a greyscale PNG as a binary PGM on standard output. Everything that the format
(ISO/IEC 15948) says of such a file is checked: signature, chunks and their CRCs, header, length of the data."""
import struct
import sys
import zlib

data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n", "signature"
at, chunks = 8, []
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    body, crc = data[at + 8:at + 8 + length], data[at + 8 + length:at + 12 + length]
    assert len(body) == length and struct.unpack(">I", crc)[0] == zlib.crc32(kind + body), "chunk %s" % kind
    chunks.append((kind, body))
    at += 12 + length
assert chunks[0][0] == b"IHDR" and chunks[-1] == (b"IEND", b""), "first and last chunk"
width, height, bits, colour, packing, filters, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
assert (bits, colour, packing, filters, interlace) == (8, 0, 0, 0, 0), "8 bits of grey"
lines = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
assert len(lines) == (width + 1) * height, "length of the data"
rows = [lines[y * (width + 1):(y + 1) * (width + 1)] for y in range(height)]
assert all(row[0] == 0 for row in rows), "lines without filter"
sys.stdout.buffer.write(b"P5\n%d %d\n255\n" % (width, height) + b"".join(row[1:] for row in rows))
