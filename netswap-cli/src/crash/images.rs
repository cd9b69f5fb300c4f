//! Whether an image had the bit: from its header in the dump, else from its file, if that is the same build.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::Module;
use super::cause::Bit;
use super::origin::{Origin, file_name};
use crate::find::{Visit, WalkedFile, walk};
use crate::image::{self, Content, Header, SwapRun};
use crate::{Error, WalkOptions};

/// What is known of an image's bits, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Bits {
    /// From its header, which the dump holds.
    Dump {
        /// The bits that are set.
        swap_run: Vec<SwapRun>,
    },
    /// From its file, of the same time stamp and size.
    File {
        /// The file.
        path: PathBuf,
        /// The bits that are set.
        swap_run: Vec<SwapRun>,
    },
    /// There is a file of its name and of the same time stamp and size, with another checksum: what `netswap
    /// patch` leaves, or a signer.
    ChangedSince {
        /// The file.
        path: PathBuf,
        /// The bits that are set now.
        swap_run: Vec<SwapRun>,
    },
    /// There is a file of its name, and nothing was left behind that tells whether it is the same build.
    SameName {
        /// The file.
        path: PathBuf,
        /// The bits that are set in it.
        swap_run: Vec<SwapRun>,
    },
    /// There is a file of its name, and that is another build.
    OtherBuild {
        /// The file.
        path: PathBuf,
    },
    /// Nothing: there is no such file to look at.
    Nowhere,
}

impl Bits {
    /// Whether this one is set.
    pub fn has(&self, bit: SwapRun) -> Bit {
        match self {
            Bits::Dump { swap_run } | Bits::File { swap_run, .. } if swap_run.contains(&bit) => {
                Bit::Set
            }
            Bits::Dump { .. } | Bits::File { .. } => Bit::NotSet,
            Bits::ChangedSince { .. }
            | Bits::SameName { .. }
            | Bits::OtherBuild { .. }
            | Bits::Nowhere => Bit::NotKnown,
        }
    }
}

/// Files that may be those of a crash's modules.
#[derive(Debug, Default)]
pub struct Images {
    by_name: HashMap<String, Vec<PathBuf>>,
}

impl Images {
    /// All files that are named, and all below the folders that are.
    ///
    /// # Errors
    ///
    /// When a path does not exist.
    pub fn below(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut images = Images::default();
        if paths.is_empty() {
            return Ok(images);
        }
        crate::find::all_exist(paths)?;
        walk(paths, &WalkOptions::default(), &Files, |path: PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            images.by_name.entry(name).or_default().push(path);
            Ok::<(), Error>(())
        })?;
        Ok(images)
    }

    /// What is known of a module's bits.
    ///
    /// A path of a share is not opened just because a dump names it: whoever made the dump would choose
    /// which server this machine logs on to.
    pub fn of(&self, module: &Module, origin: &Origin) -> Bits {
        if let Some(characteristics) = module.characteristics {
            return Bits::Dump { swap_run: set(characteristics) };
        }
        let name = file_name(&module.path).to_lowercase();
        let named = self.by_name.get(&name).into_iter().flatten().cloned();
        let is_here = cfg!(windows) && !matches!(origin, Origin::Share(_) | Origin::WebDav(_));
        let itself = is_here.then(|| PathBuf::from(&module.path));
        // The best that is found.
        let mut bits = Bits::Nowhere;
        for path in named.chain(itself) {
            let Ok(Content::Image(header)) = image::read(&path) else {
                continue;
            };
            let swap_run = header.swap_run();
            bits = match (is_same_build(module, &header), bits) {
                (Some(true), _) if is_unchanged(module, &header) => {
                    return Bits::File { path, swap_run };
                }
                (Some(true), Bits::Nowhere | Bits::OtherBuild { .. }) => {
                    Bits::ChangedSince { path, swap_run }
                }
                (None, Bits::Nowhere) => Bits::SameName { path, swap_run },
                (Some(false), Bits::Nowhere) => Bits::OtherBuild { path },
                (_, bits) => bits,
            };
        }
        bits
    }
}

/// Whether these are the headers of the module: the same time stamp and, where that is known, size. `None`: there
/// is nothing to tell it by.
fn is_same_build(module: &Module, header: &Header) -> Option<bool> {
    let size = module.range.map(|(_, size)| size);
    let is_same = module.time_stamp? == header.time_stamp;
    Some(is_same && size.is_none_or(|size| size == header.size_of_image))
}

/// Whether nothing tells that the file was changed since; where there is no checksum, nothing can.
fn is_unchanged(module: &Module, header: &Header) -> bool {
    module.checksum.is_none_or(|checksum| checksum == header.checksum)
}

fn set(characteristics: u16) -> Vec<SwapRun> {
    SwapRun::ALL.into_iter().filter(|bit| characteristics & bit.mask() != 0).collect()
}

/// Finds files, and passes over what can't be read: an image that is not there is not known.
struct Files;

impl Visit for Files {
    type Item = PathBuf;

    fn file(&self, file: &WalkedFile<'_>, items: &mut Vec<Self::Item>) {
        items.push(file.path());
    }

    fn unreadable(&self, path: PathBuf, _: io::Error) -> Self::Item {
        path
    }
}
