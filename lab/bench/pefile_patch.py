"""Toggles IMAGE_FILE_NET_RUN_FROM_SWAP of an image with pefile, and updates the checksum."""
import sys

import pefile

path = sys.argv[1]
with pefile.PE(path, fast_load=True) as image:
    image.FILE_HEADER.Characteristics ^= 0x0800
    image.OPTIONAL_HEADER.CheckSum = image.generate_checksum()
    image.write(path)
