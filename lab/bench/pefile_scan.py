"""Reads the Characteristics of the images that a list names, with pefile's fast_load."""
import sys

import pefile

with open(sys.argv[1]) as images:
    for path in images.read().splitlines():
        with pefile.PE(path, fast_load=True) as image:
            print(path, image.FILE_HEADER.Characteristics)
