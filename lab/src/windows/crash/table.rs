//! Makes a dump of each kind: all places, accesses and statuses, images with the bit, and dumps
//! without an in-page error.

use super::super::{Setup, Told};
use super::compare::CAUSES;
use super::{ACCESSES, Bits, Crash, Kind, NETWORK, PLACES, build, dumps_of};

/// Returns every kind of crash.
///
/// Each place occurs with each status. The accesses are assigned so that each occurs with each
/// place and with each status. Added are images with the bit, and dumps without an in-page error.
fn table() -> Vec<Crash> {
    let of = |bits, kind| Crash { bits, kind, full: false };
    let in_page = |place, access, status| Kind::InPage { place, offset: 0, access, status };
    let mut table = Vec::new();
    for (at, (place, image)) in PLACES.into_iter().enumerate() {
        let accesses = ACCESSES.into_iter().cycle().skip(at);
        for ((status, _), (access, _)) in CAUSES.into_iter().zip(accesses) {
            table.push(of(Bits::Neither, in_page(place, access, status)));
        }
        if image.is_some() {
            let with = [Bits::Program, Bits::Both];
            table.extend(with.map(|bits| of(bits, in_page(place, "read", NETWORK))));
        }
    }
    table.extend([Kind::AccessViolation, Kind::None].map(|kind| of(Bits::Neither, kind)));
    table
}

/// Makes all dumps, and compares what the readers find in them with the table.
pub(in super::super) fn dumps(setup: &Setup<'_>) -> Result<Told, String> {
    build(setup)?;
    let crashes: Vec<_> = table().into_iter().map(|crash| (name(crash), crash)).collect();
    let dumps = dumps_of(setup, &crashes)?;
    Ok(format!("{} dumps", dumps.len()).into())
}

/// Returns a unique name for the dump.
fn name(crash: Crash) -> String {
    let folder = crash.bits.folder().to_string_lossy();
    format!("{folder}-{}.dmp", crash.arguments().join("-"))
}
