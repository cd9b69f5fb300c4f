//! A tree to scan that resembles a share: images and other files in small and large folders.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::files::{at, empty_folder, scratch};
use testkit::image::{Image, NET};

/// The percentage of all files that are in the largest folder.
const FLAT_PERCENT: u32 = 5;

/// The number of images in ten files. The others are text files.
const IMAGES_OF_TEN: u64 = 6;

pub(crate) struct Tree {
    /// The tree's folder, which holds nothing else.
    pub(crate) root: PathBuf,
    /// A list of the tree's images, one path per line.
    pub(crate) images: PathBuf,
    pub(crate) files: u32,
}

impl Tree {
    /// Returns the tree of this size. Creates it unless an earlier run did.
    pub(crate) fn new(files: u32) -> Result<Self, String> {
        let home = scratch("bench-tree").join(files.to_string());
        let tree = Tree { root: home.join("tree"), images: home.join("images.txt"), files };
        // The list is written last, so if it exists, the tree is complete.
        if !tree.images.is_file() {
            println!("creating a tree of {files} files below {} …\n", home.display());
            let home = empty_folder(home)?;
            tree.write().map_err(at(&home))?;
        }
        Ok(tree)
    }

    fn write(&self) -> io::Result<()> {
        let mut images = BufWriter::new(Vec::new());
        let mut folder = PathBuf::new();
        for number in 0..self.files {
            let (next, name) = (self.folder(number), format!("file-{number:06}"));
            if next != folder {
                fs::create_dir_all(&next)?;
                folder = next;
            }
            let random = scrambled(number);
            let length = length(random);
            if random % 10 < IMAGES_OF_TEN {
                let path = folder.join(name + ".dll");
                fs::write(&path, image(number, length))?;
                writeln!(images, "{}", path.display())?;
            } else {
                fs::write(folder.join(name + ".txt"), text(number, length))?;
            }
        }
        fs::write(&self.images, images.into_inner()?)
    }

    /// Returns a file's folder. One is flat. The others hold 100 files, and 10 in a subfolder.
    fn folder(&self, number: u32) -> PathBuf {
        let flat = self.files / 100 * FLAT_PERCENT;
        let Some(number) = number.checked_sub(flat) else { return self.root.join("all") };
        let product = number / 110;
        let version = self.root.join(format!("release-{:02}", product / 10));
        let bin = version.join(format!("product-{}", product % 10)).join("bin");
        if number % 110 < 100 { bin } else { bin.join("plugins") }
    }
}

/// Returns a number that looks random and is the same in each run (`SplitMix64`).
fn scrambled(number: u32) -> u64 {
    let mut bits = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Returns a length of 1 to 64 KiB, a multiple of 512. Each power of two is equally frequent: as
/// many files have 1 to 2 KiB as 32 to 64 KiB.
fn length(random: u64) -> u32 {
    let [.., high, low, power] = random.to_le_bytes();
    let least = 1024 << (power % 6);
    let more = u32::from(u16::from_le_bytes([low, high])) % least;
    least + more / 512 * 512
}

fn image(number: u32, length: u32) -> Vec<u8> {
    Image::dll().with(NET).number(number).length(length as usize).bytes()
}

fn text(number: u32, length: u32) -> String {
    let line = format!("This is text number {number}, and no image.\n");
    line.repeat(length as usize / line.len())
}
