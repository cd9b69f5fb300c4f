//! The row of a file that netswap changed or refused, for tables.

use netswap::Header;

use super::change::Change;
use super::report::Verb;
use crate::report::{Cell, Row};

/// The columns of a row.
pub(super) const CHANGE: [&str; 15] = [
    "path",
    "status",
    "codes",
    "warnings",
    "messages",
    "reason",
    "signed",
    "signer",
    "vendor",
    "product",
    "kind",
    "machine",
    "swap_run_before",
    "swap_run_after",
    "size_of_image",
];

/// Returns the row of a file, in the columns [`CHANGE`].
pub(super) fn row(verb: Verb, change: &Change) -> Row {
    let (header, maker) = (change.before.as_ref(), change.maker.as_ref());
    let bits = |header: Option<&Header>| {
        header.map_or(Cell::Missing, |header| Cell::bits(&header.swap_run()))
    };
    let all: Vec<_> = change.findings.iter().chain(&change.warnings).cloned().collect();
    let row: [Cell; CHANGE.len()] = [
        Cell::path(&change.path),
        Cell::name(verb.word(change.status)),
        Cell::codes(&change.findings),
        Cell::codes(&change.warnings),
        Cell::messages(&all),
        Cell::text(change.reason),
        Cell::flag(header.map(|header| header.signed)),
        Cell::text(maker.and_then(|maker| maker.signer.as_deref())),
        Cell::text(maker.and_then(|maker| maker.vendor.as_deref())),
        Cell::text(maker.and_then(|maker| maker.product.as_deref())),
        header.map_or(Cell::Missing, |header| Cell::name(header.kind().name())),
        Cell::text(header.map(Header::machine_name).as_deref()),
        bits(header),
        bits(change.after.as_ref()),
        Cell::number(header.map(|header| header.size_of_image.into())),
    ];
    row.into()
}
