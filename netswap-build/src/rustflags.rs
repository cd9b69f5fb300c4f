//! The linker settings in the rustflags (pure).

/// The linker settings in the rustflags. As in rustc, the last one of each kind wins.
#[derive(Default)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct LinkerFlags<'a> {
    /// `-Clinker=…`: the program.
    pub(crate) linker: Option<&'a str>,
    /// `-Clinker-flavor=…`.
    pub(crate) flavor: Option<&'a str>,
    /// The linker that a compiler driver runs: `-fuse-ld=…`, or clang's `--ld-path=…`, in a link argument.
    pub(crate) driver_linker: Option<&'a str>,
}

impl<'a> LinkerFlags<'a> {
    /// Parses the codegen options
    /// ([the rustc book](https://doc.rust-lang.org/rustc/codegen-options/index.html)) in flags that
    /// are separated by unit separators.
    pub(crate) fn parse(encoded: &'a str) -> Self {
        let mut flags = LinkerFlags::default();
        let mut after_c = false;
        for flag in encoded.split('\u{1f}') {
            let option = if after_c {
                flag
            } else {
                let option = flag.strip_prefix("--codegen=").or_else(|| flag.strip_prefix("-C"));
                option.unwrap_or_default()
            };
            if let Some((name, value)) = option.split_once('=') {
                flags.set(name, value);
            }
            after_c = !after_c && (flag == "-C" || flag == "--codegen");
        }
        flags
    }

    fn set(&mut self, name: &str, value: &'a str) {
        // rustc accepts `-` and `_` in an option's name.
        match name {
            "linker" => self.linker = Some(value),
            "linker-flavor" | "linker_flavor" => self.flavor = Some(value),
            "link-arg" | "link_arg" => {
                self.driver_linker = driver_linker(value).or(self.driver_linker);
            }
            "link-args" | "link_args" => {
                let last = value.split(' ').rev().find_map(driver_linker);
                self.driver_linker = last.or(self.driver_linker);
            }
            _ => {}
        }
    }
}

/// Returns the linker that this argument selects for a compiler driver, if it selects one.
pub(crate) fn driver_linker(argument: &str) -> Option<&str> {
    argument.strip_prefix("-fuse-ld=").or_else(|| argument.strip_prefix("--ld-path="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_fuse_ld_is_found() {
        for flags in [
            &["-Clink-arg=-fuse-ld=lld"][..],
            &["-C", "link-arg=-fuse-ld=lld"],
            &["--codegen", "link-arg=-fuse-ld=lld"],
            &["--codegen=link-arg=-fuse-ld=lld"],
            &["-Clink_arg=-fuse-ld=lld"],
            &["-Clink-args=-static -fuse-ld=lld -v"],
            &["-O", "-Clink-arg=-fuse-ld=bfd", "-Clink-arg=-fuse-ld=lld"],
            &["-Clink-arg=--ld-path=lld"],
            &["--cfg", "a b", "-C", "link-arg=-fuse-ld=lld"],
        ] {
            let flags = flags.join("\u{1f}");
            assert_eq!(LinkerFlags::parse(&flags).driver_linker, Some("lld"), "{flags:?}");
        }
    }

    #[test]
    fn similar_flags_are_ignored() {
        for flags in [
            &["-fuse-ld=lld"][..],
            &["link-arg=-fuse-ld=lld"],
            &["-Clink-arg"],
            &["-C"],
            &["-C", "-C", "-C"],
            &["-Ctarget-feature=+crt-static"],
            &["--cfg", "linker=\"lld\""],
        ] {
            let flags = flags.join("\u{1f}");
            assert_eq!(LinkerFlags::parse(&flags), LinkerFlags::default(), "{flags:?}");
        }
    }

    #[test]
    fn last_linker_and_flavor_win() {
        let flags = "-Clinker=gcc -Clinker=clang -C linker-flavor=gcc -Clinker-flavor=gnu-lld";
        let flags = flags.replace(' ', "\u{1f}");
        let flags = LinkerFlags::parse(&flags);
        assert_eq!((flags.linker, flags.flavor), (Some("clang"), Some("gnu-lld")));
    }
}
