//! The source of a Rust program, as tokens. Inserts a statement at the start of its `main`, and
//! collects the words that it uses. A search in the text would also find comments, strings, and
//! `main` functions in macros and modules.

use std::collections::HashSet;
use std::ops::Range;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

/// The source of a program, as tokens.
pub(crate) struct Source<'a> {
    text: &'a str,
    /// The offset of the tokens in the text. It is 0, unless the text starts with a `#!` line.
    start: usize,
    tokens: Vec<TokenTree>,
}

/// The words of a source, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// All identifiers, including keywords.
    pub(crate) names: HashSet<String>,
    /// The names before a `::` or directly after `use`, such as those of crates.
    pub(crate) used: HashSet<String>,
    /// The contents of literals.
    pub(crate) literals: HashSet<String>,
    /// The modules at the top level that are in files of their own.
    pub(crate) modules: HashSet<String>,
}

/// A function `main`.
struct Main<'a> {
    body: &'a Group,
    /// Whether it exists only under a `cfg` condition.
    is_conditional: bool,
}

impl<'a> Source<'a> {
    /// Parses a source. Returns `None` if the text is not Rust.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        // `#!` starts an attribute if a bracket follows. Otherwise the line names an interpreter.
        let is_script =
            text.strip_prefix("#!").is_some_and(|rest| !rest.trim_start().starts_with('['));
        let start = if is_script { text.find('\n').unwrap_or(text.len()) } else { 0 };
        let tokens = TokenStream::from_str(text.get(start..)?).ok()?.into_iter().collect();
        Some(Source { text, start, tokens })
    }

    /// Returns the words in the source, including those in macros.
    pub(crate) fn words(&self) -> Words {
        let mut words = Words::default();
        for tokens in self.tokens.windows(3) {
            if let [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(end)] =
                tokens
                && keyword == "mod"
                && end.as_char() == ';'
            {
                words.modules.insert(name.to_string());
            }
        }
        let mut pending = vec![self.tokens.clone()];
        while let Some(tokens) = pending.pop() {
            let mut previous: Option<&TokenTree> = None;
            for (index, token) in tokens.iter().enumerate() {
                match token {
                    TokenTree::Group(group) => pending.push(group.stream().into_iter().collect()),
                    TokenTree::Ident(name) => {
                        let is_imported =
                            matches!(previous, Some(TokenTree::Ident(word)) if word == "use");
                        let next = tokens.get(index + 1);
                        let is_in_path = matches!(next, Some(TokenTree::Punct(colon))
                            if colon.as_char() == ':' && colon.spacing() == Spacing::Joint);
                        if is_imported || is_in_path {
                            words.used.insert(name.to_string());
                        }
                        words.names.insert(name.to_string());
                    }
                    TokenTree::Literal(literal) => {
                        words.literals.insert(literal.to_string().trim_matches('"').to_owned());
                    }
                    TokenTree::Punct(_) => {}
                }
                previous = Some(token);
            }
        }
        words
    }

    /// Returns the functions `main` at the top level. There is none if a macro or another file
    /// defines it. There are several if `cfg` selects one of them.
    fn mains(&self) -> Vec<Main<'_>> {
        let mut mains = Vec::new();
        for (index, pair) in self.tokens.windows(2).enumerate() {
            let is_main = matches!(pair, [TokenTree::Ident(keyword), TokenTree::Ident(name)]
                if keyword == "fn" && name == "main");
            if !is_main {
                continue;
            }
            let before = self.tokens.get(..index).unwrap_or_default();
            let after = self.tokens.get(index + 2..).unwrap_or_default();
            if let Some(body) = function_body(after) {
                mains.push(Main { body, is_conditional: ends_with_cfg(before) });
            }
        }
        mains
    }

    /// Whether no `main` contains a statement.
    pub(crate) fn has_empty_main(&self) -> bool {
        self.mains().iter().all(|main| main.body.stream().is_empty())
    }

    /// Returns the text with the statement as the first one in `main`, or in each of several.
    ///
    /// # Errors
    ///
    /// When it is not certain that the statement would run. The error is the reason.
    pub(crate) fn with_statement(&self, statement: &str) -> Result<String, &'static str> {
        let mains = self.mains();
        match mains.as_slice() {
            [] => return Err("it does not define `fn main` itself"),
            [Main { is_conditional: true, .. }] => {
                return Err("its `fn main` has a `cfg` condition");
            }
            _ => {}
        }
        let mut text = self.text.to_owned();
        // From the last to the first, because an insertion moves what follows it.
        for main in mains.into_iter().rev() {
            let insertion = self.insertion(main.body, statement);
            let (range, replacement) = insertion.ok_or("its `fn main` can't be read")?;
            text.replace_range(range, &replacement);
        }
        Ok(text)
    }

    /// Returns the edit that makes a body start with the statement: a range of the text, and its
    /// replacement.
    fn insertion(&self, body: &Group, statement: &str) -> Option<(Range<usize>, String)> {
        let open = self.range(body.span_open()).end;
        let close = self.range(body.span_close()).start;
        let line_start = self.text.get(..open)?.rfind('\n').map_or(0, |end| end + 1);
        let outer = indentation(self.text.get(line_start..)?);
        let default = || format!("{outer}{}", self.indentation_unit());
        let inside = self.text.get(open..close)?;
        // `{}` becomes a body of several lines.
        if inside.trim().is_empty() && !inside.contains('\n') {
            return Some((open..close, format!("\n{}{statement}\n{outer}", default())));
        }
        let start = self.inner_attributes_end(body).unwrap_or(open);
        let rest = self.text.get(start..close)?;
        let line = rest.lines().next().unwrap_or_default();
        let has_more_lines = rest.len() > line.len();
        // The statement goes on the next line, with the indentation of the code there.
        if has_more_lines && (line.trim().is_empty() || line.trim_start().starts_with("//")) {
            let at = start + line.len();
            let mut below = rest.get(line.len()..)?.lines().filter(|line| !line.trim().is_empty());
            let inner = below
                .next()
                .map(indentation)
                .filter(|inner| inner.len() > outer.len() && inner.starts_with(outer));
            let indentation = inner.map_or_else(default, str::to_owned);
            return Some((at..at, format!("\n{indentation}{statement}")));
        }
        // The body continues on this line, so the statement goes on the same line.
        let gap = if rest.starts_with(char::is_whitespace) { "" } else { " " };
        Some((start..start, format!(" {statement}{gap}")))
    }

    /// Returns the end of the body's own attributes, `#![…]` and `//!`, if there are any.
    fn inner_attributes_end(&self, body: &Group) -> Option<usize> {
        let tokens: Vec<_> = body.stream().into_iter().collect();
        let attributes = tokens.chunks_exact(3).map_while(|attribute| match attribute {
            [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(group)]
                if hash.as_char() == '#' && bang.as_char() == '!' =>
            {
                Some(self.range(group.span()).end)
            }
            _ => None,
        });
        attributes.last()
    }

    /// Returns a token's range in the text.
    fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range();
        range.start + self.start..range.end + self.start
    }

    /// Returns one step of indentation, from the first line below a line that ends with a brace.
    fn indentation_unit(&self) -> &str {
        let lines: Vec<_> = self.text.lines().collect();
        let mut steps = lines.windows(2).filter_map(|pair| match pair {
            [above, below] if above.trim_end().ends_with('{') && !below.trim().is_empty() => {
                indentation(below).strip_prefix(indentation(above))
            }
            _ => None,
        });
        steps.find(|step| !step.is_empty()).unwrap_or("    ")
    }
}

