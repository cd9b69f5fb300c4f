//! The argument for a DLL or EXE that the build script links itself, in the spelling of the compiler
//! that links it. Everything except the printing is pure.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::linker::{file_name, is_lld, is_zig, Family};
use crate::plan::{decide, switch};
use crate::rustflags::driver_linker;
use crate::swap_run::end_with;
use crate::target::Target;
use crate::{BuildEnv, Directive, Error, Linker, Outcome, SwapRun};

/// The arguments for a link by the build script itself. Its [`Display`](fmt::Display) is the text for
/// Cargo.
#[derive(Debug)]
#[non_exhaustive]
pub struct Companion {
    /// The result. It is [`Outcome::Emitted`] if the arguments set the bits.
    pub outcome: Outcome,
    /// The arguments for the end of the compiler's command line. Empty unless the outcome is
    /// [`Outcome::Emitted`].
    ///
    /// For cl and clang-cl the first one is `/link`. Everything after it goes to the linker. Put other
    /// options of the linker after these, without a second `/link`.
    pub arguments: Vec<String>,
    /// The lines for Cargo, in the order of printing.
    pub directives: Vec<Directive>,
}

impl fmt::Display for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for directive in &self.directives {
            writeln!(f, "{directive}")?;
        }
        Ok(())
    }
}

/// The methods of the feature `cc`.
impl SwapRun {
    /// Returns the arguments that set the requested bits when this compiler links a DLL or EXE. Put
    /// them at the end of its command line.
    ///
    /// Returns no arguments for other targets than Windows. If the linker has no option for the bits, it
    /// returns none and prints a `cargo:warning`.
    ///
    /// Call it for each image that the build script links, with or without [`emit`](Self::emit), which
    /// is for the images that Cargo links. It ignores scopes. An error ends the build script as in
    /// `emit`; [`try_companion`](Self::try_companion) returns it instead.
    ///
    /// The linker is found from the compiler, the target and `-fuse-ld=` among the tool's arguments. If
    /// you pass `-fuse-ld=` in another way, set [`linker`](Self::linker).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// // build.rs
    /// use std::env;
    /// use std::path::Path;
    ///
    /// use netswap_build::SwapRun;
    ///
    /// fn main() {
    ///     let wanted = SwapRun::new();
    ///     wanted.emit(); // for what Cargo links
    ///
    ///     let compiler = cc::Build::new().get_compiler();
    ///     let dll = Path::new(&env::var_os("OUT_DIR").unwrap()).join("helper.dll");
    ///     let mut link = compiler.to_command();
    ///     link.arg("native/helper.c");
    ///     if compiler.is_like_msvc() {
    ///         link.arg("/LD").arg(format!("/Fe{}", dll.display()));
    ///     } else {
    ///         link.arg("-shared").arg("-o").arg(&dll);
    ///     }
    ///     link.args(wanted.companion(&compiler)); // for this link; at the end
    ///     assert!(link.status().unwrap().success());
    ///     println!("cargo:rerun-if-changed=native");
    /// }
    /// ```
    pub fn companion(&self, compiler: &cc::Tool) -> Vec<String> {
        match self.try_companion(compiler) {
            Ok(companion) => companion.arguments,
            Err(error) => end_with(&error),
        }
    }

    /// Returns the decision, and prints Cargo's directives to standard output: the rerun line, and a
    /// warning if there is one.
    ///
    /// # Errors
    ///
    /// - It is not called from a build script.
    /// - A variable is invalid.
    /// - The linker can't set the bit, and it is [`required`](Self::required).
    pub fn try_companion(&self, compiler: &cc::Tool) -> Result<Companion, Error> {
        let companion = self.plan_companion(compiler, &BuildEnv::from_env()?)?;
        let mut out = io::stdout();
        write!(out, "{companion}").and_then(|()| out.flush()).map_err(Error::stdout)?;
        Ok(companion)
    }

    /// Returns the decision as a value. Reads, writes, prints and runs nothing.
    ///
    /// # Errors
    ///
    /// As for [`try_companion`](Self::try_companion), without those of reading and printing.
    pub fn plan_companion(&self, compiler: &cc::Tool, env: &BuildEnv) -> Result<Companion, Error> {
        plan(self, &Driver::from_tool(compiler), env)
    }
}

/// The parts of a compiler command that decide the spelling of the argument.
struct Driver<'a> {
    style: Style,
    program: &'a Path,
    /// Whether the linker that its arguments name is LLD. The last one wins.
    names_lld: Option<bool>,
}

/// The style of a compiler driver's command line.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug))]
enum Style {
    /// cl, and clang-cl.
    Cl,
    Clang,
    /// gcc, and any unknown compiler.
    Gcc,
}

