//! Reads the fields of an image's headers from their bytes alone, with the `object` crate.
//!
//! Source: [PE format](https://learn.microsoft.com/windows/win32/debug/pe-format), "COFF File
//! Header" and "Optional Header".

use object::LittleEndian as LE;
use object::pe;
use object::pod;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};

use super::SwapRun;
use crate::json::write_name;

/// An entry of the data directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Relative virtual address of the data. For the certificate table, its offset in the file.
    pub address: u32,
    /// Size of the data in bytes.
    pub size: u32,
}

impl Directory {
    /// Returns the end of data whose address is an offset in the file.
    pub(super) fn end(self) -> u64 {
        u64::from(self.address) + u64::from(self.size)
    }
}

/// The fields of an image's headers that a verdict or a report needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties of an image")]
pub struct Header {
    /// Machine: the processor that the image is for, an `IMAGE_FILE_MACHINE_*` value.
    pub machine: u16,
    /// `TimeDateStamp`: the time of the link, or the value that a reproducible build writes
    /// instead. Together with the size it distinguishes one build from another.
    pub time_stamp: u32,
    /// Characteristics: `IMAGE_FILE_*` flags, which include the run-from-swap bits.
    pub characteristics: u16,
    /// Subsystem: an `IMAGE_SUBSYSTEM_*` value.
    pub subsystem: u16,
    /// `SizeOfImage` in bytes: the commit memory that running the image from swap costs.
    pub size_of_image: u32,
    /// `CheckSum`. 0 means that the image has no checksum.
    pub checksum: u32,
    /// Whether the file contains a certificate table, as one with an Authenticode signature does.
    /// Headers alone only claim it.
    pub signed: bool,
    /// Whether the image imports functions of the kernel, as drivers do. Known only for images that
    /// were read from a file.
    pub is_kernel: bool,
    /// Whether the image is a .NET assembly.
    pub is_managed: bool,
    /// Whether the assembly has a strong name, a signature that covers the bits. Read only for an
    /// unsigned assembly without the network bit.
    pub has_strong_name: bool,
    /// The place of the certificate table, according to the headers. It may be outside the file.
    pub certificate_table: Option<Directory>,
    /// Whether the image is PE32+, with 64-bit addresses, and not PE32.
    pub is_pe32_plus: bool,
    /// Size of the headers in bytes, from the signature to the end of the section table.
    pub size: usize,
}

/// The kind of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A program.
    Exe,
    /// A library, plug-in or control that a program loads.
    Dll,
    /// A kernel-mode driver, or another part of the kernel.
    Driver,
    /// A program that runs before Windows does, such as its boot manager.
    Boot,
    /// A UEFI program or driver.
    Efi,
    /// A program for an Xbox.
    Xbox,
    /// A program for Windows CE.
    WindowsCe,
}

write_name!(Kind);

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 7] =
        [Kind::Exe, Kind::Dll, Kind::Driver, Kind::Boot, Kind::Efi, Kind::Xbox, Kind::WindowsCe];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Exe => "exe",
            Kind::Dll => "dll",
            Kind::Driver => "driver",
            Kind::Boot => "boot",
            Kind::Efi => "efi",
            Kind::Xbox => "xbox",
            Kind::WindowsCe => "windows-ce",
        }
    }

    /// Returns the kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the reason why the run-from-swap bits have no effect on images of this kind, or
    /// `None` if they have one.
    pub fn no_effect(self) -> Option<&'static str> {
        match self {
            Kind::Exe | Kind::Dll => None,
            // https://learn.microsoft.com/windows-hardware/drivers/kernel/making-drivers-pageable
            Kind::Driver => {
                Some("it is part of the kernel, which Windows never pages from a share")
            }
            Kind::Boot => Some("it runs before Windows, not from a share"),
            Kind::Efi => Some("UEFI loads it, not Windows"),
            Kind::Xbox => Some("an Xbox loads it, not Windows on a PC"),
            Kind::WindowsCe => Some("Windows CE loads it, which ignores these bits"),
        }
    }
}

/// The reason why headers that begin like an image's can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes end before the headers do.
    Truncated,
    /// The optional header is neither PE32 nor PE32+. The value is its magic number.
    Magic(u16),
}

impl Header {
    /// Maximum number of sections that Windows accepts (PE format, "COFF File Header",
    /// `NumberOfSections`).
    pub(super) const MAX_SECTIONS: usize = 96;

    /// Maximum size of headers in bytes, from the signature to the last section header.
    pub const MAX_SIZE: usize = size_of::<pe::ImageNtHeaders64>()
        + pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES * size_of::<pe::ImageDataDirectory>()
        + Self::MAX_SECTIONS * size_of::<pe::ImageSectionHeader>();

