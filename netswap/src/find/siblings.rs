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
use crate::image::{Import, Imports, Layout, ReadAt, imports};
use crate::system::{self, Recall};

/// The names in a folder, by their lower-case form. A case-sensitive system may have several names
/// that Windows considers the same.
type Names = HashMap<String, Vec<OsString>>;

/// DLLs that Windows takes from its own folder, whatever lies beside the program: those in the
/// registry's list of known DLLs on every Windows since 7, and those that each process gets.
///
/// The list is not documented; [Dynamic-link library search
/// order](https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order) says
/// where it is. A name that is missing here is judged like the program's own DLLs.
const KNOWN_DLLS: [&str; 26] = [
    "advapi32.dll",
    "clbcatq.dll",
    "combase.dll",
    "comdlg32.dll",
    "difxapi.dll",
    "gdi32.dll",
    "imagehlp.dll",
    "imm32.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "msctf.dll",
    "msvcrt.dll",
    "normaliz.dll",
    "nsi.dll",
    "ntdll.dll",
    "ole32.dll",
    "oleaut32.dll",
    "psapi.dll",
    "rpcrt4.dll",
    "sechost.dll",
    "setupapi.dll",
    "shell32.dll",
    "shlwapi.dll",
    "user32.dll",
    "wldap32.dll",
    "ws2_32.dll",
];

/// The DLL that the API sets `api-ms-win-crt-*` forward to. It can lie beside a program, for a
/// Windows before 10 that lacks it ([Universal CRT
/// deployment](https://learn.microsoft.com/cpp/windows/universal-crt-deployment)).
const UCRT: &str = "ucrtbase.dll";

/// A finder for the DLLs beside programs. It lists each folder only once.
#[derive(Debug, Default)]
pub struct SiblingDlls {
    folders: Mutex<HashMap<PathBuf, Arc<Names>>>,
    /// The imports of each DLL, cached because the programs in a folder share most of their DLLs.
    imports: Mutex<HashMap<PathBuf, Arc<Imports>>>,
    recall: Recall,
}

/// The DLLs beside a program that it loads, and what is wrong with its own tables of imports.
#[derive(Debug)]
pub struct Siblings {
    /// The paths of the DLLs, in their order.
    pub dlls: BTreeSet<PathBuf>,
    /// The program's imports.
    pub imports: Arc<Imports>,
}

impl SiblingDlls {
    /// Creates a finder that reads DLLs whose content is in the cloud or on tape only if `recall`
    /// allows it.
    pub fn new(recall: Recall) -> Self {
        SiblingDlls { recall, ..SiblingDlls::default() }
    }

    /// Returns the DLLs beside the image at `path` that it imports, in the order of their paths.
    /// This includes DLLs that load only when first called, and the DLLs that these DLLs import.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder or the image can't be read. A DLL that can't be read is still
    /// returned. Its error is reported when it is examined.
    pub fn dlls(
        &self,
        path: &Path,
        file: &(impl ReadAt + ?Sized),
        layout: &Layout,
    ) -> Result<Siblings, ReadError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = self.names(folder)?;
        let mut found = BTreeSet::new();
        let own = Arc::new(imports(file, layout)?);
        let mut pending = vec![own.clone()];
        while let Some(imports) = pending.pop() {
            for name in imports.dlls.iter().flat_map(|import| names_for(&names, import)) {
                let dll = folder.join(name);
                if dll != path && found.insert(dll.clone()) {
                    pending.push(self.imports_of(&dll));
                }
            }
        }
        Ok(Siblings { dlls: found, imports: own })
    }

    /// Returns the imports of a DLL, or none if they can't be read.
    fn imports_of(&self, dll: &Path) -> Arc<Imports> {
        let cache = || self.imports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(imports) = cache().get(dll) {
            return imports.clone();
        }
        let imports = Arc::new(read_imports(dll, self.recall).unwrap_or_default());
        cache().insert(dll.to_owned(), imports.clone());
        imports
    }

    /// Returns the files beside the image at `path` that Windows loads for one import, whether or
    /// not they are images.
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
    let name = match own_dll(&name) {
        Some(name) => names.get(name),
        None => None,
    };
    name.map(Vec::as_slice).unwrap_or_default()
}

/// Returns the name of the DLL that Windows may take from the program's folder for an import, in
/// lower case. Returns `None` if it takes it from its own folder.
fn own_dll(name: &str) -> Option<&str> {
    if name.starts_with("api-ms-win-crt-") {
        return Some(UCRT);
    }
    // An API set is no file: https://learn.microsoft.com/windows/win32/apiindex/windows-apisets
    let is_api_set = name.starts_with("api-") || name.starts_with("ext-");
    (!is_api_set && !KNOWN_DLLS.contains(&name)).then_some(name)
}

fn without_case(name: &str) -> String {
    name.to_lowercase()
}

fn read_imports(path: &Path, recall: Recall) -> Result<Imports, ReadError> {
    let file = system::open_with(path, recall)?;
    match Layout::read(&file)? {
        Some(layout) => Ok(imports(&file, &layout)?),
        None => Ok(Imports::default()),
    }
}

#[cfg(test)]
mod tests {
    use testkit::image::Image;

    use super::*;

    #[test]
    fn dlls_of_windows_are_not_the_programs_own() {
        let dir = tempfile::tempdir().unwrap();
        let imports = [
            "KERNEL32.dll",
            "own.dll",
            "api-ms-win-core-file-l1-1-0.dll",
            "ext-ms-win-gdi-draw-l1-1-0.dll",
            "VERSION.dll",
            "user32",
        ];
        let image = imports.iter().fold(Image::exe(), |image, dll| image.import(dll));
        let program = dir.path().join("tool.exe");
        fs::write(&program, image.bytes()).unwrap();
        for name in imports.iter().chain(&["user32.dll", "ucrtbase.dll"]) {
            fs::write(dir.path().join(name), Image::dll().bytes()).unwrap();
        }
        let found = |imports: &[&str]| {
            let image = imports.iter().fold(Image::exe(), |image, dll| image.import(dll));
            let bytes = image.bytes();
            let layout = Layout::read(&*bytes).unwrap().unwrap();
            let siblings = SiblingDlls::default().dlls(&program, &*bytes, &layout).unwrap();
            let names = siblings.dlls.into_iter().map(|dll| dll.file_name().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(found(&imports), ["VERSION.dll", "own.dll"]);
        assert_eq!(found(&["api-ms-win-crt-runtime-l1-1-0.dll"]), ["ucrtbase.dll"]);
        assert_eq!(found(&["ucrtbase.dll", "ntdll"]), ["ucrtbase.dll"]);
    }
}