fn indentation(line: &str) -> &str {
    let content = line.trim_start_matches([' ', '\t']);
    line.get(..line.len() - content.len()).unwrap_or_default()
}

/// Whether a function has a `cfg` attribute. The tokens are those before its `fn`. They end with its
/// attributes and then its qualifiers, such as `pub(crate) extern "C"`.
fn ends_with_cfg(tokens: &[TokenTree]) -> bool {
    let is_qualifier = |token: &&TokenTree| match token {
        TokenTree::Ident(word) => {
            ["pub", "const", "async", "unsafe", "extern"].contains(&&*word.to_string())
        }
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        TokenTree::Literal(_) => true,
        TokenTree::Punct(_) => false,
    };
    let mut tokens = tokens.iter().rev().skip_while(is_qualifier);
    while let (Some(TokenTree::Group(group)), Some(TokenTree::Punct(hash))) =
        (tokens.next(), tokens.next())
    {
        if group.delimiter() != Delimiter::Bracket || hash.as_char() != '#' {
            return false;
        }
        let name = group.stream().into_iter().next();
        if matches!(name, Some(TokenTree::Ident(name)) if name == "cfg") {
            return true;
        }
    }
    false
}

/// Finds a function's body in the tokens after its name. Braces after `<` or a comma are generic
/// arguments in its signature.
fn function_body(tokens: &[TokenTree]) -> Option<&Group> {
    let mut is_argument = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !is_argument => {
                return Some(group);
            }
            TokenTree::Punct(end) if end.as_char() == ';' => return None,
            _ => {}
        }
        is_argument = matches!(token, TokenTree::Punct(punctuation)
            if matches!(punctuation.as_char(), '<' | ','));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::without_and_with;
    use proptest::prelude::*;

    fn with_call(text: &str) -> Result<String, &'static str> {
        Source::parse(text).unwrap().with_statement("call();")
    }

    #[test]
    fn statement_is_inserted_first_in_main() {
        for marked in [
            "fn main() {«\n    call();\n»}",
            "fn main() {\n«    call();\n»}\n",
            "fn main()\n{\n«  call();\n»  a();\n}",
            "fn main() {« call();» a(); }",
            "fn main() {« call(); »a();}",
            "#! [allow(x)]\nfn main() {«\n    call();\n»}",
            "fn main() { // why\n«    call();\n»    a();\n}",
            "fn main() {\n«\tcall();\n»\n\ta();\n}",
            "fn main() {\n«    call();\n»    // a();\n}",
            "fn main() -> Result<(), E> {\n«    call();\n»    Ok(())\n}",
            "fn main() -> Is<{ N }, { M }> {\n«    call();\n»    Ok(())\n}",
            "fn main() {\n    #![allow(x)]\n    //! why\n«    call();\n»    a();\n}",
            "fn main() { #![allow(x)]« call();» a(); }",
            "fn a() {\n\tb();\n}\n\nfn main() {«\n\tcall();\n»}\n",
            "#!/usr/bin/env x\nfn main() {\n«    call();\n»    a();\n}",
            "// fn main() {\nconst A: &str = \"fn main() {\";\nmod m {\n    fn main() {}\n}\n\
             async fn main() {\n«    call();\n»    a();\n}",
            "#[cfg(a)]\nfn main() {«\n    call();\n»}\n#[cfg(not(a))]\nfn main() {« call();» ä(); }",
        ] {
            let (before, after) = without_and_with(marked);
            assert_eq!(with_call(&before), Ok(after), "{before}");
        }
        // The space between the braces goes.
        let after = "fn main() {\n    call();\n}\n";
        assert_eq!(with_call("fn main() { }\n").as_deref(), Ok(after));
    }

    #[test]
    fn missing_or_conditional_main_is_refused() {
        let (missing, conditional) =
            ("it does not define `fn main` itself", "its `fn main` has a `cfg` condition");
        for (text, why) in [
            ("", missing),
            ("make_main! { fn main() {} }", missing),
            ("use other::main;", missing),
            ("fn main();", missing),
            ("#[cfg(a)]\nfn main() {}", conditional),
            ("#[cfg(a)]\n#[allow(x)]\npub(crate) extern \"C\" fn main() {}", conditional),
            ("#[allow(x)]\n#[cfg(a)]\nasync fn main() {}", conditional),
        ] {
            assert_eq!(with_call(text), Err(why), "{text}");
        }
        assert!(with_call("#[cfg(a)] fn other() {}\n#[allow(x)]\nfn main() {}").is_ok());
    }

    #[test]
    fn invalid_rust_is_not_parsed() {
        assert!(Source::parse("fn main() {").is_none());
        assert!(Source::parse("\"").is_none());
    }

    #[test]
    fn words_are_sorted_by_kind_and_comments_ignored() {
        let text = "// a::b\nmod file;\nmod inner {}\nuse used;\nfn main() { c!(d, \"e\", f::g); h(i: j) }";
        let words = Source::parse(text).unwrap().words();
        let found_in = |set: &HashSet<String>| {
            ["a", "c", "e", "f", "g", "i", "used"].map(|word| set.contains(word))
        };
        assert_eq!(found_in(&words.names), [false, true, false, true, true, true, true]);
        assert_eq!(found_in(&words.used), [false, false, false, true, false, false, true]);
        assert_eq!(found_in(&words.literals), [false, false, true, false, false, false, false]);
        assert_eq!(words.modules, HashSet::from(["file".to_owned()]));
    }

    /// Returns random sequences of Rust fragments, valid and invalid.
    fn any_source() -> impl Strategy<Value = String> {
        const SHORT: [&str; 22] = [
            "fn main", "main", "fn ", "(", ")", "{", "}", "{}", "\n", " ", "\t", "// {\n", "\"{\"",
            "-> A ", ";", "mod m;", "ä", "\u{feff}", "#!", "'a", "macro! ", "\r",
        ];
        const LONG: [&str; 8] = [
            "fn main() ",
            "{ a(); }",
            "#[cfg(a)]",
            "#![allow(a)]",
            "//! d\n",
            "/* } */",
            "r#\"}\"#",
            "<{ 1 }>",
        ];
        let piece = proptest::sample::select([&SHORT[..], &LONG].concat());
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn only_the_statement_is_added(text in any_source()) {
            let Some(source) = Source::parse(&text) else { return Ok(()) };
            let Ok(after) = source.with_statement("call();") else { return Ok(()) };
            let bare = |text: &str| text.replace(char::is_whitespace, "");
            prop_assert_eq!(bare(&after.replace("call();", "")), bare(&text));
            let again = Source::parse(&after);
            prop_assert!(again.is_some_and(|source| source.words().names.contains("call")), "{after}");
        }
    }

    #[test]
    fn deeply_nested_braces_are_parsed() {
        let deep = format!("fn main() {{ {}{} }}", "{".repeat(100_000), "}".repeat(100_000));
        let source = Source::parse(&deep).unwrap();
        assert!(source.with_statement("call();").is_ok());
        assert!(source.words().names.contains("main"));
    }
}
