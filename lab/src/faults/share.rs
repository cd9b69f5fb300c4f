//! Tests a FUSE share. Reads of some files fail with EIO, and the share goes away during a run, as
//! when a server shuts down.
//!
//! verify reports the files that it can't read, and never waits for them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::Options;
use super::program::{Netswap, is_root};
use super::report::Report;
use super::tree::{Tree, test_folder};
use crate::NotPassed;
use crate::outcome::Outcome;
use crate::slow_fs::SlowFs;

const FILES: usize = 1000;

/// The latency of the share that goes away, in milliseconds per request.
const LATENCY: u32 = 10;

/// Moments when the share goes away, as fractions of the usual duration of verify.
const DISCONNECTS: [f64; 3] = [0.4, 0.6, 0.8];

pub(super) fn run(netswap: &Netswap, _: &Options) -> Result<String, NotPassed> {
    let share = SlowFs::build().map_err(NotPassed::NotRun)?;
    let tree = Tree::create(&test_folder("share")?.join("tree"), FILES)?;
    let failing = failing_reads(&share, netswap, &tree)?;
    if !is_root() {
        return Err(NotPassed::NotRun("only root can disconnect a share".to_owned()));
    }
    let mount = share.mount(&tree.root, LATENCY, None)?;
    let usual = Outcome::run(&mut verify(&share, netswap))?.expect_code(1)?.seconds;
    drop(mount);
    let mut results = Vec::new();
    for fraction in DISCONNECTS {
        results.push(disconnect(&share, netswap, &tree, usual * fraction)?);
    }
    Ok(format!(
        "{failing} of {FILES} files fail with EIO: reported, the others read, exit code 2; share disconnected during a run of {usual:.1} s: {}, exit code 2",
        results.join(", ")
    ))
}

fn verify(share: &SlowFs, netswap: &Netswap) -> Command {
    let mut verify = netswap.with_timeout("verify");
    verify.args(["--format", "ndjson"]).arg(&share.root);
    verify
}

/// Disconnects the share after this many seconds of verify. Returns a summary of the report.
fn disconnect(
    share: &SlowFs,
    netswap: &Netswap,
    tree: &Tree,
    seconds: f64,
) -> Result<String, String> {
    let mount = share.mount(&tree.root, LATENCY, None)?;
    let umount = |option: &str| {
        let mut umount = Command::new("umount");
        umount.arg(option).arg(&share.root).stderr(Stdio::null());
        umount.status()
    };
    let report = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_secs_f64(seconds));
            // This ends all requests, and reports that the mount is in use.
            umount("--force")
        });
        Report::run(&mut verify(share, netswap), &[2])
    });
    drop(mount);
    // A share that no longer has requests is not unmounted by its own program.
    let _ = umount("--lazy");
    let report = report?;
    let (unreadable, read) = (report.count("unreadable")?, report.count("images")?);
    if unreadable == 0 || read == 0 {
        return Err(report.error("the share was not disconnected while verify was reading"));
    }
    let seconds = report.outcome.seconds;
    Ok(format!("{read} images read and {unreadable} files or folders unreadable in {seconds:.1} s"))
}

/// Makes the reads of some files fail. Returns how many files verify reports as unreadable.
fn failing_reads(share: &SlowFs, netswap: &Netswap, tree: &Tree) -> Result<usize, String> {
    let _mount = share.mount(&tree.root, 0, Some("image-???0.exe"))?;
    let report = Report::run(&mut verify(share, netswap), &[2])?;
    Report::run(verify(share, netswap).arg("--ignore-unreadable"), &[1])?;
    let fails = |path: &&PathBuf| path.to_string_lossy().ends_with("0.exe");
    let failing = tree.files.iter().map(|file| &file.path).filter(fails).count();
    let unreadable = report.paths("unreadable")?;
    if unreadable.len() != failing || !unreadable.iter().all(|path| fails(&path)) {
        return Err(report.error("the unreadable files are not those whose reads fail"));
    }
    if report.count("files")? != FILES {
        return Err(report.error("the report does not count all files"));
    }
    report.count("unreadable")
}
