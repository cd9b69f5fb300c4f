//! `cargo xtask servers`: makes the reports of three servers with the script in the book, and asks
//! DuckDB the questions in the book. `--write` writes the answers to the book's page.
//!
//! The files are real images by several vendors and hand-made ones, so the answers are known.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use testkit::image::{Image, NET};

use crate::corpus::{self, Selection};
use crate::files::{at, create_folder, empty_folder, files_below, scratch, write, write_script};
use crate::outcome::Outcome;
use crate::page::Page;
use crate::process::check;
use crate::tools::Python;
use crate::{NotPassed, programs};

/// A question: the name of its part of the page, and the expected answer as CSV. Then a part of the
/// query, and another part in its place that must change the answer.
type Question = (&'static str, &'static str, [&'static str; 2]);

/// The questions, in the order of the page.
const QUESTIONS: [Question; 4] = [
    (
        "reports",
        "\
server,day,images,failed,unreadable,interrupted
fs3,2026-11-21,3,2,0,false
fs1,2026-11-28,2,1,0,false
fs2,2026-11-28,3,2,0,false
",
        ["summary' AND is_latest", "summary'"],
    ),
    (
        "signers",
        "\
signer,images,servers,newest
not signed,1,1,2026-11-26 09:30:00
AutoIt Consulting Ltd,3,2,2026-11-24 06:00:00
Illusory Studios LLC,1,1,2024-03-01 12:00:00
",
        ["'failed'", "'passed'"],
    ),
    (
        "images",
        "\
modified,server,path,signer
2026-11-26 09:30:00,fs2,tools/rates.dll,NULL
2026-11-24 06:00:00,fs1,tools/AutoItX3.dll,AutoIt Consulting Ltd
2024-03-01 12:00:00,fs2,tools/HidSharp.dll,Illusory Studios LLC
2019-05-14 08:00:00,fs3,tools/AutoItX3.dll,AutoIt Consulting Ltd
2019-05-14 08:00:00,fs3,tools/old/AutoItX3.dll,AutoIt Consulting Ltd
",
        ["'failed'", "'passed'"],
    ),
    (
        "lost",
        "\
day,server,path,modified,signer
2026-11-28,fs1,tools/AutoItX3.dll,2026-11-24 06:00:00,AutoIt Consulting Ltd
",
        ["'passed'", "'failed'"],
    ),
];

// Times in seconds since 1970.
/// 2019-05-14 08:00.
const OLD: u64 = 1_557_820_800;
/// 2024-03-01 12:00.
const LATER: u64 = 1_709_294_400;
/// 2026-11-24 06:00.
const UPDATE: u64 = 1_795_500_000;
/// 2026-11-26 09:30.
const NEW: u64 = 1_795_685_400;

/// Makes the reports and asks the questions. `--write` writes the page of the book.
pub fn run(arguments: &[String]) -> Result<(), NotPassed> {
    let is_written = match arguments {
        [] => false,
        [flag] if flag == "--write" => true,
        _ => return Err(NotPassed::Usage("usage: cargo xtask servers [--write]".to_owned())),
    };
    if cfg!(windows) {
        return Err(NotPassed::NotRun("it runs a shell script, which Windows can't".to_owned()));
    }
    let duckdb = Python::find().map_err(NotPassed::NotRun)?.path("duckdb_cli/duckdb");
    let mut page = Page::read("many-servers.md", "cargo xtask servers --write", str::to_owned)?;
    let servers = Servers::new(&page.blocks("sh").concat())?;
    servers.make_reports()?;
    let blocks = page.blocks("sql");
    let [view, queries @ ..] = &blocks[..] else {
        return Err("the page has no query".to_owned().into());
    };
    ensure!(queries.len() == QUESTIONS.len(), "the page has {} queries", queries.len());
    for ((name, expected, [word, other]), query) in QUESTIONS.into_iter().zip(queries) {
        let ask = |query: &str, mode| {
            let mut duckdb = Command::new(&duckdb);
            duckdb.args(["-no-init", mode, "-c", view, "-c", query]).current_dir(&servers.root);
            Ok::<_, String>(Outcome::run(&mut duckdb)?.expect_code(0)?.text())
        };
        let answer = ask(query, "-csv")?;
        ensure!(answer == expected, "{name}: the answer is\n{answer}instead of\n{expected}");
        let changed = query.replacen(word, other, 1);
        ensure!(ask(&changed, "-csv")? != expected, "{name}: a wrong query has the same answer");
        page.show(name, &format!("```text\n{}```\n", ask(query, "-box")?), is_written)?;
    }
    println!("DuckDB answers {} questions about the reports of three servers", queries.len());
    Ok(())
}

/// Three servers, whose folders are in one folder with that of the reports.
struct Servers {
    root: PathBuf,
    netswap: PathBuf,
    script: PathBuf,
    /// The folder with the programs that the script runs.
    programs: PathBuf,
    auto_it: Vec<u8>,
    hid_sharp: Vec<u8>,
}

impl Servers {
    fn new(script: &str) -> Result<Self, String> {
        let root = empty_folder(scratch("servers"))?;
        create_folder(root.join("reports"))?;
        for server in ["fs1", "fs2", "fs3"] {
            create_folder(root.join(server).join("tools"))?;
            // On a real server, this is a mounted share.
            let mut link = Command::new("ln");
            check(link.args(["-s", "../reports"]).arg(root.join(server).join("reports")))?;
        }
        let programs = create_folder(root.join("programs"))?;
        let netswap = programs::debug("netswap")?;
        write_script(&programs.join("netswap"), &format!("exec '{}' \"$@\"\n", netswap.display()))?;
        let script_path = root.join("script.sh");
        write(&script_path, script)?;
        let (auto_it, hid_sharp) = (vendor_file("AutoItX3.dll")?, vendor_file("HidSharp.dll")?);
        Ok(Servers { root, netswap, script: script_path, programs, auto_it, hid_sharp })
    }

    /// Makes the reports of two weeks. Between them, an update replaces a patched file, and a new
    /// file is copied to a share. One server makes no second report.
    fn make_reports(&self) -> Result<(), String> {
        let (with_bit, without_bit) = (Image::exe().with(NET).bytes(), Image::dll().bytes());
        self.add("fs1", "AutoItX3.dll", &self.auto_it, OLD)?;
        self.add("fs1", "ledger.exe", &with_bit, OLD)?;
        self.add("fs2", "HidSharp.dll", &self.hid_sharp, LATER)?;
        self.add("fs2", "ledger.exe", &with_bit, OLD)?;
        self.add("fs3", "AutoItX3.dll", &self.auto_it, OLD)?;
        self.add("fs3", "old/AutoItX3.dll", &self.auto_it, OLD)?;
        self.add("fs3", "ledger.exe", &with_bit, OLD)?;
        let mut patch = Command::new(&self.netswap);
        patch.args([
            "patch",
            "fs1/tools/AutoItX3.dll",
            "--break-signature",
            "--journal",
            "journal",
        ]);
        Outcome::run(patch.current_dir(&self.root))?.expect_code(0)?;
        for (server, code) in [("fs1", 0), ("fs2", 1), ("fs3", 1)] {
            self.report(server, "2026-11-21", code)?;
        }
        self.add("fs1", "AutoItX3.dll", &self.auto_it, UPDATE)?;
        self.add("fs2", "rates.dll", &without_bit, NEW)?;
        for (server, code) in [("fs1", 1), ("fs2", 1)] {
            self.report(server, "2026-11-28", code)?;
        }
        Ok(())
    }

    /// Writes a file that was last changed at this time.
    fn add(&self, server: &str, name: &str, bytes: &[u8], time: u64) -> Result<(), String> {
        let path = self.root.join(server).join("tools").join(name);
        write(&path, bytes)?;
        let file = File::options().write(true).open(&path).map_err(at(&path))?;
        file.set_modified(UNIX_EPOCH + Duration::from_secs(time)).map_err(at(&path))
    }

    /// Runs the script on a server on a day. Its `date` and `hostname` print these.
    fn report(&self, server: &str, day: &str, code: i32) -> Result<(), String> {
        write_script(&self.programs.join("date"), &format!("echo {day}\n"))?;
        write_script(&self.programs.join("hostname"), &format!("echo {server}\n"))?;
        let path = crate::env::variable("PATH").unwrap_or_default();
        let folders = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).map_err(|error| error.to_string())?;
        let mut script = Command::new("sh");
        script.arg(&self.script).current_dir(self.root.join(server)).env("PATH", path);
        Outcome::run(&mut script)?.expect_code(code)?;
        let report = self.root.join("reports").join(day).join(server).with_extension("ndjson");
        ensure!(report.is_file(), "the script has not written {}", report.display());
        Ok(())
    }
}

/// Returns the content of the file with this name in the corpus.
fn vendor_file(name: &str) -> Result<Vec<u8>, String> {
    let corpus = corpus::fetch(Selection::Small)?;
    for folder in &corpus.folders {
        let files = files_below(&corpus.root.join(folder))?;
        if let Some(file) = files.iter().find(|file| file.ends_with(Path::new(name))) {
            return fs::read(file).map_err(at(file));
        }
    }
    Err(format!("the corpus has no {name}"))
}
