"""What skelsec's minidump reads in crash dumps: one JSON object a line, for each path given.

`time` is when it was written, in seconds since 1970. `code` and `parameters` are of the exception, and null if there is
none. Of each module there are its name, its place, its time stamp and, if the dump holds its header, the
Characteristics in it, which pefile reads.
"""

import json
import logging
import struct
import sys

import pefile
from minidump.constants import MINIDUMP_STREAM_TYPE
from minidump.minidumpfile import MinidumpFile

# Wine's dbghelp writes a stream of its own, and the reader is to go on behind it.
MINIDUMP_STREAM_TYPE._missing_ = classmethod(lambda types, value: types.UnusedStream)
# It complains that a small dump does not hold the process environment block.
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
    # The reader's header has a field more, so that its TimeDateStamp is the flags.
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
