//! Finds whether an image had the bit: from its header in the dump, or else from its file, if that
//! is the same build.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use netswap::WalkOptions;
use netswap::find::{Visit, WalkedFile, all_exist, walk};
use netswap::image::{self, Content, Header, ReadError, SwapRun};
use netswap::system::{self, Recall};
use netswap::text::PathFields;
use serde::{Serialize, Serializer};

use super::advice::Bit;
use super::origin::file_name;
use super::{CrashError, Module};
use crate::Error;

/// The state of an image's bits, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Bits {
    /// Read from its header, which the dump holds.
    Dump { swap_run: Vec<SwapRun> },
    /// Read from its file, which has the same time stamp and size.
    File {
        #[serde(flatten, serialize_with = "path_fields")]
        path: PathBuf,
        swap_run: Vec<SwapRun>,
    },
    /// Read from a file with the same name, time stamp and size, which was or may have been changed
    /// since the crash. `netswap patch` and signing change a file in this way.
    Later {
        #[serde(flatten, serialize_with = "path_fields")]
        path: PathBuf,
        swap_run: Vec<SwapRun>,
    },
    /// Read from a file with the same name. Nothing shows whether it is the same build.
    SameName {
        #[serde(flatten, serialize_with = "path_fields")]
        path: PathBuf,
        swap_run: Vec<SwapRun>,
    },
    /// There is a file with the same name, but it could not be read.
    Unreadable {
        #[serde(flatten, serialize_with = "path_fields")]
        path: PathBuf,
        why: String,
    },
    /// There is a file with the same name, but it is another build or not an image.
    OtherBuild {
        #[serde(flatten, serialize_with = "path_fields")]
        path: PathBuf,
    },
    /// There are files to search, but none has the same name.
    NotFound,
    /// There are no files to search.
    Nowhere,
}

/// Writes the path, and its bytes if it is not valid Unicode.
fn path_fields<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    PathFields::new(path).serialize(serializer)
}

impl Bits {
    pub fn has(&self, bit: SwapRun) -> Bit {
        match self {
            Bits::Dump { swap_run } | Bits::File { swap_run, .. } if swap_run.contains(&bit) => {
                Bit::Set
            }
            Bits::Dump { .. } | Bits::File { .. } => Bit::NotSet,
            Bits::Later { swap_run, .. } if swap_run.contains(&bit) => Bit::SetNow,
            _ => Bit::NotKnown,
        }
    }

    /// Returns how much this shows: a higher rank shows more.
    fn rank(&self) -> u8 {
        match self {
            Bits::Dump { .. } => 7,
            Bits::File { .. } => 6,
            Bits::Later { .. } => 5,
            Bits::SameName { .. } => 4,
            Bits::Unreadable { .. } => 3,
            Bits::OtherBuild { .. } => 2,
            Bits::NotFound => 1,
            Bits::Nowhere => 0,
        }
    }
}

/// Files to search for the modules of a crash.
#[derive(Debug, Default)]
pub struct Images {
    by_name: HashMap<String, Vec<PathBuf>>,
    has_paths: bool,
    recall: Recall,
    /// Files and folders that could not be read, and why.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

impl Images {
    /// Collects the given files, and all files below the given folders. Of the options of the walk
    /// for dumps, only `recall` and `stop` apply.
    pub(crate) fn collect(paths: &[PathBuf], dumps: &WalkOptions) -> Result<Self, Error> {
        let (has_paths, recall) = (!paths.is_empty(), dumps.recall);
        let mut images = Images { has_paths, recall, ..Images::default() };
        all_exist(paths)?;
        let stop = dumps.stop.clone();
        let options = WalkOptions { recall, stop, ..WalkOptions::default() };
        walk(paths, &options, &Files, |(path, error): (PathBuf, _)| {
            if let Some(error) = error {
                images.unreadable.push((path, error));
            } else {
                let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                images.by_name.entry(name).or_default().push(path);
            }
            Ok::<(), Error>(())
        })?;
        Ok(images)
    }

