//! Interleaved rounds, and the cost of one variant compared with another.

use std::fmt;

/// Runs each variant once per round and returns the results by variant. `unmeasured` extra rounds
/// run first to warm the caches; their results are discarded.
pub(crate) fn interleaved<V, T>(
    rounds: usize,
    unmeasured: usize,
    variants: &[V],
    mut run: impl FnMut(&V) -> Result<T, String>,
) -> Result<Vec<Vec<T>>, String> {
    let mut all: Vec<Vec<T>> = variants.iter().map(|_| Vec::new()).collect();
    for round in 0..unmeasured + rounds {
        for (variant, results) in variants.iter().zip(&mut all) {
            let result = run(variant)?;
            if round >= unmeasured {
                results.push(result);
            }
        }
    }
    Ok(all)
}

/// Returns the middle value, or NaN if there are no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The seconds of a variant and their ratio to a reference, compared round by round.
pub(crate) struct Ratio {
    seconds: f64,
    median: f64,
    least: f64,
    most: f64,
}

impl Ratio {
    pub(crate) const HEADINGS: &str = "   median   ratio       min-max";

    /// Compares the seconds of each round with those of the reference.
    pub(crate) fn new(own: &[f64], reference: &[f64]) -> Self {
        let ratios: Vec<f64> =
            own.iter().zip(reference).map(|(own, reference)| own / reference).collect();
        let ratios = sorted(&ratios);
        Ratio {
            seconds: median(own),
            median: median(&ratios),
            least: ratios.first().copied().unwrap_or(f64::NAN),
            most: ratios.last().copied().unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ratio { seconds, median, least, most } = self;
        write!(f, "{seconds:>7.3} s {median:>7.2} {least:>6.2}-{most:<6.2}")
    }
}
