//! The progress bar.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressState, ProgressStyle};
use netswap::output::Progress;
use netswap::text::{number, plural};

/// A progress bar on standard error. Only a terminal shows it.
pub(crate) struct ProgressBar(indicatif::ProgressBar);

impl ProgressBar {
    /// Returns a bar that shows the number of files so far, and the files per second. A quiet bar
    /// is not shown.
    pub(crate) fn new(files: Arc<AtomicU64>, is_quiet: bool) -> Self {
        let bar = indicatif::ProgressBar::no_length();
        if is_quiet || bar.is_hidden() {
            return ProgressBar(indicatif::ProgressBar::hidden());
        }
        let show = move |state: &ProgressState, to: &mut dyn Write| {
            let files = files.load(Ordering::Relaxed);
            let _ = write!(to, "{}", text(files, state.elapsed()));
        };
        let style = ProgressStyle::with_template("{spinner} {files}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.with_key("files", show));
        bar.enable_steady_tick(Duration::from_millis(100));
        ProgressBar(bar)
    }
}

/// Formats the number of files and the rate: `96,940 files, 242,662 per second`.
fn text(files: u64, elapsed: Duration) -> String {
    let rate = u128::from(files) * 1000 / elapsed.as_millis().max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    format!("{}, {} per second", plural(files, "file", "files"), number(rate))
}

impl Progress for ProgressBar {
    fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        let text = |files, milliseconds| text(files, Duration::from_millis(milliseconds));
        assert_eq!(text(96_940, 400), "96,940 files, 242,350 per second");
        assert_eq!(text(1, 0), "1 file, 1,000 per second");
        assert_eq!(
            text(u64::MAX, 1),
            "18,446,744,073,709,551,615 files, 18,446,744,073,709,551,615 per second"
        );
    }
}
