//! Tests links to themselves, to parent folders, to each other, and to things that are not files.
//! The walk must end, and must find what `find` does. Mounts that lead back are tested too.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Options;
use super::full_disk::can_mount;
use super::killed::remove;
use super::program::{Netswap, ran};
use super::tree::{fresh, told};
use crate::NotPassed;
use crate::process::check;
use testkit::image::{Image, Sum, patched};

/// A folder with links: its name, and the function that makes it.
type Case = (&'static str, fn(&Path) -> Result<(), String>);

const CASES: [Case; 8] = [
    ("a link to itself", |root| link("self", &root.join("self"))),
    ("a link to the folder above", |root| {
        image(&root.join("sub/b.exe"))?;
        link("..", &root.join("sub/up"))?;
        link(root, &root.join("sub/root"))
    }),
    ("two folders with links to one another", |root| {
        image(&root.join("left/b.exe"))?;
        image(&root.join("right/c.exe"))?;
        link("../right", &root.join("left/to-right"))?;
        link("../left", &root.join("right/to-left"))
    }),
    ("50 folders in one another, with links up in each", |root| {
        let mut folder = root.to_owned();
        for level in 0..50 {
            folder.push(format!("{level}"));
            image(&folder.join("b.exe"))?;
            link("..", &folder.join("up"))?;
            link(root, &folder.join("top"))?;
        }
        Ok(())
    }),
    ("60 links in a row, more than Linux follows", |root| {
        image(&root.join("end/b.exe"))?;
        (0..60).try_for_each(|number| {
            link(format!("link-{}", number + 1), &root.join(format!("link-{number}")))
        })?;
        link("end", &root.join("link-60"))
    }),
    ("8 folders with two links each to the next", |root| {
        for level in 0..8 {
            let folder = root.join(format!("level-{level}"));
            image(&folder.join("b.exe"))?;
            if level < 7 {
                let next = format!("../level-{}", level + 1);
                link(&next, &folder.join("left"))?;
                link(&next, &folder.join("right"))?;
            }
        }
        Ok(())
    }),
    ("links to files, and to nowhere", |root| {
        link("a.exe", &root.join("b.exe"))?;
        link(root.join("a.exe"), &root.join("c.exe"))?;
        link("gone.exe", &root.join("d.exe"))
    }),
    ("pipes, sockets, devices and links to them", |root| {
        check(Command::new("mkfifo").arg(root.join("pipe.exe")))?;
        let socket = root.join("socket.exe");
        UnixListener::bind(&socket).map_err(told(&socket))?;
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
    let folder = fresh("links")?;
    // The path must contain no links except those of the cases, because the test counts them.
    let folder = folder.canonicalize().map_err(told(&folder))?;
    let test = Test { netswap, folder };
    let mut followed = 0;
    for (number, (name, make)) in CASES.into_iter().enumerate() {
        let root = test.folder.join(format!("case-{number}"));
        image(&root.join("a.exe"))?;
        make(&root)?;
        followed += test.case(&root).map_err(|why| format!("{name}: {why}"))?;
    }
    test.named_pipe()?;
    test.proc()?;
    if !can_mount() {
        let why = "nothing can be mounted here; with links all was well".to_owned();
        return Err(NotPassed::NotRun(why));
    }
    test.bind()?;
    Ok(format!(
        "{} kinds of links: verify finds what find does, {followed} paths when it follows them; patch changes each file once and undo puts it back; a pipe that is named is refused, /proc is not entered, and a mounted loop ends",
        CASES.len()
    ))
}

struct Test<'a> {
    netswap: &'a Netswap,
    folder: PathBuf,
}

impl Test<'_> {
    /// Checks verify and patch on one case. Returns how many paths verify finds when it follows
    /// links.
    fn case(&self, root: &Path) -> Result<usize, String> {
        let plain = self.verify(&[root.as_os_str()], 1)?;
        let follow = OsStr::new("--follow-links");
        let files = find(root, "-P", "f")?;
        if plain != (files.clone(), BTreeSet::new()) {
            return Err(format!("find has {} files, and verify {plain:?}", files.len()));
        }
        let leads_nowhere = |link: &PathBuf| fs::metadata(link).is_err();
        let broken: BTreeSet<PathBuf> =
            find(root, "-P", "l")?.into_iter().filter(leads_nowhere).collect();
        let files_behind = find(root, "-L", "f")?;
        let code = if broken.is_empty() { 1 } else { 2 };
        let followed = self.verify(&[follow, root.as_os_str()], code)?;
        let is_image = |path: &&PathBuf| !path.ends_with("status.exe");
        let files_behind: BTreeSet<PathBuf> =
            files_behind.iter().filter(is_image).cloned().collect();
        if followed != (files_behind.clone(), broken) {
            return Err(format!("find has {} files, and verify {followed:?}", files_behind.len()));
        }
        self.patch(root, &files, code)?;
        Ok(files_behind.len())
    }

    /// Returns the files that verify reads, and those that it can't read.
    fn verify(
        &self,
        arguments: &[&OsStr],
        code: i32,
    ) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), String> {
        let mut verify = self.netswap.bounded("verify");
        let ran = ran(verify.args(["--format", "ndjson"]).args(arguments))?.ended_with(code)?;
        Ok((&ran.paths("failed")? | &ran.paths("passed")?, ran.paths("unreadable")?))
    }

    /// Patches every file once, whichever of its names is found, and restores it.
    fn patch(&self, root: &Path, files: &BTreeSet<PathBuf>, code: i32) -> Result<(), String> {
        let journal = self.folder.join("patch.journal");
        remove(&journal)?;
        let before = contents(files)?;
        let mut patch = self.netswap.patch(&journal);
        patch.args(["--follow-links", "--format", "ndjson"]).arg(root);
        // A link whose target is missing can't be read.
        let expected = if code == 2 { 2 } else { 0 };
        let patch = ran(&mut patch)?.ended_with(expected)?;
        if patch.paths("patched")?.len() != files.len() {
            return Err(patch.wrong("it did not change each file once"));
        }
        let new: Option<Vec<Vec<u8>>> = before.iter().map(|old| patched(old)).collect();
        if new.as_ref() != Some(&contents(files)?) {
            return Err(patch.wrong("the files are not as they should be"));
        }
        let undo = ran(&mut self.netswap.undo(&journal))?.ended_with(0)?;
        if contents(files)? == before { Ok(()) } else { Err(undo.wrong("it put not all back")) }
    }

    /// Checks that a named pipe is refused. Reading it would block forever, because nobody writes
    /// to it.
    fn named_pipe(&self) -> Result<(), String> {
        let pipe = self.folder.join("pipe.exe");
        check(Command::new("mkfifo").arg(&pipe))?;
        let link_to_it = self.folder.join("to-pipe.exe");
        link(&pipe, &link_to_it)?;
        for path in [pipe, link_to_it] {
            let (read, unreadable) = self.verify(&[path.as_os_str()], 2)?;
            if !read.is_empty() || !unreadable.contains(&path) {
                return Err(format!("verify of a pipe: {read:?} {unreadable:?}"));
            }
            ran(self.netswap.patch(&self.folder.join("no.journal")).arg(&path))?
                .ended_with_one_of(&[1, 2])?;
        }
        Ok(())
    }

    /// Checks that `--one-file-system` keeps verify out of `/proc`, which leads everywhere and back
    /// to itself.
    fn proc(&self) -> Result<(), String> {
        let root = self.folder.join("proc");
        image(&root.join("a.exe"))?;
        link("/proc", &root.join("proc"))?;
        let follow = ["--follow-links", "--one-file-system"].map(OsStr::new);
        let found = self.verify(&[follow[0], follow[1], root.as_os_str()], 1)?;
        let expected = (BTreeSet::from([root.join("a.exe")]), BTreeSet::new());
        if found == expected { Ok(()) } else { Err(format!("a link to /proc: {found:?}")) }
    }

    /// Checks that the walk ends in a folder that is mounted below itself.
    fn bind(&self) -> Result<(), String> {
        let root = self.folder.join("bind");
        let (above, below) = (root.join("a.exe"), root.join("sub/again/a.exe"));
        image(&above)?;
        let both = BTreeSet::from([above.clone(), below]);
        let at = root.join("sub/again");
        fs::create_dir_all(&at).map_err(told(&at))?;
        // No link leads to the mounted folder, so netswap may enter it. The same path inside it is
        // empty, because a bind mount does not include other mounts.
        for arguments in [&[][..], &["--follow-links"], &["--one-file-system"]] {
            let own = [root.as_os_str(), at.as_os_str()];
            let mut verify = self.netswap.with_mounts(BIND, &own, "verify");
            verify.args(["--format", "ndjson"]).args(arguments).arg(&root);
            let ran = ran(&mut verify)?.ended_with(1)?;
            let found = ran.paths("failed")?;
            if !found.contains(&above) || found.len() > 2 || !found.is_subset(&both) {
                return Err(ran.wrong("it found other files in the mounted loop"));
            }
        }
        Ok(())
    }
}

/// Returns the paths of this type that `find` finds.
fn find(root: &Path, links: &str, kind: &str) -> Result<BTreeSet<PathBuf>, String> {
    let mut find = Command::new("find");
    find.arg(links).arg(root).args(["-type", kind, "-print0"]).stderr(Stdio::null());
    let output = find.output().map_err(|error| format!("find: {error}"))?;
    let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| OsString::from_vec(path.to_vec()).into()).collect())
}

fn contents(files: &BTreeSet<PathBuf>) -> Result<Vec<Vec<u8>>, String> {
    files.iter().map(|file| fs::read(file).map_err(told(file))).collect()
}

/// Writes an image without the bit.
pub(super) fn image(path: &Path) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(told(folder))?;
    fs::write(path, Image::exe().sum(Sum::Right).bytes()).map_err(told(path))
}

fn link(to: impl AsRef<Path>, at: &Path) -> Result<(), String> {
    symlink(to, at).map_err(told(at))
}
