//! Tests a dump of each kind: all places, accesses and statuses, images with the bit, and dumps
//! without an in-page error.

use super::super::{Evidence, Setup};
use super::compare::CAUSES;
use super::{ACCESSES, Bits, Crash, Kind, NETWORK, PLACES, build, create_dumps};

/// Returns every kind of crash.
///
/// Each place occurs with each status. The accesses are assigned so that each occurs with each
/// place and with each status. Added are images with the bit, and dumps without an in-page error.
fn table() -> Vec<Crash> {
    let crash = |bits, kind| Crash { bits, kind, full: false };
    let in_page = |place, access, status| Kind::InPage { place, offset: 0, access, status };
    let mut table = Vec::new();
    for (index, (place, image)) in PLACES.into_iter().enumerate() {
        let accesses = ACCESSES.into_iter().cycle().skip(index);
        for ((status, _), (access, _)) in CAUSES.into_iter().zip(accesses) {
            table.push(crash(Bits::Neither, in_page(place, access, status)));
        }
        if image.is_some() {
            let with = [Bits::Program, Bits::Both];
            table.extend(with.map(|bits| crash(bits, in_page(place, "read", NETWORK))));
        }
    }
    table.extend([Kind::AccessViolation, Kind::None].map(|kind| crash(Bits::Neither, kind)));
    table
}

/// Creates all dumps, and compares what the readers find in them with the table.
pub(in super::super) fn dumps(setup: &Setup<'_>) -> Result<Evidence, String> {
    build(setup)?;
    let crashes: Vec<_> = table().into_iter().map(|crash| (name(crash), crash)).collect();
    let dumps = create_dumps(setup, &crashes)?;
    Ok(format!("{} dumps", dumps.len()).into())
}

/// Returns a unique name for the dump.
fn name(crash: Crash) -> String {
    let folder = crash.bits.folder().to_string_lossy();
    format!("{folder}-{}.dmp", crash.arguments().join("-"))
}
