//! The reports that the check opens, and the files that they are about.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::image::{Image, NET};

use super::IMAGES;
use crate::files::{at, create_folder, write};
use crate::outcome::Outcome;

/// The number of images in a folder.
pub(super) const PER_FOLDER: usize = 500;

/// One of this many images lacks the bit.
const FAILED_OF: usize = 4;

/// Names that would change the page if it took them for HTML, or its lines.
const NAMES: [&str; 8] = [
    "</script><img src=x onerror=alert(1)>.exe",
    "<!--<script>.exe",
    "\u{202e}exe.txt",
    "\"quoted\" 'twice' &lt;b&gt;.exe",
    "two\nlines.exe",
    "line\u{2028}separator.exe",
    "=cmd|' /C calc'!A0.exe",
    "${alert(1)}`.exe",
];

/// A report of Windows about a crash.
const CRASH: &str = "Version=1\r\nEventType=InPageError\r\nEventTime=133174872880298997\r\n\
    Sig[0].Name=Error Status Code\r\nSig[0].Value=c000020c\r\nSig[1].Value=00000004\r\n\
    AppName=Ledger\r\nAppPath=\\\\depot\\tools\\ledger.exe\r\n";

pub(super) fn is_failed(image: usize) -> bool {
    image.is_multiple_of(FAILED_OF)
}

/// Writes the images of the share, and returns the number of those that fail.
fn write_images(share: &Path) -> Result<usize, String> {
    let [good, bad] = [Image::exe().with(NET).bytes(), Image::dll().x86().bytes()];
    let folders = IMAGES / PER_FOLDER;
    for number in 0..folders {
        create_folder(share.join(format!("folder-{number}")))?;
    }
    let special: Vec<_> = names().into_iter().collect();
    for image in 0..IMAGES - special.len() {
        let (folder, name) = (image / PER_FOLDER, image % PER_FOLDER);
        let file = share.join(format!("folder-{folder}")).join(format!("image-{name}.exe"));
        fs::write(&file, if is_failed(image) { &bad } else { &good }).map_err(at(&file))?;
    }
    // They have the bit, so that only their names are special.
    for name in &special {
        write(&share.join(name), &good)?;
    }
    Ok((0..IMAGES - special.len()).filter(|image| is_failed(*image)).count())
}

/// Returns all hostile names: also one of the maximum length, and one that is not Unicode.
fn names() -> Vec<OsString> {
    let mut names: Vec<OsString> = NAMES.iter().map(Into::into).collect();
    names.push(format!("{}.exe", "x".repeat(251)).into());
    #[cfg(unix)]
    names.push(std::os::unix::ffi::OsStringExt::from_vec(b"\xff\xfe.exe".to_vec()));
    names
}

/// The pages that are checked.
pub(super) struct Reports {
    /// A report on many images.
    pub(super) share: PathBuf,
    /// The number of images in it that fail.
    pub(super) failed: usize,
    /// A report on one image, which passes.
    pub(super) few: PathBuf,
    /// A report on an empty folder.
    pub(super) empty: PathBuf,
    /// A report on a patch that changes one file and refuses another.
    pub(super) patch: PathBuf,
    /// A report on a crash.
    pub(super) crash: PathBuf,
}

impl Reports {
    /// Writes the files and the reports to a folder.
    pub(super) fn write(netswap: &Path, folder: &Path) -> Result<Self, String> {
        let failed = write_images(&folder.join("share"))?;
        write(&folder.join("few").join("good.exe"), Image::exe().with(NET).bytes())?;
        create_folder(folder.join("empty"))?;
        write(&folder.join("patch").join("new.exe"), Image::exe().bytes())?;
        write(&folder.join("patch").join("signed.dll"), Image::dll().certificate(64).bytes())?;
        write(&folder.join("crash").join("Report.wer"), CRASH)?;
        let report = |command, name: &str, code| {
            let page = folder.join(name).with_extension("html");
            let mut netswap = Command::new(netswap);
            netswap.args([command, name, "--format", "html", "--output"]).arg(&page);
            if command == "patch" {
                netswap.args(["--journal", "patch.journal"]);
            }
            Outcome::run(netswap.current_dir(folder))?.expect_code(code)?;
            Ok::<_, String>(page)
        };
        Ok(Reports {
            share: report("verify", "share", 1)?,
            failed,
            few: report("verify", "few", 0)?,
            empty: report("verify", "empty", 3)?,
            patch: report("patch", "patch", 1)?,
            crash: report("diagnose", "crash", 1)?,
        })
    }

    /// Returns each page with its name.
    pub(super) fn all(&self) -> [(&'static str, &Path); 5] {
        let Reports { share, few, empty, patch, crash, .. } = self;
        [("share", share), ("few", few), ("empty", empty), ("patch", patch), ("crash", crash)]
    }
}

/// Writes a page with the rows of another one this many times.
pub(super) fn repeated(page: &Path, times: usize) -> Result<PathBuf, String> {
    let text = fs::read_to_string(page).map_err(at(page))?;
    let parts = || {
        let (before, rest) = text.split_once("\"rows\":[\n")?;
        let (rows, after) = rest.split_once("\n]}")?;
        Some((before, rows, after))
    };
    let (before, rows, after) = parts().ok_or("the page has no rows")?;
    let rows = vec![rows; times].join(",\n");
    let many = page.with_file_name("many.html");
    write(&many, format!("{before}\"rows\":[\n{rows}\n]}}{after}"))?;
    Ok(many)
}