impl<'a> Driver<'a> {
    fn from_tool(tool: &'a cc::Tool) -> Self {
        let style = match (tool.is_like_msvc(), tool.is_like_clang()) {
            (true, _) => Style::Cl,
            (false, true) => Style::Clang,
            (false, false) => Style::Gcc,
        };
        Driver::new(style, tool.path(), tool.args().iter().map(AsRef::as_ref))
    }

    fn new(
        style: Style,
        program: &'a Path,
        arguments: impl DoubleEndedIterator<Item = &'a OsStr>,
    ) -> Self {
        let names_lld = |argument: &OsStr| {
            let argument = argument.to_string_lossy();
            driver_linker(&argument).map(|linker| is_lld(&file_name(OsStr::new(linker))))
        };
        Driver { style, program, names_lld: arguments.rev().find_map(names_lld) }
    }

    /// Returns the linker that it runs for this target, and a phrase with the reason.
    fn linker(&self, target: Target, caller: Option<Linker>) -> (Family, String) {
        let name = file_name(self.program.as_os_str());
        let basis = format!("behind the compiler {}", self.program.to_string_lossy());
        let family = match (target, caller, self.style) {
            (Target::Msvc, ..) if is_zig(&name) => Family::Zig,
            (Target::Msvc, _, Style::Gcc) => Family::Unknown,
            // link.exe and lld-link share one spelling, and all compilers in cl's style run one of them.
            (Target::Msvc, ..) | (_, _, Style::Cl) => Family::Msvc,
            (_, Some(linker), _) => {
                let family = match linker {
                    Linker::Lld => Family::LldDirect,
                    Linker::GnuLd => Family::GnuLd,
                    Linker::Zig => Family::Zig,
                };
                return (family, "SwapRun::linker in build.rs".to_owned());
            }
            _ if is_zig(&name) => Family::Zig,
            (Target::OtherWindows | Target::NotWindows, ..) => Family::Unknown,
            _ if self.names_lld == Some(true) => Family::LldDirect,
            // LLVM's MinGW toolchain has only LLD. A gcc belongs to another toolchain.
            (Target::GnuLlvm, _, Style::Clang) if self.names_lld.is_none() => Family::LldDirect,
            (Target::Gnu | Target::GnuLlvm, ..) => Family::GnuLd,
        };
        (family, basis)
    }

    /// Returns the linker's arguments in the form in which this compiler passes them to the linker.
    ///
    /// Sources: Microsoft Learn, "/link (Pass Options to Linker)"; clang's and gcc's manuals, `-Wl,`.
    /// clang-cl has no `-Wl,`. It passes a second `/link` to the linker: LLD 19 takes it for a file,
    /// and LLD 22 ignores it.
    fn wrap(&self, arguments: &[&str]) -> Vec<String> {
        match self.style {
            _ if arguments.is_empty() => Vec::new(),
            Style::Cl => ["/link"].iter().chain(arguments).map(ToString::to_string).collect(),
            Style::Clang | Style::Gcc => arguments.iter().map(|one| format!("-Wl,{one}")).collect(),
        }
    }
}

fn plan(wanted: &SwapRun, driver: &Driver<'_>, env: &BuildEnv) -> Result<Companion, Error> {
    let target = Target::from_env(env);
    let mut directives = vec![Directive::rerun_if_netswap_changed()];
    if let Target::NotWindows = target {
        return Ok(Companion { outcome: Outcome::NotWindows, arguments: Vec::new(), directives });
    }
    let (family, basis) = driver.linker(target, wanted.linker);
    let (outcome, arguments) = decide(wanted.bits, switch(env)?, family);
    if let Outcome::Unsupported = outcome {
        let text = unsupported(family, &basis, env);
        if wanted.required {
            return Err(Error::unsupported(&text));
        }
        directives.push(Directive::warning(&format!("netswap-build: {text}")));
    }
    Ok(Companion { outcome, arguments: driver.wrap(&arguments), directives })
}

