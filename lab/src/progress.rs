//! Shows which of several steps is running, and for how long.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time between two lines. Without them, minutes can pass without a sign of progress.
const INTERVAL: Duration = Duration::from_secs(30);

/// A step that is running. Until it is dropped, it prints a line every half minute.
pub struct Step {
    start: Instant,
    /// Dropped first, so that the thread ends.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Step {
    /// Prints the step's name and number, and the time since the first step began.
    pub fn begin(name: &str, number: usize, count: usize, first: Instant) -> Self {
        let title = format!("[{number}/{count}] {name}");
        println!("\n== {title}  (after {})", minutes(first.elapsed()));
        let start = Instant::now();
        let (end, ended) = mpsc::channel();
        let thread = thread::spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                println!("== {title}: running for {}", minutes(start.elapsed()));
            }
        });
        Step { start, end: Some(end), thread: Some(thread) }
    }

    /// Returns the time since the step began.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.end = None;
        // The thread only prints and waits, so it does not fail.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Formats a duration as `1 min 05 s`.
pub fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}
