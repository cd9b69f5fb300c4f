"""Reads the Windows images in a tree with an independent reader. Prints one JSON object per line.

Reports every file that begins with MZ, sorted by path. Omits the keys that a reader does not
report. If a file is not an image according to the reader, the object has only the keys `path` and
`error`.
"""

import argparse
import functools
import json
import multiprocessing
import os
import re
import struct
import subprocess
import sys

# Entries of the optional header's data directories (PE format, "Optional Header Data Directories").
IMPORTS, RESOURCES, CERTIFICATES, DELAY_IMPORTS, COM_DESCRIPTOR = 1, 2, 4, 13, 14

# netswap shortens longer names.
MAX_NAME_LENGTH = 200

# COMIMAGE_FLAGS_STRONGNAMESIGNED (ECMA-335, II.25.3.3.1).
STRONG_NAME_SIGNED = 8


class NotAnImage(Exception):
    """The file is not a PE image according to the reader. Contains the reason."""


def strong_name(header):
    """Returns the state of an assembly's strong name, from the bytes of its COR20 header."""
    if len(header) < 40:
        return None
    (flags,) = struct.unpack_from("<I", header, 16)
    (size,) = struct.unpack_from("<I", header, 36)
    if size == 0:
        return "none"
    return "signed" if flags & STRONG_NAME_SIGNED else "delay-signed"


def certificate_table(offset, size):
    return {"offset": offset, "size": size}


