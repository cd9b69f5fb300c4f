"""Reads crash dumps with skelsec's minidump. Prints one JSON object per line for each path.

`time` is when the dump was written, in seconds since 1970. `code` and `parameters` are those of the exception, or null.
Each module has a name, an address range, a time stamp and Characteristics. pefile reads the Characteristics if the dump
contains the module's header; otherwise they are null.
"""

import json
import logging
import struct
import sys

import pefile
from minidump.constants import MINIDUMP_STREAM_TYPE
from minidump.minidumpfile import MinidumpFile

# Wine's dbghelp writes a stream of an unknown type. Without this, the reader fails there.
MINIDUMP_STREAM_TYPE._missing_ = classmethod(lambda types, value: types.UnusedStream)
# The reader warns that a small dump does not contain the process environment block.
logging.disable()

HEADERS = 4096


def characteristics(dump, module):
    segments = dump.memory_segments_64 or dump.memory_segments
    for segment in segments.memory_segments:
        if segment.start_virtual_address <= module.baseaddress < segment.end_virtual_address:
            header = dump.get_reader().read(module.baseaddress, HEADERS)
            return pefile.PE(data=header, fast_load=True).FILE_HEADER.Characteristics
    return None


def time(path):
    # The reader takes the flags in the dump's header for TimeDateStamp.
    with open(path, "rb") as dump:
        dump.seek(20)
        return struct.unpack("<I", dump.read(4))[0]


def read(path):
    dump = MinidumpFile.parse(path)
    exception = dump.exception and dump.exception.exception_records[0].ExceptionRecord
    return {
        "time": time(path),
        "code": exception and exception.ExceptionCode_raw,
        "parameters": exception
        and exception.ExceptionInformation[: exception.NumberParameters],
        "modules": [
            {
                "name": module.name,
                "base": module.baseaddress,
                "size": module.size,
                "time_stamp": module.timestamp,
                "characteristics": characteristics(dump, module),
            }
            for module in dump.modules.modules
        ],
    }


for path in sys.argv[1:]:
    print(json.dumps(read(path)))
