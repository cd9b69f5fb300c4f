//! Finds where an image came from, as far as its path shows.
//!
//! Windows has several names for one file. Programs use those of
//! [Win32](https://learn.microsoft.com/windows/win32/fileio/naming-a-file). Dumps with the kernel's
//! view use [the object manager's](https://learn.microsoft.com/windows-hardware/drivers/kernel/object-names).
//! There, a share is below `\Device\Mup`, [the multiple UNC
//! provider](https://learn.microsoft.com/windows-hardware/drivers/ifs/support-for-unc-naming-and-mup).
//! Before Windows Vista, it is below the device of a redirector.

use serde::{Serialize, Serializer};

const SEPARATORS: [char; 2] = ['\\', '/'];

/// The devices that have servers and shares below them, in lower case.
const REDIRECTORS: [&str; 9] = [
    "mup",
    "lanmanredirector",
    "webdavredirector",
    "windfs",
    "dfsclient",
    "csc",
    // The drives of a remote desktop's client, and the shared folders of VirtualBox and VMware.
    "rdpdr",
    "vboxminirdr",
    "hgfs",
];

/// The origin of an image, as far as its path shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A share, as `\\server\share`, whatever form the path had. It can be a share of this machine.
    Share(String),
    /// A folder of a web server, as `\\server@SSL\DavWWWRoot`.
    WebDav(String),
    /// A drive letter other than C, in upper case. It is a local volume, or is mapped to a share.
    Drive(char),
    /// Windows' own folder.
    System,
    /// A local volume, outside that folder.
    Local,
    /// A CD or a floppy disk.
    Removable,
    /// The path is only a name, or its form does not show the origin.
    Unknown,
}

impl Origin {
    /// Determines the origin of the image with this path.
    ///
    /// # Examples
    ///
    /// ```
    /// use netswap_cli::diagnose::crash::Origin;
    ///
    /// let share = Origin::Share(r"\\depot\tools".to_owned());
    /// assert_eq!(Origin::from_path(r"\Device\Mup\;LanmanRedirector\;Z:00000000000f3a4b\depot\tools\a.exe"), share);
    /// assert_eq!(Origin::from_path(r"Z:\a.exe"), Origin::Drive('Z'));
    /// ```
    pub fn from_path(path: &str) -> Self {
        let Some(path) = path.strip_prefix(SEPARATORS) else {
            return dos_path(path);
        };
        let Some(path) = path.strip_prefix(SEPARATORS) else {
            return object_path(path);
        };
        match split(path) {
            // `\\?\` and `\\.\` are followed by the same names. Only dots and lengths are handled
            // differently in Win32.
            ("?" | ".", rest) => device_name(rest),
            _ => share(path, false),
        }
    }
}

/// Parses a path that does not begin with a separator.
fn dos_path(path: &str) -> Origin {
    let (first, rest) = split(path);
    match &*first.to_ascii_lowercase() {
        "unc" => share(rest, false),
        "%systemroot%" | "%windir%" if !rest.is_empty() => below_windows(rest, Origin::Unknown),
        _ => drive(path).unwrap_or(Origin::Unknown),
    }
}

/// Parses a path of the object manager, without its first separator.
fn object_path(path: &str) -> Origin {
    let (first, rest) = split(path);
    match &*first.to_ascii_lowercase() {
        "??" | "dosdevices" | "global??" => device_name(rest),
        "device" => device(rest),
        "systemroot" if !rest.is_empty() => below_windows(rest, Origin::Unknown),
        _ => Origin::Unknown,
    }
}

/// Parses a path that begins with an MS-DOS device name, which follows `\\?\` or `\??\`.
fn device_name(path: &str) -> Origin {
    let (first, rest) = split(path);
    match &*first.to_ascii_lowercase() {
        "unc" => share(rest, false),
        "globalroot" => object_path(rest),
        "global" => device_name(rest),
        name if name.starts_with("volume{") => volume(rest),
        _ => drive(path).unwrap_or_else(|| device(path)),
    }
}