def text(name):
    """Returns a DLL's name. Decodes invalid UTF-8 like Rust's lossy conversion."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def name_of_maker(name):
    """Returns a name as netswap reports it."""
    return text(name).strip()[:MAX_NAME_LENGTH] or None if name else None


def common_name(subject):
    """Returns the common name of a subject, or else its organization: `C=DE, O=Contoso, CN=…`."""
    for key in ("CN", "O"):
        found = re.search(rf"(?:^|, ){key}=((?:[^,\\]|\\.)*)", subject)
        if found:
            return re.sub(r"\\(.)", r"\1", found[1])
    return subject


def version_strings(pe):
    """Returns the strings of the first table in the version resource that pefile has read."""
    for resource in getattr(pe, "FileInfo", []):
        for entry in resource:
            for table in getattr(entry, "StringTable", []):
                return table.entries
    return {}


def with_pefile(path, _):
    import pefile

    # The limit for all DLLs together. With its default of 8192, pefile omits DLLs.
    pefile.MAX_IMPORT_SYMBOLS = 1 << 20
    try:
        pe = pefile.PE(path, fast_load=True)
    except pefile.PEFormatError as error:
        raise NotAnImage(str(error)) from error
    with pe:
        pe.parse_data_directories(directories=[IMPORTS, RESOURCES, DELAY_IMPORTS])
        strings = version_strings(pe)
        entries = pe.OPTIONAL_HEADER.DATA_DIRECTORY
        directories = [(entry.VirtualAddress, entry.Size) for entry in entries]
        directories += [(0, 0)] * (16 - len(directories))
        address, size = directories[COM_DESCRIPTOR]
        managed = address != 0 and size != 0
        return {
            "machine": pe.FILE_HEADER.Machine,
            "characteristics": pe.FILE_HEADER.Characteristics,
            "subsystem": pe.OPTIONAL_HEADER.Subsystem,
            "dll_characteristics": pe.OPTIONAL_HEADER.DllCharacteristics,
            "sections": [text(section.Name.rstrip(b"\0")) for section in pe.sections],
            "size_of_image": pe.OPTIONAL_HEADER.SizeOfImage,
            "checksum": pe.OPTIONAL_HEADER.CheckSum,
            "computed_checksum": pe.generate_checksum(),
            "certificate_table": certificate_table(*directories[CERTIFICATES]),
            "managed": managed,
            "strong_name": strong_name(pe.get_data(address, 72)) if managed else None,
            "imports": [text(entry.dll) for entry in getattr(pe, "DIRECTORY_ENTRY_IMPORT", [])],
            "delay_imports": [
                text(entry.dll) for entry in getattr(pe, "DIRECTORY_ENTRY_DELAY_IMPORT", [])
            ],
            "vendor": name_of_maker(strings.get(b"CompanyName")),
            "product": name_of_maker(strings.get(b"ProductName")),
        }


def with_lief(path, _):
    import lief

    lief.logging.disable()
    config = lief.PE.ParserConfig()
    config.parse_exports = config.parse_reloc = config.parse_rsrc = False
    config.parse_imports = config.parse_signature = True
    pe = lief.PE.parse(path, config)
    if pe is None:
        raise NotAnImage("lief can't read it")
    header, optional = pe.header, pe.optional_header
    descriptor = pe.data_directory(lief.PE.DataDirectory.TYPES.CLR_RUNTIME_HEADER)
    managed = descriptor is not None and descriptor.rva != 0 and descriptor.size != 0
    name = None
    if managed:
        address = optional.imagebase + descriptor.rva
        name = strong_name(bytes(pe.get_content_from_virtual_address(address, 72)))
    certificates = pe.data_directory(lief.PE.DataDirectory.TYPES.CERTIFICATE_TABLE)
    entry = (certificates.rva, certificates.size) if certificates else (0, 0)
    signers = [signer for signature in pe.signatures for signer in signature.signers]
    certificate = signers[0].cert if signers else None
    return {
        "machine": int(header.machine),
        "characteristics": header.characteristics,
        "subsystem": int(optional.subsystem),
        "dll_characteristics": optional.dll_characteristics,
        "sections": [text(section.name) for section in pe.sections],
        "size_of_image": optional.sizeof_image,
        "checksum": optional.checksum,
        "computed_checksum": pe.compute_checksum(),
        "certificate_table": certificate_table(*entry),
        "managed": managed,
        "strong_name": name,
        "imports": [text(entry.name) for entry in pe.imports],
        "delay_imports": [text(entry.name) for entry in pe.delay_imports],
        "signer": name_of_maker(common_name(text(certificate.subject))) if certificate else None,
    }


def with_llvm_readobj(path, program):
    run = subprocess.run(
        [program, "--file-headers", "--coff-imports", path], capture_output=True, check=False
    )
    output = run.stdout.decode("utf-8", "replace")

    def number(pattern):
        # The first match, because the Characteristics of the file header precede DLLCharacteristics.
        found = re.search(rf"^\s*{pattern}", output, re.MULTILINE)
        return int(found[1], 0) if found else None

    def directory(name):
        return number(rf"{name}RVA: (\w+)") or 0, number(rf"{name}Size: (\w+)") or 0

    def names(block):
        return re.findall(rf"^{block} {{\n  Name: (.*)$", output, re.MULTILINE)

    # llvm-readobj may fail later, in a table. The output until then is used.
    if number(r"SizeOfImage: (\d+)") is None:
        raise NotAnImage(run.stderr.decode("utf-8", "replace").strip() or "no optional header")
    return {
        "machine": number(r"Machine: \w+ \((\w+)\)"),
        "characteristics": number(r"Characteristics \[ \((\w+)\)"),
        "subsystem": number(r"Subsystem: \w+ \((\w+)\)"),
        "dll_characteristics": number(r"DLLCharacteristics \[ \((\w+)\)"),
        "size_of_image": number(r"SizeOfImage: (\d+)"),
        "certificate_table": certificate_table(*directory("CertificateTable")),
        "managed": all(directory("CLRRuntimeHeader")),
        "imports": names("Import"),
        "delay_imports": names("DelayImport"),
    }


READERS = {"pefile": with_pefile, "lief": with_lief, "llvm-readobj": with_llvm_readobj}


def images(root, folders):
    """Returns the paths of the files that begin with MZ, relative to the root and sorted."""
    found = []
    for folder in folders or ["."]:
        for where, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as file:
                    if file.read(2) == b"MZ":
                        found.append(os.path.relpath(path, root).replace(os.sep, "/"))
    return sorted(found)


def row(path, arguments):
    """Returns the object for one file."""
    file = os.path.join(arguments.root, path)
    try:
        fields = READERS[arguments.reader](file, arguments.llvm_readobj)
    except NotAnImage as error:
        fields = {"error": str(error)}
    except Exception as error:  # A reader's bug is reported, and the other files are still read.
        fields = {"error": f"{type(error).__name__}: {error}"}
    return {"path": path, "file_size": os.path.getsize(file), **fields}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="the folder that the paths are relative to")
    parser.add_argument("folders", nargs="*", help="folders below the root (default: all)")
    parser.add_argument("--with", dest="reader", choices=READERS, default="pefile")
    parser.add_argument("--llvm-readobj", default="llvm-readobj", help="the path of that program")
    arguments = parser.parse_args()
    paths = images(arguments.root, arguments.folders)
    with multiprocessing.Pool() as pool:
        work = functools.partial(row, arguments=arguments)
        for answer in pool.imap(work, paths, chunksize=4):
            json.dump(answer, sys.stdout)
            print()


if __name__ == "__main__":
    main()
