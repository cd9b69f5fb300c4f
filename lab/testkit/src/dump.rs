//! Minidumps, written without the crate that reads them.

use crate::image::headers;

/// The contents of a synthesized minidump.
#[derive(Clone, Debug, Default)]
pub struct Synthesized {
    /// The processor architecture: 0 x86, 5 ARM, 9 x64, 12 ARM64.
    pub architecture: u16,
    /// The time at which it was written, in seconds since 1970.
    pub time: u32,
    /// The exception's code and parameters.
    pub exception: Option<(u32, Vec<u64>)>,
    pub modules: Vec<Loaded>,
    /// The regions of memory: each one's first address and its content.
    pub memory: Vec<(u64, Vec<u8>)>,
    /// The kinds of memory: first address, size in bytes, and `Type`.
    pub regions: Vec<(u64, u64, u32)>,
    /// Whether the memory is in a list for large dumps.
    pub is_full: bool,
    /// Number of zeros after the content of each region.
    pub padding: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub base: u64,
    pub time_stamp: u32,
    /// Its path in UTF-16, which may be invalid.
    pub path: Vec<u16>,
}

/// The `SizeOfImage` of each module.
pub const SIZE_OF_IMAGE: u32 = 0x5000;

/// The offset of the first stream: after the header and five directory entries.
pub const STREAMS: usize = 32 + 5 * 12;

impl Loaded {
    pub fn new(base: u64, time_stamp: u32, path: &str) -> Self {
        Loaded { base, time_stamp, path: path.encode_utf16().collect() }
    }
}

/// Returns the first bytes of an image in memory: up to the end of its file header.
pub fn image(e_lfanew: u32, time_stamp: u32, characteristics: u16) -> Vec<u8> {
    let mut bytes = headers(e_lfanew, characteristics);
    let nt = e_lfanew as usize;
    bytes.truncate(nt + 24);
    bytes[nt + 8..nt + 12].copy_from_slice(&time_stamp.to_le_bytes());
    bytes
}

impl Synthesized {
    pub fn bytes(&self) -> Vec<u8> {
        let (length, parts) = self.parts();
        let zeros_to = |bytes: &mut Vec<u8>, offset| {
            bytes.resize(usize::try_from(offset).unwrap_or_default(), 0);
        };
        let mut bytes = Vec::new();
        for (offset, part) in parts {
            zeros_to(&mut bytes, offset);
            bytes.extend(part);
        }
        zeros_to(&mut bytes, length);
        bytes
    }

    /// Returns the dump's length, and its parts with their offsets. The first part is everything
    /// before the memory. Each region is another part. Zeros are between the parts and after the
    /// last.
    pub fn parts(&self) -> (u64, Vec<(u64, Vec<u8>)>) {
        let (system, exception, regions) = (self.system(), self.exception(), self.regions());
        let modules_at = STREAMS + system.len() + exception.len() + regions.len();
        let modules = self.modules(modules_at);
        let names: Vec<_> = self.modules.iter().flat_map(|module| string(&module.path)).collect();
        let list_at = modules_at + modules.len() + names.len();
        let list_size = self.list(0).len();
        let memory_at = (list_at + list_size) as u64;
        let list = self.list(memory_at);

        let mut bytes = b"MDMP".to_vec();
        u32s(&mut bytes, &[0x1234_a793, 5, 32, 0, self.time, 0, 0]);
        let mut at = STREAMS;
        let list_kind = if self.is_full { 9 } else { 5 };
        for (kind, size) in
            [(7, system.len()), (6, exception.len()), (16, regions.len()), (4, modules.len())]
        {
            // An empty stream has no entry of its kind.
            let kind = if size == 0 { 0 } else { kind };
            u32s(&mut bytes, &[kind, number(size), number(at)]);
            at += size;
        }
        let list_kind = if self.memory.is_empty() { 0 } else { list_kind };
        u32s(&mut bytes, &[list_kind, number(list_size), number(list_at)]);
        for part in [system, exception, regions, modules, names, list] {
            bytes.extend(part);
        }
        let (mut parts, mut at) = (vec![(0, bytes)], memory_at);
        for (_, region) in &self.memory {
            parts.push((at, region.clone()));
            at += self.size(region);
        }
        (at, parts)
    }

    fn size(&self, region: &[u8]) -> u64 {
        region.len() as u64 + self.padding
    }

    fn system(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        u16s(&mut bytes, &[self.architecture]);
        bytes.resize(20, 0);
        // `VER_PLATFORM_WIN32_NT`: Windows.
        u32s(&mut bytes, &[2]);
        bytes.resize(56, 0);
        bytes
    }

    fn exception(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some((code, parameters)) = &self.exception {
            u32s(&mut bytes, &[1, 0, *code, 0, 0, 0, 0x1234, 0, number(parameters.len()), 0]);
            u64s(&mut bytes, parameters);
            bytes.resize(168, 0);
        }
        bytes
    }

    fn regions(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !self.regions.is_empty() {
            u32s(&mut bytes, &[16, 48]);
            u64s(&mut bytes, &[self.regions.len() as u64]);
            for (start, size, kind) in &self.regions {
                u64s(&mut bytes, &[*start, *start, 4, *size]);
                u32s(&mut bytes, &[0x1000, 4, *kind, 0]);
            }
        }
        bytes
    }

    /// Returns the module list, which begins at the offset `at`. The names follow it.
    fn modules(&self, at: usize) -> Vec<u8> {
        let mut name_at = at + 4 + 108 * self.modules.len();
        let mut bytes = Vec::new();
        u32s(&mut bytes, &[number(self.modules.len())]);
        for module in &self.modules {
            u64s(&mut bytes, &[module.base]);
            u32s(&mut bytes, &[SIZE_OF_IMAGE, 0, module.time_stamp, number(name_at)]);
            bytes.extend([0; 108 - 24]);
            name_at += string(&module.path).len();
        }
        bytes
    }

    /// Returns the memory list. The memory itself begins at the offset `memory_at`.
    fn list(&self, memory_at: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.is_full {
            u64s(&mut bytes, &[self.memory.len() as u64, memory_at]);
            for (start, region) in &self.memory {
                u64s(&mut bytes, &[*start, self.size(region)]);
            }
        } else {
            let mut at = memory_at;
            u32s(&mut bytes, &[number(self.memory.len())]);
            for (start, region) in &self.memory {
                u64s(&mut bytes, &[*start]);
                u32s(&mut bytes, &[number(self.size(region)), number(at)]);
                at += self.size(region);
            }
        }
        bytes
    }
}

/// Returns a `MINIDUMP_STRING`: the length in bytes, the units, and a zero.
fn string(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    u32s(&mut bytes, &[number(2 * units.len())]);
    u16s(&mut bytes, units);
    u16s(&mut bytes, &[0]);
    bytes
}

/// Converts a number for a 32-bit field.
fn number(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

fn u16s(bytes: &mut Vec<u8>, numbers: &[u16]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn u32s(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}

fn u64s(bytes: &mut Vec<u8>, numbers: &[u64]) {
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
}