/// Parses a path below `\Device`.
fn device(path: &str) -> Origin {
    let (first, rest) = split(path);
    let name = first.to_ascii_lowercase();
    if REDIRECTORS.contains(&&*name) {
        share(rest, name == "webdavredirector")
    } else if is_numbered(&name, "cdrom") || is_numbered(&name, "floppy") {
        Origin::Removable
    } else if name.starts_with("harddisk") {
        volume(rest)
    } else {
        Origin::Unknown
    }
}

fn is_numbered(name: &str, prefix: &str) -> bool {
    let number = name.strip_prefix(prefix);
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Parses a path from the root of a local volume.
fn volume(path: &str) -> Origin {
    let (first, rest) = split(path);
    let is_windows = first.eq_ignore_ascii_case("windows") && !rest.is_empty();
    if is_windows { below_windows(rest, Origin::Local) } else { Origin::Local }
}

/// Parses a path from Windows' own folder. The path may leave the folder again, with `..`.
fn below_windows(path: &str, otherwise: Origin) -> Origin {
    let leaves = path.split(SEPARATORS).any(|component| component == "..");
    if leaves { otherwise } else { Origin::System }
}

/// Parses a path that begins with a drive letter. C is a local volume, because Windows nearly
/// always runs from it.
fn drive(path: &str) -> Option<Origin> {
    let mut characters = path.chars();
    let letter = characters.next().filter(char::is_ascii_alphabetic)?.to_ascii_uppercase();
    let rest = characters.as_str().strip_prefix(':')?;
    Some(match rest.strip_prefix(SEPARATORS) {
        Some(rest) if letter == 'C' => volume(rest),
        _ if letter == 'C' => Origin::Local,
        _ => Origin::Drive(letter),
    })
}

/// Parses a path that begins with a server. A redirector may put components before the server.
/// These are `;` and its own name, or `;` and the drive with the session that it is mapped in.
fn share(mut path: &str, mut is_web_dav: bool) -> Origin {
    let (server, share) = loop {
        let (first, rest) = split(path);
        // `\Device\WinDfs` has the drive without a semicolon.
        if !first.starts_with(';') && drive(first).is_none() {
            break (first, split(rest).0);
        }
        is_web_dav |= first.eq_ignore_ascii_case(";webdavredirector");
        path = rest;
    };
    // After two separators, `?` and `.` would not be a server.
    if matches!(server, "" | "?" | "." | "..") || share.is_empty() {
        return Origin::Unknown;
    }
    let name = format!(r"\\{server}\{share}");
    if is_web_dav || share.eq_ignore_ascii_case("davwwwroot") || has_port(server) {
        Origin::WebDav(name)
    } else {
        Origin::Share(name)
    }
}

/// Whether a server's name ends like that of a web server: with `@SSL`, `@8080` or both.
fn has_port(server: &str) -> bool {
    let port = server.split_once('@').map(|(_, port)| port);
    port.is_some_and(|port| {
        let is_number = |part: &str| !part.is_empty() && is_numbered(part, "");
        port.split('@').all(|part| part.eq_ignore_ascii_case("ssl") || is_number(part))
    })
}

/// Splits a path into its first component and the rest.
fn split(path: &str) -> (&str, &str) {
    path.split_once(SEPARATORS).unwrap_or((path, ""))
}

/// Serializes the origin as in the report: `{"kind": "share", "share": "\\\\server\\share"}`,
/// `{"kind": "drive", "drive": "Z"}`, `{"kind": "local"}`.
impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, field) = match self {
            Origin::Share(share) => ("share", Some(("share", share.clone()))),
            Origin::WebDav(share) => ("webdav", Some(("share", share.clone()))),
            Origin::Drive(letter) => ("drive", Some(("drive", letter.to_string()))),
            Origin::System => ("system", None),
            Origin::Local => ("local", None),
            Origin::Removable => ("removable", None),
            Origin::Unknown => ("unknown", None),
        };
        serializer.collect_map([Some(("kind", kind.to_owned())), field].into_iter().flatten())
    }
}

