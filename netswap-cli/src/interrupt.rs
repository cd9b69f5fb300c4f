//! Ctrl-C and SIGTERM: the first one lets the command finish its files and its report, and the
//! second one ends the program at once.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netswap::ExitCode;
use netswap::output::remove_incomplete;

/// Signals within this time after the first one count as the same interrupt. `timeout` and service
/// managers send a signal to the program, and then to its group.
const SAME_INTERRUPT: Duration = Duration::from_millis(200);

/// Returns a flag that is set when Ctrl-C, Ctrl-Break, SIGTERM or SIGHUP asks the program to end.
/// Must be called only once.
///
/// A second request ends the program. That is safe at any time, even while it patches files: an
/// entry is on the disk before its file is changed. Windows ends a program at once when its console
/// window is closed.
///
/// If one of the signals is ignored, as SIGHUP is after `nohup`, the flag is never set and the
/// signals have their usual effect. A handler would make `nohup` useless.
pub(crate) fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::<AtomicBool>::default();
    let stop = flag.clone();
    let mut first = None;
    // Without a handler the signals end the program, which is safe too.
    let _ = ctrlc::try_set_handler(move || {
        if is_second(&mut first, Instant::now()) {
            remove_incomplete();
            process::exit(ExitCode::Interrupted as i32);
        }
        stop.store(true, Ordering::Relaxed);
    });
    flag
}

/// Whether a signal at this time is a second interrupt. Remembers the time of the first signal.
fn is_second(first: &mut Option<Instant>, now: Instant) -> bool {
    let first = *first.get_or_insert(now);
    now.duration_since(first) > SAME_INTERRUPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_in_quick_succession_are_one_interrupt() {
        let (mut first, start) = (None, Instant::now());
        for (milliseconds, expected) in [(0, false), (0, false), (200, false), (201, true)] {
            let now = start + Duration::from_millis(milliseconds);
            assert_eq!(is_second(&mut first, now), expected, "{milliseconds}");
        }
    }
}
