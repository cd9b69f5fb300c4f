"""Uses skelsec's minidump to read the same parts of a dump as `netswap diagnose`: the exception, the modules, the kind of
memory at the address, and the Characteristics in each module's header."""

import struct
import sys

from minidump.minidumpfile import MinidumpFile

dump = MinidumpFile.parse(sys.argv[1])
record = dump.exception.exception_records[0].ExceptionRecord
print(f"{record.ExceptionCode_raw:x}", [f"{word:x}" for word in record.ExceptionInformation])
address = record.ExceptionInformation[1]
for region in dump.memory_info.infos if dump.memory_info else []:
    if region.BaseAddress <= address < region.BaseAddress + region.RegionSize:
        print(region.Type)
reader = dump.get_reader()
for module in dump.modules.modules:
    (e_lfanew,) = struct.unpack("<I", reader.read(module.baseaddress + 0x3C, 4))
    (characteristics,) = struct.unpack("<H", reader.read(module.baseaddress + e_lfanew + 22, 2))
    print(f"{module.baseaddress:x} {module.name} {characteristics:x}")