    /// Finds what is known of a module's bits.
    ///
    /// A path from a dump is opened only if it is on a drive of this machine. With a path on a
    /// server, whoever made the dump would choose which server this machine logs on to.
    pub fn find_bits(&self, module: &Module) -> Bits {
        if let Some(characteristics) = module.characteristics {
            return Bits::Dump { swap_run: bits_in_characteristics(characteristics) };
        }
        let name = file_name(&module.path).to_lowercase();
        let named = self.by_name.get(&name).into_iter().flatten().cloned();
        let itself =
            (cfg!(windows) && is_on_a_drive(&module.path)).then(|| PathBuf::from(&module.path));
        let found = named.chain(itself).map(|path| bits_in_file(module, path, self.recall));
        let none = if self.has_paths { Bits::NotFound } else { Bits::Nowhere };
        // The first of several with the same rank counts.
        found.fold(none, |best, found| if found.rank() > best.rank() { found } else { best })
    }
}

/// Whether a path begins with a drive, as in `C:\\`. Other names of the object manager do not
/// count.
fn is_on_a_drive(path: &str) -> bool {
    let path = path.strip_prefix(r"\\?\").unwrap_or(path);
    matches!(path.as_bytes(), [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic())
}

/// Finds what a file shows about a module with the same name.
fn bits_in_file(module: &Module, path: PathBuf, recall: Recall) -> Bits {
    let content = system::open_with(&path, recall).map_err(ReadError::from);
    let header = match content.and_then(|file| image::read_from(&file)) {
        Ok(Content::Image(header)) => header,
        Ok(_) => return Bits::OtherBuild { path },
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Bits::NotFound;
        }
        Err(ReadError::Io(error)) if system::is_offline_error(&error) => {
            return Bits::Unreadable { path, why: CrashError::Offline.to_string() };
        }
        Err(error) => return Bits::Unreadable { path, why: error.to_string() },
    };
    let swap_run = header.swap_run();
    match is_same_build(module, &header) {
        None => Bits::SameName { path, swap_run },
        Some(false) => Bits::OtherBuild { path },
        Some(true) => match is_unchanged(module, &header) {
            Some(true) => Bits::File { path, swap_run },
            // Nobody clears a bit, so a bit that is missing now was missing then.
            None if swap_run.is_empty() => Bits::File { path, swap_run },
            None | Some(false) => Bits::Later { path, swap_run },
        },
    }
}

/// Whether these headers are of the same build as the module: the time stamp is the same, and the
/// size if it is known. Returns `None` if nothing distinguishes builds, as with a time stamp of 0.
fn is_same_build(module: &Module, header: &Header) -> Option<bool> {
    let time_stamp = module.time_stamp?;
    let size = module.range.map(|(_, size)| size);
    let is_same =
        time_stamp == header.time_stamp && size.is_none_or(|size| size == header.size_of_image);
    let is_distinct = time_stamp != 0 || is_unchanged(module, header) == Some(true);
    (is_distinct || !is_same).then_some(is_same)
}

/// Whether the file is unchanged since the crash, by its checksum. Returns `None` if there is no
/// checksum, or the crash did not record one.
fn is_unchanged(module: &Module, header: &Header) -> Option<bool> {
    let checksum = module.checksum?;
    let has_checksum = checksum != 0 || header.checksum != 0;
    has_checksum.then_some(checksum == header.checksum)
}

fn bits_in_characteristics(characteristics: u16) -> Vec<SwapRun> {
    SwapRun::ALL.into_iter().filter(|bit| characteristics & bit.mask() != 0).collect()
}

struct Files;

impl Visit for Files {
    type Item = (PathBuf, Option<io::Error>);

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        items.push((file.path(), None));
    }

    fn offline(&self, file: &WalkedFile<'_>) -> Option<Self::Item> {
        // Its name may not be that of a crashed image. Only then would it be read.
        Some((file.path(), None))
    }

    fn unreadable(&self, path: PathBuf, error: io::Error) -> Self::Item {
        (path, Some(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_drive_paths_from_a_dump_are_opened() {
        for (path, expected) in [
            (r"C:\Tools\a.exe", true),
            (r"\\?\z:\a.exe", true),
            (r"\\evil\share\a.exe", false),
            (r"\\evil\\share\a.exe", false),
            (r"\\?\UNC\evil\share\a.exe", false),
            (r"\\?\Global\UNC\evil\share\a.exe", false),
            (r"\\?\GLOBALROOT\Device\Mup\evil\share\a.exe", false),
            (r"\\.\C:\a.exe", false),
            (r"\\.\pipe\a", false),
            (r"//evil/share/a.exe", false),
            (r"C:a.exe", false),
            ("CON", false),
            ("a.exe", false),
            ("", false),
        ] {
            assert_eq!(is_on_a_drive(path), expected, "{path}");
        }
    }
}