    /// Reads the NT headers. `bytes` starts with their signature, `PE\0\0`.
    ///
    /// # Errors
    ///
    /// Fails if `bytes` ends inside the headers or the section table, or if Windows loads no image
    /// with such headers.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        // Magic has the same offset in both formats.
        let magic = bytes.get(24..).and_then(|rest| rest.first_chunk());
        match magic.map(|magic| u16::from_le_bytes(*magic)) {
            None => Err(Malformed::Truncated),
            Some(pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC) => {
                Self::parse_as::<pe::ImageNtHeaders32>(bytes)
            }
            Some(pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC) => {
                Self::parse_as::<pe::ImageNtHeaders64>(bytes)
            }
            Some(magic) => Err(Malformed::Magic(magic)),
        }
    }

    /// Reads the fields at their fixed offsets, whatever sizes the headers claim.
    fn parse_as<Nt: ImageNtHeaders>(bytes: &[u8]) -> Result<Self, Malformed> {
        let (nt, after) = pod::from_bytes::<Nt>(bytes).map_err(|()| Malformed::Truncated)?;
        let (file, optional) = (nt.file_header(), nt.optional_header());
        let size_of_headers = size_of::<u32>()
            + size_of::<pe::ImageFileHeader>()
            + usize::from(file.size_of_optional_header.get(LE))
            + size_of::<pe::ImageSectionHeader>()
                * usize::from(file.number_of_sections.get(LE)).min(Self::MAX_SECTIONS);
        // Windows uses the number of directories and does not check that the optional header is
        // long enough for them.
        let directories = usize::try_from(optional.number_of_rva_and_sizes())
            .unwrap_or(usize::MAX)
            .min(pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
        let with_directories = size_of::<Nt>() + directories * size_of::<pe::ImageDataDirectory>();
        let size = size_of_headers.min(Self::MAX_SIZE);
        if bytes.len() < size.max(with_directories) {
            return Err(Malformed::Truncated);
        }
        let directory = |index: usize| {
            let entry = after.get(index * size_of::<pe::ImageDataDirectory>()..)?;
            let (entry, _) = pod::from_bytes::<pe::ImageDataDirectory>(entry).ok()?;
            let (address, size) = (entry.virtual_address.get(LE), entry.size.get(LE));
            (index < directories).then_some(Directory { address, size })
        };
        let certificates = directory(pe::IMAGE_DIRECTORY_ENTRY_SECURITY)
            .filter(|table| table.address != 0 && table.size != 0);
        let clr = directory(pe::IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR);
        Ok(Header {
            machine: file.machine.get(LE).0,
            time_stamp: file.time_date_stamp.get(LE),
            characteristics: file.characteristics.get(LE).0,
            subsystem: optional.subsystem().0,
            size_of_image: optional.size_of_image(),
            checksum: optional.check_sum(),
            signed: certificates.is_some(),
            is_kernel: false,
            is_managed: clr.is_some_and(|clr| clr.address != 0),
            has_strong_name: false,
            certificate_table: certificates,
            is_pe32_plus: nt.is_type_64(),
            size,
        })
    }

    /// Whether the bit is set.
    pub fn has(&self, bit: SwapRun) -> bool {
        self.characteristics & bit.mask() != 0
    }

    /// Returns the run-from-swap bits that are set.
    pub fn swap_run(&self) -> Vec<SwapRun> {
        SwapRun::ALL.into_iter().filter(|bit| self.has(*bit)).collect()
    }

    /// Returns the kind of the image. Native programs that don't import from the kernel, such as
    /// chkdsk at startup, are ordinary programs.
    pub fn kind(&self) -> Kind {
        match pe::Subsystem(self.subsystem) {
            pe::IMAGE_SUBSYSTEM_EFI_APPLICATION
            | pe::IMAGE_SUBSYSTEM_EFI_BOOT_SERVICE_DRIVER
            | pe::IMAGE_SUBSYSTEM_EFI_RUNTIME_DRIVER
            | pe::IMAGE_SUBSYSTEM_EFI_ROM => Kind::Efi,
            pe::IMAGE_SUBSYSTEM_WINDOWS_BOOT_APPLICATION => Kind::Boot,
            pe::IMAGE_SUBSYSTEM_XBOX => Kind::Xbox,
            pe::IMAGE_SUBSYSTEM_WINDOWS_CE_GUI => Kind::WindowsCe,
            pe::IMAGE_SUBSYSTEM_NATIVE if self.is_kernel => Kind::Driver,
            _ if self.characteristics & pe::IMAGE_FILE_DLL.0 != 0 => Kind::Dll,
            _ => Kind::Exe,
        }
    }

    /// Returns the machine's usual name, or its number in hexadecimal if there is none.
    pub fn machine_name(&self) -> String {
        match pe::Machine(self.machine) {
            pe::IMAGE_FILE_MACHINE_AMD64 => "x64".to_owned(),
            pe::IMAGE_FILE_MACHINE_I386 => "x86".to_owned(),
            pe::IMAGE_FILE_MACHINE_ARM64 => "arm64".to_owned(),
            pe::IMAGE_FILE_MACHINE_ARMNT => "arm".to_owned(),
            pe::IMAGE_FILE_MACHINE_IA64 => "ia64".to_owned(),
            pe::Machine(number) => format!("0x{number:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::image::nt_headers;

    use super::*;

    #[test]
    fn fields_are_read_at_their_offsets() {
        let header = Header::parse(&nt_headers(0x0822)).unwrap();
        let expected = Header {
            machine: 0x8664,
            time_stamp: 0x6000_0001,
            characteristics: 0x0822,
            subsystem: 3,
            size_of_image: 0x5000,
            checksum: 0x1234,
            signed: false,
            is_kernel: false,
            is_managed: false,
            has_strong_name: false,
            certificate_table: None,
            is_pe32_plus: true,
            size: 24 + 240,
        };
        assert_eq!(header, expected);
        assert_eq!(header.machine_name(), "x64");
    }

    #[test]
    fn the_two_bits_are_distinguished() {
        for (characteristics, bits) in [
            (0x0022, &[][..]),
            (0x0822, &[SwapRun::Net]),
            (0x0422, &[SwapRun::Cd]),
            (0x0c22, &[SwapRun::Net, SwapRun::Cd]),
        ] {
            let header = Header::parse(&nt_headers(characteristics)).unwrap();
            assert_eq!(header.swap_run(), bits, "{characteristics:#06x}");
        }
    }

    #[test]
    fn section_table_is_part_of_the_headers() {
        let mut bytes = nt_headers(0x0822);
        bytes[6] = 2; // NumberOfSections
        for more in [0, 40, 79] {
            let cut = [&bytes[..], &vec![0; more]].concat();
            assert_eq!(Header::parse(&cut), Err(Malformed::Truncated), "{more}");
        }
        let whole = [&bytes[..], &[0; 80]].concat();
        assert!(Header::parse(&whole).is_ok());
    }

    #[test]
    fn unusual_sizes_do_not_hide_fields() {
        let table = [(108, 17_u32), (108, u32::MAX), (108, 0)];
        for (field, value) in table {
            let mut bytes = nt_headers(0x0822);
            bytes[24 + field..24 + field + 4].copy_from_slice(&value.to_le_bytes());
            assert!(Header::parse(&bytes).unwrap().has(SwapRun::Net), "{field} {value}");
        }
        for size in [0_u16, 100, u16::MAX] {
            let mut bytes = nt_headers(0x0822);
            bytes[20..22].copy_from_slice(&size.to_le_bytes());
            bytes[6..8].copy_from_slice(&u16::MAX.to_le_bytes());
            bytes.resize(Header::MAX_SIZE, 0);
            assert!(Header::parse(&bytes).unwrap().has(SwapRun::Net), "{size}");
        }
    }

    #[test]
    fn certificate_table_marks_the_image_as_signed() {
        let mut bytes = nt_headers(0x0822);
        let entry = 24 + 112 + 4 * 8;
        bytes[entry + 4] = 1;
        assert!(!Header::parse(&bytes).unwrap().signed, "it is nowhere");
        bytes[entry] = 8;
        assert!(Header::parse(&bytes).unwrap().signed);
        bytes[24 + 108] = 4;
        assert!(!Header::parse(&bytes).unwrap().signed);
    }

    #[test]
    fn short_optional_header_keeps_certificate_table() {
        let mut bytes = nt_headers(0x0822);
        let entry = 24 + 112 + 4 * 8;
        bytes[entry] = 8;
        bytes[entry + 4] = 1;
        bytes[20] = 0x60; // SizeOfOptionalHeader, too short for any directory
        assert!(Header::parse(&bytes).unwrap().signed);
        let cut = &bytes[..bytes.len() - 1];
        assert_eq!(Header::parse(cut), Err(Malformed::Truncated));
    }

    #[test]
    fn headers_cut_anywhere_are_truncated() {
        let bytes = nt_headers(0x0822);
        for length in 0..bytes.len() {
            assert_eq!(Header::parse(&bytes[..length]), Err(Malformed::Truncated), "{length}");
        }
    }

    #[test]
    fn unknown_magic_is_reported() {
        let mut bytes = nt_headers(0x0822);
        bytes[24..26].copy_from_slice(&0x107_u16.to_le_bytes());
        assert_eq!(Header::parse(&bytes), Err(Malformed::Magic(0x107)));
    }
}
