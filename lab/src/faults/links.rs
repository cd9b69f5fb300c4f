//! Tests links to themselves, to parent folders, to each other, and to pipes and devices. Also
//! tests a folder that is mounted below itself.
//!
//! The walk must end, and must find the same files as `find`, each once.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Options;
use super::program::{Netswap, can_mount};
use super::report::Report;
use super::tree::test_folder;
use crate::NotPassed;
use crate::files::{at, create_folder, remove_file, write};
use crate::outcome::Outcome;
use crate::process::check;
use testkit::image::{Image, Sum, patched};

/// A case: its description, and the function that creates its links in a folder.
type Case = (&'static str, fn(&Path) -> Result<(), String>);

const CASES: [Case; 8] = [
    ("a link to itself", |root| link("self", &root.join("self"))),
    ("a link to the parent folder", |root| {
        write_image(&root.join("sub/b.exe"))?;
        link("..", &root.join("sub/up"))?;
        link(root, &root.join("sub/root"))
    }),
    ("two folders with links to each other", |root| {
        write_image(&root.join("left/b.exe"))?;
        write_image(&root.join("right/c.exe"))?;
        link("../right", &root.join("left/to-right"))?;
        link("../left", &root.join("right/to-left"))
    }),
    ("50 nested folders, with links to parents in each", |root| {
        let mut folder = root.to_owned();
        for level in 0..50 {
            folder.push(format!("{level}"));
            write_image(&folder.join("b.exe"))?;
            link("..", &folder.join("up"))?;
            link(root, &folder.join("top"))?;
        }
        Ok(())
    }),
    ("60 links in a row, more than Linux follows", |root| {
        write_image(&root.join("end/b.exe"))?;
        (0..60).try_for_each(|number| {
            link(format!("link-{}", number + 1), &root.join(format!("link-{number}")))
        })?;
        link("end", &root.join("link-60"))
    }),
    ("8 folders with two links each to the next", |root| {
        for level in 0..8 {
            let folder = root.join(format!("level-{level}"));
            write_image(&folder.join("b.exe"))?;
            if level < 7 {
                let next = format!("../level-{}", level + 1);
                link(&next, &folder.join("left"))?;
                link(&next, &folder.join("right"))?;
            }
        }
        Ok(())
    }),
    ("links to files, and to a missing file", |root| {
        link("a.exe", &root.join("b.exe"))?;
        link(root.join("a.exe"), &root.join("c.exe"))?;
        link("gone.exe", &root.join("d.exe"))
    }),
    ("pipes, sockets, devices and links to them", |root| {
        check(Command::new("mkfifo").arg(root.join("pipe.exe")))?;
        let socket = root.join("socket.exe");
        UnixListener::bind(&socket).map_err(at(&socket))?;
        for (name, to) in [("pipe", "pipe.exe"), ("socket", "socket.exe")] {
            link(to, &root.join(format!("to-{name}.exe")))?;
        }
        link("/dev/zero", &root.join("zero.exe"))?;
        link("/dev/tty", &root.join("tty.exe"))?;
        link("/proc/self/status", &root.join("status.exe"))
    }),
];

/// Mounts `$1` at `$2` and runs the remaining arguments.
const BIND: &str = r#"mount --bind "$1" "$2" || exit 125; shift 2; exec "$@""#;

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let folder = test_folder("links")?;
    // The path must contain no links except those of the cases, because the test counts them.
    let folder = folder.canonicalize().map_err(at(&folder))?;
    let test = Test { netswap, folder };
    let mut followed = 0;
    for (number, (name, create)) in CASES.into_iter().enumerate() {
        let root = test.folder.join(format!("case-{number}"));
        write_image(&root.join("a.exe"))?;
        create(&root)?;
        followed += test.case(&root).map_err(|why| format!("{name}: {why}"))?;
    }
    test.named_pipe()?;
    test.proc()?;
    if !can_mount() {
        let why = "nothing can be mounted here; the tests of links passed".to_owned();
        return Err(NotPassed::NotRun(why));
    }
    test.bind()?;
    Ok(format!(
        "{} kinds of links: verify finds the same files as find, and each of {followed} paths' files once when it follows links; patch changes each file once and undo restores it; a named pipe is refused, --one-file-system stays out of /proc, and verify of a mounted loop ends",
        CASES.len()
    ))
}

struct Test<'a> {
    netswap: &'a Netswap,
    folder: PathBuf,
}

