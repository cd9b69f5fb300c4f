//! Runs the programs that are tested, and checks their exit code and output.

use std::io;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The exit code, output and duration of a finished program.
pub(crate) struct Outcome {
    command: String,
    /// The exit code. `None` if a signal ended the program.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) seconds: f64,
}

impl Outcome {
    /// Runs a program to its end. A panic is an error.
    pub(crate) fn run(command: &mut Command) -> Result<Self, String> {
        Self::wait(command, Command::output)
    }

    /// Runs a program, sends it SIGINT after a time, and waits for its end. A panic is an error. The
    /// program handles signals even if `nohup` or a shell makes this process ignore them.
    pub(crate) fn run_interrupted(command: &Command, after: Duration) -> Result<Self, String> {
        let mut env = Command::new("env");
        env.arg("--default-signal=INT,TERM,HUP")
            .arg(command.get_program())
            .args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            env.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => env.env(name, value),
                None => env.env_remove(name),
            };
        }
        Self::wait(&mut env, |command| {
            let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = child.spawn()?;
            let mut kill = Command::new("sh");
            kill.args(["-c", "kill -s INT \"$0\"", &child.id().to_string()]).stderr(Stdio::null());
            thread::scope(|scope| {
                scope.spawn(move || {
                    thread::sleep(after);
                    kill.status()
                });
                child.wait_with_output()
            })
        })
    }

    fn wait(
        command: &mut Command,
        run: impl FnOnce(&mut Command) -> io::Result<Output>,
    ) -> Result<Self, String> {
        let start = Instant::now();
        let output = run(command).map_err(|error| format!("{command:?}: {error}"))?;
        let outcome = Outcome {
            command: format!("{command:?}"),
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
            seconds: start.elapsed().as_secs_f64(),
        };
        if text(&outcome.stderr).contains("panicked") {
            return Err(outcome.error("the program panicked"));
        }
        Ok(outcome)
    }

    /// Returns the standard output, with Unix line ends.
    pub(crate) fn text(&self) -> String {
        text(&self.stdout)
    }

    /// Checks the exit code, and that the output contains all these parts.
    pub(crate) fn expect(self, code: i32, parts: &[&str]) -> Result<Self, String> {
        let outcome = self.expect_code(code)?;
        let (stdout, stderr) = (outcome.text(), text(&outcome.stderr));
        match parts.iter().find(|part| !stdout.contains(**part) && !stderr.contains(**part)) {
            Some(part) => Err(outcome.error(&format!("the output lacks {part:?}"))),
            None => Ok(outcome),
        }
    }

    pub(crate) fn expect_code(self, code: i32) -> Result<Self, String> {
        self.expect_codes(&[code])
    }

    /// Checks that the exit code is one of these.
    pub(crate) fn expect_codes(self, codes: &[i32]) -> Result<Self, String> {
        match self.code {
            Some(code) if codes.contains(&code) => Ok(self),
            Some(code) => Err(self.error(&format!("exit code {code} instead of {codes:?}"))),
            None => Err(self.error("a signal ended the program")),
        }
    }

    /// Checks that standard error contains this text.
    pub(crate) fn expect_stderr(self, part: &str) -> Result<Self, String> {
        let has_part = text(&self.stderr).contains(part);
        if has_part { Ok(self) } else { Err(self.error(&format!("stderr lacks {part:?}"))) }
    }

    /// Returns an error message: the reason, the command, and the last ten lines of each output.
    pub(crate) fn error(&self, reason: &str) -> String {
        let tail = |bytes: &[u8]| {
            let text = text(bytes);
            let skipped = text.lines().count().saturating_sub(10);
            text.lines().skip(skipped).flat_map(|line| ["\n    ", line]).collect::<String>()
        };
        format!("{reason}: {}{}{}", self.command, tail(&self.stdout), tail(&self.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}
