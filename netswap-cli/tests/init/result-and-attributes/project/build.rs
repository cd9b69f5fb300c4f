//! Finds out when and from what this was built.

#![allow(clippy::needless_return)]

use std::env;
use std::error::Error;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Debug)]
struct Built {
    out_dir: PathBuf,
}

#[allow(clippy::unnecessary_wraps)]
fn main() -> Result<(), Box<dyn Error>> {
    let built = Built {
        out_dir: env::var("OUT_DIR")?.into(),
    };
    println!("cargo:rerun-if-changed=build.rs");
    write(&built.out_dir)?;
    return Ok(());
}

fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::write(folder.join("built.txt"), "now")?;
    Ok(())
}