impl Test<'_> {
    /// Checks verify and patch. Returns how many paths verify finds when it follows links.
    fn case(&self, root: &Path) -> Result<usize, String> {
        let not_followed = self.verify(&[root.as_os_str()], 1)?;
        let files = find(root, "-P", "f")?;
        if not_followed != (files.clone(), BTreeSet::new()) {
            let count = files.len();
            return Err(format!("find finds {count} files, but verify {not_followed:?}"));
        }
        let is_broken = |link: &PathBuf| fs::metadata(link).is_err();
        let broken: BTreeSet<PathBuf> =
            find(root, "-P", "l")?.into_iter().filter(is_broken).collect();
        let code = if broken.is_empty() { 1 } else { 2 };
        let followed = self.verify(&[OsStr::new("--follow-links"), root.as_os_str()], code)?;
        let is_image = |path: &PathBuf| !path.ends_with("status.exe");
        let linked_files: BTreeSet<PathBuf> =
            find(root, "-L", "f")?.into_iter().filter(is_image).collect();
        let first = first_paths(&linked_files)?;
        if followed != (first.clone(), broken) {
            let count = first.len();
            return Err(format!("find -L finds {count} files, but verify {followed:?}"));
        }
        self.patch(root, &files, code)?;
        Ok(linked_files.len())
    }

    /// Returns the files that verify reads, and those that it can't read.
    fn verify(
        &self,
        arguments: &[&OsStr],
        code: i32,
    ) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), String> {
        let mut verify = self.netswap.with_timeout("verify");
        let report = Report::run(verify.args(["--format", "ndjson"]).args(arguments), &[code])?;
        let read = &report.paths("failed")? | &report.paths("passed")?;
        Ok((read, report.paths("unreadable")?))
    }

    /// Patches every file once, whichever of its names is found, and restores it.
    fn patch(&self, root: &Path, files: &BTreeSet<PathBuf>, code: i32) -> Result<(), String> {
        let journal = self.folder.join("patch.journal");
        remove_file(&journal)?;
        let before = contents(files)?;
        let mut patch = self.netswap.patch(&journal);
        patch.args(["--follow-links", "--format", "ndjson"]).arg(root);
        // A link whose target is missing can't be read.
        let expected = if code == 2 { 2 } else { 0 };
        let patch = Report::run(&mut patch, &[expected])?;
        if patch.paths("patched")?.len() != files.len() {
            return Err(patch.error("patch did not change each file once"));
        }
        let new: Option<Vec<Vec<u8>>> = before.iter().map(|old| patched(old)).collect();
        if new.as_ref() != Some(&contents(files)?) {
            return Err(patch.error("the patched files have the wrong content"));
        }
        let undo = Outcome::run(&mut self.netswap.undo(&journal))?.expect_code(0)?;
        if contents(files)? == before {
            Ok(())
        } else {
            Err(undo.error("undo restored not all files"))
        }
    }

    /// Checks that a named pipe is refused. A read would block forever, as nobody writes.
    fn named_pipe(&self) -> Result<(), String> {
        let pipe = self.folder.join("pipe.exe");
        check(Command::new("mkfifo").arg(&pipe))?;
        let link_to_pipe = self.folder.join("to-pipe.exe");
        link(&pipe, &link_to_pipe)?;
        for path in [pipe, link_to_pipe] {
            let (read, unreadable) = self.verify(&[path.as_os_str()], 2)?;
            if !read.is_empty() || !unreadable.contains(&path) {
                return Err(format!(
                    "verify of a pipe read {read:?} and could not read {unreadable:?}"
                ));
            }
            Outcome::run(self.netswap.patch(&self.folder.join("no.journal")).arg(&path))?
                .expect_codes(&[1, 2])?;
        }
        Ok(())
    }

    /// Checks that `--one-file-system` keeps verify out of `/proc`, which contains links to all
    /// folders and to itself.
    fn proc(&self) -> Result<(), String> {
        let root = self.folder.join("proc");
        write_image(&root.join("a.exe"))?;
        link("/proc", &root.join("proc"))?;
        let [follow, one] = ["--follow-links", "--one-file-system"].map(OsStr::new);
        let found = self.verify(&[follow, one, root.as_os_str()], 1)?;
        let expected = (BTreeSet::from([root.join("a.exe")]), BTreeSet::new());
        ensure!(found == expected, "verify with a link to /proc found {found:?}");
        Ok(())
    }

    /// Checks that the walk of a folder that is mounted below itself ends.
    fn bind(&self) -> Result<(), String> {
        let root = self.folder.join("bind");
        let mount = create_folder(root.join("sub/again"))?;
        let original = root.join("a.exe");
        write_image(&original)?;
        let both = BTreeSet::from([original.clone(), mount.join("a.exe")]);
        // No link leads to the mounted folder, so netswap may enter it. The same path inside it is
        // empty, because a bind mount does not include other mounts.
        for arguments in [&[][..], &["--follow-links"], &["--one-file-system"]] {
            let script_arguments = [root.as_os_str(), mount.as_os_str()];
            let mut verify = self.netswap.with_mounts(BIND, &script_arguments, "verify");
            verify.args(["--format", "ndjson"]).args(arguments).arg(&root);
            let report = Report::run(&mut verify, &[1])?;
            let found = report.paths("failed")?;
            if !found.contains(&original) || !found.is_subset(&both) {
                return Err(report.error("verify found other files in the mounted loop"));
            }
        }
        Ok(())
    }
}

/// Returns the paths of this type that `find` finds.
fn find(root: &Path, links: &str, kind: &str) -> Result<BTreeSet<PathBuf>, String> {
    let mut find = Command::new("find");
    // find ends with 1 if it finds a loop.
    let found = Outcome::run(find.arg(links).arg(root).args(["-type", kind, "-print0"]))?;
    let paths = found.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| OsString::from_vec(path.to_vec()).into()).collect())
}

/// Returns the first path of each file.
fn first_paths(paths: &BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>, String> {
    let mut files = BTreeSet::new();
    let mut first = BTreeSet::new();
    for path in paths {
        if files.insert(path.canonicalize().map_err(at(path))?) {
            first.insert(path.clone());
        }
    }
    Ok(first)
}

pub(super) fn contents(files: &BTreeSet<PathBuf>) -> Result<Vec<Vec<u8>>, String> {
    files.iter().map(|file| fs::read(file).map_err(at(file))).collect()
}

/// Writes an image without the bit.
pub(super) fn write_image(path: &Path) -> Result<(), String> {
    write(path, Image::exe().sum(Sum::Right).bytes())
}

fn link(target: impl AsRef<Path>, path: &Path) -> Result<(), String> {
    symlink(target, path).map_err(at(path))
}
