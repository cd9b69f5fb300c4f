//! The DLLs in a program's folder that the program loads.
//!
//! Windows searches the program's own folder first and ignores the case of names
//! ([Dynamic-link library search
//! order](https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order)).

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ReadError;
use crate::image::{Import, Layout, ReadAt, imports};
use crate::system;

/// The names in a folder, by their lower-case form. A case-sensitive system may have several names
/// that Windows considers the same.
type Names = HashMap<String, Vec<OsString>>;

/// A finder for the DLLs beside programs. It lists each folder only once.
#[derive(Debug, Default)]
pub struct SiblingDlls {
    folders: Mutex<HashMap<PathBuf, Arc<Names>>>,
    /// The imports of each DLL, cached because the programs in a folder share most of their DLLs.
    imports: Mutex<HashMap<PathBuf, Arc<[Import]>>>,
}

impl SiblingDlls {
    /// Returns the DLLs beside the image at `path` that it imports, in the order of their paths.
    /// This includes DLLs that load only when first called, and the DLLs that these DLLs import.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder or the image's own tables can't be read. A DLL that can't be
    /// read is still returned. Its error is reported when it is examined.
    pub fn dlls(
        &self,
        path: &Path,
        file: &(impl ReadAt + ?Sized),
        layout: &Layout,
    ) -> Result<BTreeSet<PathBuf>, ReadError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = self.names(folder)?;
        let mut found = BTreeSet::new();
        let mut pending: Vec<Arc<[Import]>> = vec![imports(file, layout)?.into()];
        while let Some(imports) = pending.pop() {
            for name in imports.iter().flat_map(|import| names_for(&names, import)) {
                let dll = folder.join(name);
                if dll != path && found.insert(dll.clone()) {
                    pending.push(self.imports_of(&dll));
                }
            }
        }
        Ok(found)
    }

    /// Returns the imports of a DLL, or none if they can't be read.
    fn imports_of(&self, dll: &Path) -> Arc<[Import]> {
        let cache = || self.imports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(imports) = cache().get(dll) {
            return imports.clone();
        }
        let imports: Arc<[Import]> = read_imports(dll).unwrap_or_default().into();
        cache().insert(dll.to_owned(), imports.clone());
        imports
    }

    /// Returns the files beside the image at `path` that match one import, whether or not they are
    /// images.
    pub fn of_import(&self, path: &Path, import: &Import) -> io::Result<Vec<PathBuf>> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = self.names(folder)?;
        Ok(names_for(&names, import).iter().map(|name| folder.join(name)).collect())
    }

    fn names(&self, folder: &Path) -> io::Result<Arc<Names>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = folders.get(folder) {
            return Ok(names.clone());
        }
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut names = Names::new();
        for entry in fs::read_dir(here)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                continue;
            }
            let name = entry.file_name();
            names.entry(without_case(&name.to_string_lossy())).or_default().push(name);
        }
        for variants in names.values_mut() {
            variants.sort();
        }
        let names = Arc::new(names);
        folders.insert(folder.to_owned(), names.clone());
        Ok(names)
    }
}

fn names_for<'a>(names: &'a Names, import: &Import) -> &'a [OsString] {
    let name = without_case(&import.name);
    // Windows adds the extension to a name without one.
    let name = if name.contains('.') { name } else { name + ".dll" };
    names.get(&name).map(Vec::as_slice).unwrap_or_default()
}

fn without_case(name: &str) -> String {
    name.to_lowercase()
}

fn read_imports(path: &Path) -> Result<Vec<Import>, ReadError> {
    let file = system::open(path)?;
    match Layout::read(&file)? {
        Some(layout) => Ok(imports(&file, &layout)?),
        None => Ok(Vec::new()),
    }
}
