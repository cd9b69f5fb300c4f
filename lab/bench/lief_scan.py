"""Reads the Characteristics of the images that a list names, with lief."""
import sys

import lief

with open(sys.argv[1]) as images:
    for path in images.read().splitlines():
        print(path, lief.PE.parse(path).header.characteristics)
