//! The progress bar: on a terminal only, and never in the way of what is printed.

pub(crate) struct Progress {
    /// None where it would not be seen.
    #[cfg(feature = "cli")]
    bar: Option<indicatif::ProgressBar>,
}

impl Progress {
    /// None.
    pub(crate) fn hidden() -> Self {
        Progress {
            #[cfg(feature = "cli")]
            bar: None,
        }
    }

    /// One that shows how many files have been looked at, and how many a second, if standard error is
    /// a terminal.
    #[cfg(feature = "cli")]
    pub(crate) fn of(looked_at: std::sync::Arc<std::sync::atomic::AtomicU64>) -> Self {
        use std::fmt::Write;
        use std::time::Duration;

        use indicatif::{ProgressBar, ProgressState, ProgressStyle};

        let show = move |state: &ProgressState, to: &mut dyn Write| {
            let files = looked_at.load(std::sync::atomic::Ordering::Relaxed);
            let seconds = state.elapsed().as_secs_f64().max(0.001);
            #[expect(clippy::cast_precision_loss, reason = "it is for the eye")]
            let rate = files as f64 / seconds;
            // What can't be shown is not shown.
            let _ = write!(to, "{files} files, {rate:.0} a second");
        };
        let style = ProgressStyle::with_template("{spinner} {files}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::no_length().with_style(style.with_key("files", show));
        if bar.is_hidden() {
            return Progress::hidden();
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar: Some(bar) }
    }

    /// Writes something while the bar makes room.
    #[cfg_attr(not(feature = "cli"), expect(clippy::unused_self, reason = "there is no bar"))]
    pub(crate) fn apart<T>(&self, write: impl FnOnce() -> T) -> T {
        #[cfg(feature = "cli")]
        if let Some(bar) = &self.bar {
            return bar.suspend(write);
        }
        write()
    }

    /// Takes it away.
    #[cfg_attr(not(feature = "cli"), expect(clippy::unused_self, reason = "there is no bar"))]
    pub(crate) fn clear(&self) {
        #[cfg(feature = "cli")]
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
