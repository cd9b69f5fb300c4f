//! Finds and loads the plug-in in the program's folder.

use std::env;
use std::error::Error;
use std::path::Path;

use abi_stable::library::{LibraryError, RootModule};

use {{crate_name}}_interface::PluginRef;

/// Loads the plug-in from the program's folder. Returns `None` if that folder has no plug-in.
///
/// # Errors
///
/// If the plug-in can't be loaded, or was built for another interface.
pub fn load_plugin() -> Result<Option<PluginRef>, String> {
    let program = env::current_exe()
        .map_err(|error| format!("failed to find the program's folder: {error}"))?;
    load_from(program.parent().unwrap_or(&program))
}

fn load_from(folder: &Path) -> Result<Option<PluginRef>, String> {
    let path = PluginRef::get_library_path(folder);
    let failed = |reason: String| format!("failed to load {}: {reason}", path.display());
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    }
    let loaded = PluginRef::load_from_file(&path);
    loaded.map(Some).map_err(|error| failed(reason(&error)))
}

/// Returns the reason in one line. The error's own text prints the types of both sides in full.
fn reason(error: &LibraryError) -> String {
    match error {
        LibraryError::OpenError { err, .. } => match err.source() {
            Some(source) => format!("{err}: {source}"),
            None => err.to_string(),
        },
        LibraryError::GetSymbolError { .. } => "it is not a plug-in".to_owned(),
        LibraryError::AbiInstability(_) => "it was built for another interface".to_owned(),
        other => other.to_string().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_without_plug_in_loads_none() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(matches!(load_from(&folder), Ok(None)));
    }
}