/// Whether two names of shares or files, or two paths, are the same. Windows ignores case in them.
pub fn is_same_name(a: &str, b: &str) -> bool {
    let folded = |name| str::chars(name).flat_map(char::to_uppercase);
    folded(a).eq(folded(b))
}

/// Returns the file name in a Windows path. It is empty if the path ends with a separator.
pub fn file_name(path: &str) -> &str {
    path.rsplit_once(['\\', '/', ':']).map_or(path, |(_, name)| name)
}

/// Returns the commands that show whether a drive is a share: its mapping now, and its mapping at
/// each logon of the user. Both must be run as the user who ran the program.
pub fn mapping_commands(drive: char) -> [String; 2] {
    [format!("net use {drive}:"), format!(r"reg query HKCU\Network\{drive} /v RemotePath")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &Origin) {
        assert_eq!(Origin::from_path(path), *expected, "{path}");
        let (slashes, upper) = (path.replace('\\', "/"), path.to_ascii_uppercase());
        assert_eq!(Origin::from_path(&slashes), *expected, "{slashes}");
        let in_upper_case = match expected {
            Origin::Share(name) => Origin::Share(name.to_ascii_uppercase()),
            Origin::WebDav(name) => Origin::WebDav(name.to_ascii_uppercase()),
            other => other.clone(),
        };
        assert_eq!(Origin::from_path(&upper), in_upper_case, "{upper}");
    }

    #[test]
    fn share_is_recognized_in_each_form_of_its_path() {
        for path in [
            r"\\depot\tools",
            r"\\depot\tools\",
            r"\\depot\tools\a.exe",
            r"\\depot\tools\bin\..\..\a.exe",
            r"UNC\depot\tools\a.exe",
            r"\\?\UNC\depot\tools\a.exe",
            r"\\.\UNC\depot\tools\a.exe",
            r"\??\UNC\depot\tools\a.exe",
            r"\\?\Global\UNC\depot\tools\a.exe",
            r"\\.\Global\Global\UNC\depot\tools\a.exe",
            r"\DosDevices\UNC\depot\tools\a.exe",
            r"\\?\GLOBALROOT\Device\Mup\depot\tools\a.exe",
            r"\Device\Mup\depot\tools\a.exe",
            r"\Device\Mup\;LanmanRedirector\depot\tools\a.exe",
            r"\Device\Mup\;LanmanRedirector\;Z:0000000000012345\depot\tools\a.exe",
            r"\Device\LanmanRedirector\depot\tools\a.exe",
            r"\Device\LanmanRedirector\;Z:0000000000012345\depot\tools\a.exe",
            r"\Device\WinDfs\Z:0000000000012345\depot\tools\a.exe",
        ] {
            check(path, &Origin::Share(r"\\depot\tools".to_owned()));
        }
        for (path, name) in [
            (r"\\localhost\C$\a.exe", r"\\localhost\C$"),
            (r"\\127.0.0.1\c$\a.exe", r"\\127.0.0.1\c$"),
            (r"\\fe80--1.ipv6-literal.net\tools\a.exe", r"\\fe80--1.ipv6-literal.net\tools"),
            (r"\\depot.büro.example\Grüße und mehr\ä.exe", r"\\depot.büro.example\Grüße und mehr"),
            (r"\\伺服器\工具\a.exe", r"\\伺服器\工具"),
            (r"\\c\windows\a.exe", r"\\c\windows"),
            (r"\Device\RdpDr\;Z:2\tsclient\C\a.exe", r"\\tsclient\C"),
            (r"\Device\VBoxMiniRdr\;E:\VBoxSvr\work\a.exe", r"\\VBoxSvr\work"),
            (r"\\user@depot\tools\a.exe", r"\\user@depot\tools"),
            (r"\\depot@\tools\a.exe", r"\\depot@\tools"),
        ] {
            check(path, &Origin::Share(name.to_owned()));
        }
        let long =
            format!(r"\\{}\{}\{}", "s".repeat(40_000), "t".repeat(40_000), r"a\".repeat(40_000));
        check(&long, &Origin::Share(long[..80_003].to_owned()));
    }

    #[test]
    fn webdav_folder_is_recognized() {
        for (path, name) in [
            (r"\\depot@SSL\DavWWWRoot\tools\a.exe", r"\\depot@SSL\DavWWWRoot"),
            (r"\\depot\DavWWWRoot\a.exe", r"\\depot\DavWWWRoot"),
            (r"\\depot@8080\tools\a.exe", r"\\depot@8080\tools"),
            (r"\\depot@SSL@8443\tools\a.exe", r"\\depot@SSL@8443\tools"),
            (r"UNC\depot@SSL\tools\a.exe", r"\\depot@SSL\tools"),
            (r"\Device\WebDavRedirector\;W:0000000000012345\depot\tools\a.exe", r"\\depot\tools"),
            (
                r"\Device\Mup\;WebDavRedirector\;W:0000000000012345\depot\tools\a.exe",
                r"\\depot\tools",
            ),
        ] {
            check(path, &Origin::WebDav(name.to_owned()));
        }
    }

    #[test]
    fn drives_and_local_volumes_are_recognized() {
        for (path, expected) in [
            (r"Z:\a.exe", Origin::Drive('Z')),
            (r"z:a.exe", Origin::Drive('Z')),
            (r"C:", Origin::Local),
            (r"C:\", Origin::Local),
            (r"\\?\C:\Tools\a.exe", Origin::Local),
            (r"\\.\C:\Tools\a.exe", Origin::Local),
            (r"\??\C:\Tools\a.exe", Origin::Local),
            (r"\GLOBAL??\C:\Tools\a.exe", Origin::Local),
            (r"C:\Windows", Origin::Local),
            (r"C:\WindowsApps\a.exe", Origin::Local),
            (r"C:\Windows\..\Tools\a.exe", Origin::Local),
            (r"C:Windows\a.exe", Origin::Local),
            (r"Z:\Windows\a.exe", Origin::Drive('Z')),
            (r"C:\Windows\System32\ntdll.dll", Origin::System),
            (r"\\?\C:\Windows\System32\ntdll.dll", Origin::System),
            (r"\??\C:\Windows\System32\ntdll.dll", Origin::System),
            (r"\SystemRoot\System32\ntdll.dll", Origin::System),
            (r"%SystemRoot%\System32\ntdll.dll", Origin::System),
            (r"\Device\HarddiskVolume3\Windows\System32\ntdll.dll", Origin::System),
            (r"\Device\HarddiskVolume3\Tools\a.exe", Origin::Local),
            (r"\Device\HarddiskVolume3\Windows\..\a.exe", Origin::Local),
            (r"\Device\Harddisk0\Partition1\a.exe", Origin::Local),
            (r"\Device\HarddiskVolumeShadowCopy2\a.exe", Origin::Local),
            (r"\\?\GLOBALROOT\Device\HarddiskVolume3\a.exe", Origin::Local),
            (r"\\?\HarddiskVolume3\a.exe", Origin::Local),
            (r"\\?\Volume{01234567-89ab-cdef-0123-456789abcdef}\a.exe", Origin::Local),
            (r"\??\Volume{01234567-89ab-cdef-0123-456789abcdef}\a.exe", Origin::Local),
            (r"\Device\CdRom0\setup.exe", Origin::Removable),
            (r"\Device\Floppy0\setup.exe", Origin::Removable),
            (r"\\?\CdRom0\setup.exe", Origin::Removable),
        ] {
            check(path, &expected);
        }
    }

    #[test]
    fn malformed_paths_have_unknown_origin() {
        for path in [
            "",
            r"\",
            r"\\",
            r"\\\",
            r"\\\depot\tools\a.exe",
            r"\\depot",
            r"\\depot\",
            r"\\depot\\a.exe",
            r"\\?",
            r"\\?\",
            r"\\.\",
            r"\\.\pipe\a",
            r"\\?\UNC",
            r"\\?\UNC\depot",
            r"\\?\UNCLE\depot\tools\a.exe",
            r"\??",
            r"\??\",
            "UNC",
            r"UNC\depot",
            r"UNCLE\depot\tools\a.exe",
            r"\UNC\depot\tools\a.exe",
            r"\Device",
            r"\Device\Mup",
            r"\Device\Mup\",
            r"\Device\Mup\;LanmanRedirector",
            r"\Device\Mup\;LanmanRedirector\;Z:0000000000012345\depot",
            r"\Device\Mup\?\UNC\depot\tools\a.exe",
            r"\\?\UNC\.\tools\a.exe",
            r"\Device\MupX\depot\tools\a.exe",
            r"\Device\CdRomX\a.exe",
            r"\Device\Null",
            r"\SystemRoot",
            r"\SystemRoot\..\a.exe",
            r"\Windows\System32\ntdll.dll",
            "a.exe",
            r"tools\a.exe",
            ":",
            r"1:\a.exe",
            r"CC:\a.exe",
            r"ö:\a.exe",
            "\0",
        ] {
            check(path, &Origin::Unknown);
        }
        check(&r"a\".repeat(100_000), &Origin::Unknown);
        check(&(r"\Device\Mup\".to_owned() + &r";Z:\".repeat(100_000)), &Origin::Unknown);
    }

    #[test]
    fn json_has_the_kind_and_the_share_or_drive() {
        for (origin, expected) in [
            (
                Origin::Share(r"\\depot\tools".to_owned()),
                r#"{"kind":"share","share":"\\\\depot\\tools"}"#,
            ),
            (
                Origin::WebDav(r"\\depot@SSL\a".to_owned()),
                r#"{"kind":"webdav","share":"\\\\depot@SSL\\a"}"#,
            ),
            (Origin::Drive('Z'), r#"{"kind":"drive","drive":"Z"}"#),
            (Origin::System, r#"{"kind":"system"}"#),
            (Origin::Local, r#"{"kind":"local"}"#),
            (Origin::Removable, r#"{"kind":"removable"}"#),
            (Origin::Unknown, r#"{"kind":"unknown"}"#),
        ] {
            assert_eq!(serde_json::to_string(&origin).unwrap(), expected);
        }
    }

    #[test]
    fn share_names_are_compared_without_case() {
        for (a, b, expected) in [
            (r"\\depot\tools", r"\\DEPOT\Tools", true),
            (r"\\büro\grün", r"\\BÜRO\GRÜN", true),
            (r"\\depot\tools", r"\\depot\tool", false),
            (r"\\depot\tools", r"\\depot.example\tools", false),
            ("", "", true),
        ] {
            assert_eq!(is_same_name(a, b), expected, "{a} {b}");
            assert_eq!(is_same_name(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn file_name_follows_the_last_separator() {
        for (path, name) in [
            (r"\\depot\tools\a.exe", "a.exe"),
            ("C:/Tools/ä b.dll", "ä b.dll"),
            (r"C:\Tools/a.exe", "a.exe"),
            ("C:a.exe", "a.exe"),
            ("a.exe", "a.exe"),
            (r"C:\", ""),
            ("", ""),
        ] {
            assert_eq!(file_name(path), name, "{path}");
        }
    }

    #[test]
    fn mapping_commands_name_the_drive() {
        assert_eq!(
            mapping_commands('Z'),
            ["net use Z:", r"reg query HKCU\Network\Z /v RemotePath"]
        );
    }
}
