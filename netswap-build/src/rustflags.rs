//! What the rustflags say about the linker (pure).

/// The linker settings among the rustflags; as in rustc, the last of each wins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LinkerFlags<'a> {
    /// `-Clinker=…`: the program.
    pub(crate) linker: Option<&'a str>,
    /// `-Clinker-flavor=…`.
    pub(crate) flavor: Option<&'a str>,
    /// The linker that a compiler driver is told to use: `-fuse-ld=…` or clang's `--ld-path=…`
    /// among the link arguments.
    pub(crate) driven: Option<&'a str>,
}

impl<'a> LinkerFlags<'a> {
    /// Reads the codegen options
    /// ([the rustc book](https://doc.rust-lang.org/rustc/codegen-options/index.html)).
    pub(crate) fn of(rustflags: &'a [String]) -> Self {
        let mut flags = LinkerFlags::default();
        let mut rest = rustflags.iter().map(String::as_str);
        while let Some(flag) = rest.next() {
            let option = match flag {
                "-C" | "--codegen" => rest.next(),
                _ => flag.strip_prefix("--codegen=").or_else(|| flag.strip_prefix("-C")),
            };
            if let Some((name, value)) = option.and_then(|option| option.split_once('=')) {
                flags.set(name, value);
            }
        }
        flags
    }

    fn set(&mut self, name: &str, value: &'a str) {
        // rustc takes either separator in an option's name.
        match name.replace('_', "-").as_str() {
            "linker" => self.linker = Some(value),
            "linker-flavor" => self.flavor = Some(value),
            "link-arg" => self.link_argument(value),
            "link-args" => value.split(' ').for_each(|arg| self.link_argument(arg)),
            _ => {}
        }
    }

    fn link_argument(&mut self, argument: &'a str) {
        let driven =
            argument.strip_prefix("-fuse-ld=").or_else(|| argument.strip_prefix("--ld-path="));
        self.driven = driven.or(self.driven);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(flags: &[&str]) -> Vec<String> {
        flags.iter().map(|flag| (*flag).to_owned()).collect()
    }

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
        ] {
            let flags = strings(flags);
            assert_eq!(LinkerFlags::of(&flags).driven, Some("lld"), "{flags:?}");
        }
    }

    #[test]
    fn flags_that_only_look_alike_are_not_taken() {
        for flags in [
            &["-fuse-ld=lld"][..],
            &["link-arg=-fuse-ld=lld"],
            &["-Clink-arg"],
            &["-C"],
            &["-Ctarget-feature=+crt-static"],
            &["--cfg", "linker=\"lld\""],
        ] {
            let flags = strings(flags);
            assert_eq!(LinkerFlags::of(&flags), LinkerFlags::default(), "{flags:?}");
        }
    }

    #[test]
    fn the_last_linker_and_flavor_win() {
        let flags = strings(&[
            "-Clinker=gcc",
            "-Clinker=clang",
            "-C",
            "linker-flavor=gcc",
            "-Clinker-flavor=gnu-lld",
        ]);
        let flags = LinkerFlags::of(&flags);
        assert_eq!((flags.linker, flags.flavor), (Some("clang"), Some("gnu-lld")));
    }
}
