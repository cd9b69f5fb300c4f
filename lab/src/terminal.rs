//! A shell in a terminal, which keys are typed into.
//!
//! `script` from util-linux, which every Debian system has, provides the terminal.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::files::{at, write, write_script};

/// The time in which a shell must start, and run a command. A busy machine needs seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The times without output after which a shell waits for keys. It drops keys that come while it
/// starts or ends a command. On a busy machine, the shorter times can be too short.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4)];

/// Typed to find out whether the shell has started.
const READY: &str = "ready";

/// Clears the line.
const INTERRUPT: &str = "\u{3}";

/// A running shell. `netswap` in it is a stand-in, which writes its arguments to a log, one call a
/// line. So the log shows what the shell completed.
pub(crate) struct Terminal {
    script: Child,
    keys: ChildStdin,
    log: PathBuf,
    screen: PathBuf,
}

impl Terminal {
    /// Starts a command line in this home folder. Waits until the shell reads commands.
    pub(crate) fn start(home: &Path, command: &str) -> Result<Self, String> {
        let (log, screen) = (home.join("netswap.log"), home.join("screen"));
        write(&log, "")?;
        write(&screen, "")?;
        let mut script = command_in(home, "script");
        // The size of a terminal without a window is 0, in which shells show nothing.
        let command = format!("stty rows 50 cols 200; exec {command}");
        script.args(["--quiet", "--flush", "--command", &command]).arg(&screen);
        script.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut script = script.spawn().map_err(|error| format!("script: {error}"))?;
        let keys = script.stdin.take().ok_or("script has no standard input")?;
        let mut terminal = Terminal { script, keys, log, screen };
        let start = Instant::now();
        while !fs::read_to_string(&terminal.log).map_err(at(&terminal.log))?.contains(READY) {
            ensure!(start.elapsed() < PATIENCE, "{command}: the shell did not start");
            terminal.press(&format!("netswap {READY}\r"), Duration::from_secs(1))?;
        }
        Ok(terminal)
    }

    /// Types `netswap`, a space, this text, Tab and Enter. Returns the arguments that netswap got,
    /// separated by `|`. Tries longer pauses until they are the expected ones.
    pub(crate) fn complete(&mut self, text: &str, expected: &str) -> Result<String, String> {
        let mut got = String::new();
        for pause in PAUSES {
            let before = self.calls()?.len();
            self.press(&format!("netswap {text}"), pause)?;
            self.press("\t", pause)?;
            // In a menu, the first Enter selects an entry.
            for _ in 0..2 {
                if self.calls()?.len() == before {
                    self.press("\r", pause)?;
                }
            }
            let calls = self.calls()?;
            got = calls.get(before..).unwrap_or_default().join("; ");
            if got == expected {
                break;
            }
            self.press(INTERRUPT, pause)?;
        }
        Ok(got)
    }

    /// Types `netswap`, a space, this text, and Tab twice. Returns the first of the words that the
    /// terminal does not show, if any.
    pub(crate) fn list<'a>(
        &mut self,
        text: &str,
        words: &[&'a str],
    ) -> Result<Option<&'a str>, String> {
        let mut missing = None;
        for pause in PAUSES {
            let before = self.shown()?.len();
            self.press(&format!("netswap {text}"), pause)?;
            self.press("\t", pause)?;
            self.press("\t", pause)?;
            let shown = self.shown()?;
            let shown = String::from_utf8_lossy(shown.get(before..).unwrap_or_default());
            missing = words.iter().find(|word| !shown.contains(**word)).copied();
            self.press(INTERRUPT, pause)?;
            if missing.is_none() {
                break;
            }
        }
        Ok(missing)
    }

    /// Presses keys, and waits until the terminal has not changed for this time.
    fn press(&mut self, keys: &str, pause: Duration) -> Result<(), String> {
        let pressed = self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush());
        pressed.map_err(|error| format!("the shell has ended: {error}"))?;
        let start = Instant::now();
        let (mut length, mut changed) = (0, start);
        while changed.elapsed() < pause && start.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20));
            let now = self.shown()?.len();
            if now != length {
                (length, changed) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// Returns the calls of netswap, without those that found out whether the shell has started.
    fn calls(&self) -> Result<Vec<String>, String> {
        let log = fs::read_to_string(&self.log).map_err(at(&self.log))?;
        // An incomplete line is still being written.
        let lines = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        Ok(lines.filter(|line| *line != READY).map(str::to_owned).collect())
    }

    /// Returns what the terminal has shown.
    fn shown(&self) -> Result<Vec<u8>, String> {
        fs::read(&self.screen).map_err(at(&self.screen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// Returns a command in a home folder, in which `~/bin` comes first in `PATH`.
pub(crate) fn command_in(home: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = format!("{}:/usr/bin:/bin", home.join("bin").display());
    command.env_clear().env("HOME", home).env("PATH", path).env("TERM", "xterm");
    command.env("SHELL", "/bin/sh").current_dir(home);
    command
}

/// Writes the stand-in for netswap. For `generate completions` it runs the real program, and passes
/// the script through this sed expression.
pub(crate) fn write_stand_in(home: &Path, netswap: &Path, sed: &str) -> Result<(), String> {
    let (netswap, log) = (netswap.display(), home.join("netswap.log"));
    let commands = format!(
        "if [ \"$#\" = 3 ] && [ \"$1\" = generate ]; then\n\
         \x20   '{netswap}' \"$@\" | sed '{sed}'\n\
         fi\n\
         line=\n\
         for word; do line=\"$line${{line:+|}}$word\"; done\n\
         echo \"$line\" >> '{}'\n",
        log.display()
    );
    write_script(&home.join("bin/netswap"), &commands)
}
