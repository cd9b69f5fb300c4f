"""Turns IMAGE_FILE_NET_RUN_FROM_SWAP of an image on or off, and corrects its checksum, with pefile."""
import sys

import pefile

path = sys.argv[1]
with pefile.PE(path, fast_load=True) as image:
    image.FILE_HEADER.Characteristics ^= 0x0800
    image.OPTIONAL_HEADER.CheckSum = image.generate_checksum()
    image.write(path)
