//! The progress bar.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressState, ProgressStyle};
use netswap::output::Progress;

/// A progress bar on standard error. Only a terminal shows it.
pub(crate) struct ProgressBar {
    bar: Option<indicatif::ProgressBar>,
}

impl ProgressBar {
    /// Returns a bar that is not shown.
    pub(crate) fn hidden() -> Self {
        ProgressBar { bar: None }
    }

    /// Returns a bar that shows the number of files so far, and the files per second.
    pub(crate) fn new(files: Arc<AtomicU64>) -> Self {
        let show = move |state: &ProgressState, to: &mut dyn Write| {
            let files = files.load(Ordering::Relaxed);
            let seconds = state.elapsed().as_secs_f64().max(0.001);
            #[expect(clippy::cast_precision_loss, reason = "it is rounded")]
            let rate = files as f64 / seconds;
            let _ = write!(to, "{files} files, {rate:.0} a second");
        };
        let style = ProgressStyle::with_template("{spinner} {files}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = indicatif::ProgressBar::no_length().with_style(style.with_key("files", show));
        if bar.is_hidden() {
            return ProgressBar::hidden();
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        ProgressBar { bar: Some(bar) }
    }
}

impl Progress for ProgressBar {
    fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
