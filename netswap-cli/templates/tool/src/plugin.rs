//! The plug-in that lies beside the program, if there is one.

use std::env;
use std::error::Error;
use std::path::Path;

use abi_stable::library::{LibraryError, RootModule};

use {{crate_name}}_interface::PluginRef;

/// Loads the plug-in from the program's own folder; without one there, it is `None`.
///
/// # Errors
///
/// When what is there can't be loaded, or was built for another interface.
pub fn load_plugin() -> Result<Option<PluginRef>, String> {
    let program = env::current_exe().map_err(|error| format!("the program's folder: {error}"))?;
    load_from(program.parent().unwrap_or(&program))
}

fn load_from(folder: &Path) -> Result<Option<PluginRef>, String> {
    let path = PluginRef::get_library_path(folder);
    let failed = |why: String| format!("failed to load {}: {why}", path.display());
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    }
    let loaded = PluginRef::load_from_file(&path);
    loaded.map(Some).map_err(|error| failed(why(&error)))
}

/// What is wrong, without both sides' types at length.
fn why(error: &LibraryError) -> String {
    match error {
        LibraryError::OpenError { err, .. } => match err.source() {
            Some(source) => format!("{err}: {source}"),
            None => err.to_string(),
        },
        LibraryError::GetSymbolError { .. } => "it is no plug-in".to_owned(),
        LibraryError::AbiInstability(_) => "it was built for another interface".to_owned(),
        other => other.to_string().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_plug_in_has_none() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(matches!(load_from(&folder), Ok(None)));
    }
}
