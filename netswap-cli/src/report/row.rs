//! The rows of tables: for spreadsheets and for web pages.

use std::borrow::Cow;
use std::path::Path;

use netswap::day::utc;
use netswap::text::{Printable, one_line};
use netswap::verify::VerifiedImage;
use netswap::{Finding, Header, SwapRun};

/// The cells of a row, in the order of the table's columns.
pub(crate) type Row = Vec<Cell>;

/// The columns of a verified image.
pub(crate) const IMAGE: [&str; 14] = [
    "path",
    "status",
    "codes",
    "messages",
    "reason",
    "signed",
    "signer",
    "kind",
    "machine",
    "swap_run",
    "size_of_image",
    "modified",
    "package",
    "target",
];

#[derive(Debug, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Number(u64),
    /// A single line without control characters.
    Text(Cow<'static, str>),
}

/// Returns the row of a verified image, in the columns [`IMAGE`].
pub(crate) fn image(image: &VerifiedImage) -> Row {
    let VerifiedImage { path, package, target, verdict, modified } = image;
    let header = verdict.header.as_ref();
    let row: [Cell; IMAGE.len()] = [
        Cell::path(path),
        Cell::name(verdict.status.name()),
        Cell::codes(&verdict.findings),
        Cell::messages(&verdict.findings),
        Cell::text(verdict.reason.as_deref()),
        Cell::flag(header.map(|header| header.signed)),
        Cell::text(verdict.signer.as_deref()),
        header.map_or(Cell::Missing, |header| Cell::name(header.kind().name())),
        Cell::text(header.map(Header::machine_name).as_deref()),
        header.map_or(Cell::Missing, |header| Cell::bits(&header.swap_run())),
        Cell::number(header.map(|header| header.size_of_image.into())),
        Cell::text(modified.and_then(utc).as_deref()),
        Cell::text(package.as_deref()),
        Cell::text(target.as_deref()),
    ];
    row.into()
}

impl Cell {
    pub(crate) fn is_missing(&self) -> bool {
        *self == Cell::Missing
    }

    pub(crate) fn name(name: &'static str) -> Self {
        Cell::Text(name.into())
    }

    pub(crate) fn path(path: &Path) -> Self {
        Cell::Text(Printable(path).to_string().into())
    }

    pub(crate) fn text(text: Option<&str>) -> Self {
        text.map_or(Cell::Missing, |text| Cell::Text(one_line(text).into()))
    }

    pub(crate) fn number(number: Option<u64>) -> Self {
        number.map_or(Cell::Missing, Cell::Number)
    }

    pub(crate) fn flag(flag: Option<bool>) -> Self {
        flag.map_or(Cell::Missing, |flag| Cell::name(if flag { "yes" } else { "no" }))
    }

    /// Formats the bits that are set: `net, cd`, or `none`.
    pub(crate) fn bits(bits: &[SwapRun]) -> Self {
        Cell::Text(SwapRun::list(bits).into())
    }

    pub(crate) fn codes(findings: &[Finding]) -> Self {
        let codes: Vec<_> = findings.iter().map(|finding| finding.code.name()).collect();
        if codes.is_empty() { Cell::Missing } else { Cell::Text(codes.join(", ").into()) }
    }

    pub(crate) fn messages(findings: &[Finding]) -> Self {
        let messages: Vec<_> = findings.iter().map(|finding| one_line(&finding.message)).collect();
        if messages.is_empty() { Cell::Missing } else { Cell::Text(messages.join("; ").into()) }
    }
}
