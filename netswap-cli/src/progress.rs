//! The progress bar.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressState, ProgressStyle};
use netswap::output::Progress;

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
            let seconds = state.elapsed().as_secs_f64().max(0.001);
            #[expect(clippy::cast_precision_loss, reason = "it is rounded")]
            let rate = files as f64 / seconds;
            let _ = write!(to, "{files} files, {rate:.0} a second");
        };
        let style = ProgressStyle::with_template("{spinner} {files}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.with_key("files", show));
        bar.enable_steady_tick(Duration::from_millis(100));
        ProgressBar(bar)
    }
}

impl Progress for ProgressBar {
    fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}
