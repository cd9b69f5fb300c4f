//! Tests a FUSE share. Reads of some files fail with EIO, and the share goes away during a run, as
//! when a server shuts down.
//!
//! verify reports the files that it can't read, and never waits for them.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::Options;
use super::program::{Netswap, is_root, ran};
use super::tree::{Tree, fresh};
use crate::NotPassed;
use crate::slow_fs::SlowFs;

const FILES: usize = 1000;

/// Milliseconds that a request takes on the share that goes away.
const MILLISECONDS: u32 = 10;

/// Moments when the share goes away, as fractions of the usual duration of verify.
const GOES_AWAY: [f64; 3] = [0.4, 0.6, 0.8];

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let share = SlowFs::build().map_err(NotPassed::NotRun)?;
    let tree = Tree::make(&fresh("share")?.join("tree"), FILES)?;
    let failing = reads_fail(&share, netswap, &tree)?;
    if !is_root() {
        return Err(NotPassed::NotRun("only root can take a share away".to_owned()));
    }
    let mount = share.mount(&tree.root, MILLISECONDS, None)?;
    let usual = ran(&mut verify(&share, netswap))?.ended_with(1)?.seconds;
    drop(mount);
    let mut told = Vec::new();
    for part in GOES_AWAY {
        told.push(goes_away(&share, netswap, &tree, usual * part)?);
    }
    Ok(format!(
        "{failing} of {FILES} files fail with EIO: told, the others read, exit code 2; the share goes away in the midst of {usual:.1} s: {}, exit code 2",
        told.join(", ")
    ))
}

fn verify(share: &SlowFs, netswap: &Netswap) -> Command {
    let mut verify = netswap.bounded("verify");
    verify.args(["--format", "ndjson"]).arg(share.root());
    verify
}

/// Takes the share away after this many seconds. Returns a summary of what verify read.
fn goes_away(share: &SlowFs, netswap: &Netswap, tree: &Tree, after: f64) -> Result<String, String> {
    let mount = share.mount(&tree.root, MILLISECONDS, None)?;
    let umount = |how: &str| {
        let mut umount = Command::new("umount");
        umount.arg(how).arg(share.root()).stderr(Stdio::null());
        umount.status()
    };
    let ran = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_secs_f64(after));
            // This ends all requests, and reports that the mount is in use.
            umount("--force")
        });
        ran(&mut verify(share, netswap))
    });
    drop(mount);
    // A share that no longer has requests is not unmounted by its own program.
    let _ = umount("--lazy");
    let ran = ran?.ended_with(2)?;
    let (unreadable, read) = (ran.count("unreadable")?, ran.count("images")?);
    if unreadable == 0 || read == 0 {
        return Err(ran.wrong("the share did not go away in its midst"));
    }
    Ok(format!("{read} images read and {unreadable} files or folders told in {:.1} s", ran.seconds))
}

/// Lets the reads of some files fail. Returns how many files verify reports as unreadable.
fn reads_fail(share: &SlowFs, netswap: &Netswap, tree: &Tree) -> Result<u64, String> {
    let mount = share.mount(&tree.root, 0, Some("image-???0.exe"))?;
    let verify = |arguments: &[&str]| ran(verify(share, netswap).args(arguments));
    let all = verify(&[])?.ended_with(2)?;
    verify(&["--ignore-unreadable"])?.ended_with(1)?;
    drop(mount);
    let names = tree.files.iter().map(|file| file.path.to_string_lossy());
    let bad = names.filter(|name| name.ends_with("0.exe")).count();
    let told = all.paths("unreadable")?;
    if told.len() != bad || told.iter().any(|path| !path.to_string_lossy().ends_with("0.exe")) {
        return Err(all.wrong("it tells of other files as unreadable than those that fail"));
    }
    let files = all.count("files")?;
    if usize::try_from(files) != Ok(FILES) {
        return Err(all.wrong("it did not look at all files"));
    }
    all.count("unreadable")
}
