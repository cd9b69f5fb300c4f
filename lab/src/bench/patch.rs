//! `cargo xtask bench patch`: compares what `netswap patch` and its peers cost for one short and
//! one long file.
//!
//! Each variant has its own files. It clears and sets the bit in turn, so no file is copied between
//! rounds.

use std::cell::Cell;

use super::Options;
use super::measure::{Words, floor, words, write_dll};
use super::peers;
use super::single::{LENGTHS, SHORT, measure};
use crate::files::{create_folder, root, scratch};
use crate::meter::Meter;
use crate::programs;

/// A program that changes a file, or one that does nothing.
struct Variant {
    name: String,
    clear: Words,
    set: Words,
    /// Whether the variant's file has the bit. A newly written file has it.
    is_set: Cell<bool>,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let (meter, floor, netswap) = (Meter::build()?, floor()?, programs::release("netswap")?);
    let folder = create_folder(scratch("bench-patch"))?;
    let file = |name: &str, length: usize| {
        let file = folder.join(format!("{name}-{length}.dll"));
        write_dll(&file, length)?;
        Ok::<_, String>(file)
    };
    let mut variants =
        vec![Variant::same("netswap --version".to_owned(), words![&netswap, "--version"])];
    let mut missing = Vec::new();
    for (size, length) in LENGTHS {
        let open = words![&floor, "--open", file("floor", length)?];
        variants.push(Variant::same(format!("floor --open, {size}"), open));
        let dll = file("netswap", length)?;
        variants.push(Variant::new(
            format!("netswap patch, {size}"),
            words![&netswap, "patch", "--clear", &dll],
            words![&netswap, "patch", &dll],
        ));
        let dll = file("genpeimg", length)?;
        match peers::genpeimg() {
            Ok(genpeimg) => variants.push(Variant::new(
                format!("genpeimg, {size}"),
                [genpeimg.clone(), words!["-p", "-n", &dll]].concat(),
                [genpeimg, words!["-p", "+n", &dll]].concat(),
            )),
            Err(why) => missing.push(format!("genpeimg, {size}: {why}")),
        }
    }
    // pefile takes a minute for the checksum of the long file.
    let (size, length) = SHORT;
    let script = root().join("lab/bench/pefile_patch.py");
    match peers::python() {
        Ok(python) => variants.push(Variant::same(
            format!("pefile, {size}"),
            [python, words![script, file("pefile", length)?]].concat(),
        )),
        Err(why) => missing.push(format!("pefile, {size}: {why}")),
    }

    let run = |variant: &Variant| meter.run(variant.next_words(), 0);
    measure(options.rounds, &variants, run, |variant| &variant.name)?;
    for row in missing {
        println!("{row}");
    }
    Ok(())
}

impl Variant {
    fn new(name: String, clear: Words, set: Words) -> Self {
        Variant { name, clear, set, is_set: Cell::new(true) }
    }

    /// Creates a variant that runs the same command every time.
    fn same(name: String, words: Words) -> Self {
        Self::new(name, words.clone(), words)
    }

    /// Returns the command that flips the bit of the variant's file.
    fn next_words(&self) -> &Words {
        let words = if self.is_set.get() { &self.clear } else { &self.set };
        self.is_set.set(!self.is_set.get());
        words
    }
}