/// Explains why there is no argument, and lists the alternatives.
fn unsupported(family: Family, basis: &str, env: &BuildEnv) -> String {
    format!(
        "{} ({basis}) has no option that makes Windows run an image from swap, so images that the build script of `{}` links for {} will not survive the loss of their share. \
         Compile with clang and give it -fuse-ld=lld (cc::Build::compiler and cc::Build::flag; some gcc ignore -fuse-ld=lld), \
         build for a *-windows-msvc or *-windows-gnullvm target, \
         or set the bit in the finished file (netswap patch). NETSWAP=off silences this.",
        family.title(),
        env.package,
        env.target
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::for_tests;

    fn planned(
        wanted: &SwapRun,
        (env, abi): (&str, &str),
        (style, program): (Style, &str),
        arguments: &[&str],
    ) -> Result<Companion, Error> {
        let env = for_tests("x86_64-pc-windows-…", "windows", env, Some(abi));
        let arguments = arguments.iter().map(OsStr::new);
        plan(wanted, &Driver::new(style, Path::new(program), arguments), &env)
    }

    #[test]
    #[rustfmt::skip]
    fn each_compiler_has_its_spelling() {
        use Style::{Cl, Clang, Gcc};
        let (msvc, gnu, llvm, new) = (("msvc", ""), ("gnu", ""), ("gnu", "llvm"), ("new", ""));
        let (cl, wl) = ("/link /SWAPRUN:NET /SWAPRUN:CD", "-Wl,/SWAPRUN:NET -Wl,/SWAPRUN:CD");
        let lld = "-Wl,-Xlink=/swaprun:net -Wl,-Xlink=/swaprun:cd";
        let table = [
            // target, compiler, its arguments -> both bits; empty: unsupported
            (msvc, (Cl, r"C:\VC\cl.exe"), &[][..], cl),
            (msvc, (Cl, "clang-cl-19"), &["-fuse-ld=lld"], cl),
            (msvc, (Clang, "clang"), &["--target=x86_64-pc-windows-msvc"], wl),
            (msvc, (Clang, "clang-19"), &["-fuse-ld=lld"], wl),
            (msvc, (Gcc, "gcc"), &[], ""),
            (msvc, (Clang, "zig"), &["cc"], ""),
            (gnu, (Gcc, "x86_64-w64-mingw32-gcc"), &[], ""),
            (gnu, (Gcc, "x86_64-w64-mingw32-gcc"), &["-fuse-ld=lld"], lld),
            (gnu, (Gcc, "gcc"), &["-fuse-ld=lld", "-fuse-ld=bfd"], ""),
            (gnu, (Clang, "clang"), &[], ""),
            (gnu, (Clang, "clang"), &["-O2", "-fuse-ld=lld-19", "-g"], lld),
            (gnu, (Clang, "clang"), &["--ld-path=/opt/ld.lld"], lld),
            (gnu, (Clang, "/cache/zigcc-x86_64-pc-windows-gnu.sh"), &["-fuse-ld=lld"], ""),
            (gnu, (Cl, "cl.exe"), &[], cl),
            (llvm, (Clang, "x86_64-w64-mingw32-clang"), &[], lld),
            // LLVM's toolchain also installs its clang under this name.
            (llvm, (Clang, "x86_64-w64-mingw32-gcc"), &[], lld),
            (llvm, (Clang, "clang"), &["-fuse-ld=bfd"], ""),
            (llvm, (Gcc, "x86_64-w64-mingw32-gcc"), &[], ""),
            (llvm, (Gcc, "x86_64-w64-mingw32-gcc"), &["-fuse-ld=lld"], lld),
            (new, (Clang, "clang"), &["-fuse-ld=lld"], ""),
        ];
        for (target, compiler, arguments, expected) in table {
            let companion =
                planned(&SwapRun::new().removable(true), target, compiler, arguments).unwrap();
            let shown = format!("{target:?} {compiler:?} {arguments:?}");
            assert_eq!(companion.arguments.join(" "), expected, "{shown}");
            let is_unsupported = companion.outcome == Outcome::Unsupported;
            assert_eq!(is_unsupported, expected.is_empty(), "{shown}");
            assert_eq!(companion.to_string().contains("cargo:warning="), is_unsupported, "{shown}");
        }
    }

    #[test]
    fn caller_sets_the_linker_not_the_spelling() {
        let gcc = (Style::Gcc, "gcc");
        let lld = SwapRun::new().linker(Linker::Lld);
        let arguments = |wanted: &SwapRun, target, compiler| {
            planned(wanted, target, compiler, &[]).unwrap().arguments.join(" ")
        };
        assert_eq!(arguments(&lld, ("gnu", ""), gcc), "-Wl,-Xlink=/swaprun:net");
        let clang = (Style::Clang, "clang");
        assert_eq!(arguments(&lld, ("msvc", ""), clang), "-Wl,/SWAPRUN:NET");
        for linker in [Linker::GnuLd, Linker::Zig] {
            let wanted = SwapRun::new().linker(linker);
            assert_eq!(arguments(&wanted, ("gnu", "llvm"), clang), "", "{linker:?}");
        }
    }

    #[test]
    fn only_requested_bits_get_arguments() {
        let cl = (Style::Cl, "cl.exe");
        let with = |net, removable| {
            let wanted = SwapRun::new().net(net).removable(removable);
            planned(&wanted, ("msvc", ""), cl, &[]).unwrap()
        };
        assert_eq!(with(true, false).arguments, ["/link", "/SWAPRUN:NET"]);
        assert_eq!(with(false, true).arguments, ["/link", "/SWAPRUN:CD"]);
        let neither = with(false, false);
        assert_eq!(neither.outcome, Outcome::NotRequested);
        assert!(neither.arguments.is_empty(), "{neither:?}");
    }
}
