//! Programs from the registry of Rust, built into the cache by `cargo install`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::version::version_in;
use super::{OPENSSL, Source, TOOLS, Tool, Tree, debian};
use crate::files::{cache, create_folder, lock_cache, scratch};
use crate::process::{cargo, check};

/// Returns the path of a program from the table. Builds it if it is missing or has another version.
pub(crate) fn program(name: &str) -> Result<PathBuf, String> {
    let has_name = |tool: &&Tool| tool.name == name && matches!(tool.source, Source::Crate { .. });
    let tool = TOOLS.iter().find(has_name);
    let Some(Tool { version, source: Source::Crate { options, uses_openssl }, .. }) = tool else {
        return Err(format!("the table of tools has no program {name}"));
    };
    let root = cache()?.join("crates");
    let path = root.join("bin").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    // Other systems use the machine's OpenSSL.
    let fetches_openssl = *uses_openssl && debian::is_debian();
    let openssl = if fetches_openssl { Some(Tree::find(OPENSSL)?) } else { None };
    let _lock = lock_cache("crates")?;
    let found = version_of(&path);
    let Err(why) = version.check(name, found.as_deref()) else { return Ok(path) };
    match found {
        Some(_) => println!("replacing {}: {why}", path.display()),
        None => println!("building {name} {version}"),
    }
    create_folder(root.clone())?;
    let mut install = cargo(&["install", "--quiet", "--locked", "--force", "--root"]);
    install.arg(&root).args(*options).arg(format!("{name}@{version}"));
    // One target folder for all programs, because they share many dependencies. No debug
    // information, because nobody debugs them.
    install.env("CARGO_TARGET_DIR", scratch("crates")).env("CARGO_PROFILE_DEV_DEBUG", "0");
    if let Some(openssl) = &openssl {
        link_openssl(&mut install, openssl)?;
    }
    check(&mut install)?;
    version.check(name, version_of(&path).as_deref())?;
    Ok(path)
}

/// Makes the crate `openssl-sys` use the static library and the headers of this tree ([its
/// documentation](https://docs.rs/openssl/latest/openssl/#manual)).
fn link_openssl(cargo: &mut Command, tree: &Tree) -> Result<(), String> {
    let folders: Vec<_> = std::env::split_paths(&tree.library_path()).collect();
    let library = folders.iter().find(|folder| folder.join("libssl.a").is_file());
    let library = library.ok_or("Debian's libssl-dev has no libssl.a")?;
    let include = tree.path("usr/include");
    // Some of the headers are in a subfolder that is named after the system.
    let system_include = include.join(library.file_name().unwrap_or_default());
    cargo.env("OPENSSL_STATIC", "1").env("OPENSSL_LIB_DIR", library);
    cargo
        .env("CFLAGS", format!("-I{}", system_include.display()))
        .env("OPENSSL_INCLUDE_DIR", include);
    Ok(())
}

fn version_of(program: &PathBuf) -> Option<String> {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
    version_in(&String::from_utf8_lossy(&output.stdout)).map(str::to_owned)
}
