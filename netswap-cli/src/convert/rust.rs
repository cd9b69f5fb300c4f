//! A statement at the start of a Rust program's `main`, as its tokens say where that is: no comment,
//! text, macro or inner module is taken for it.

use std::collections::HashSet;
use std::ops::Range;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

/// A program's source as tokens.
pub(crate) struct Source<'a> {
    text: &'a str,
    /// Where the tokens begin: behind a `#!` line.
    start: usize,
    tokens: Vec<TokenTree>,
}

impl<'a> Source<'a> {
    /// None if the text is no Rust.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let is_script = text.starts_with("#!") && !text.starts_with("#![");
        let start = if is_script { text.find('\n').unwrap_or(text.len()) } else { 0 };
        let tokens = TokenStream::from_str(text.get(start..)?).ok()?.into_iter().collect();
        Some(Source { text, start, tokens })
    }

    /// All names in it, those in macros too, and the contents of plain string literals.
    pub(crate) fn words(&self) -> HashSet<String> {
        let mut words = HashSet::new();
        let mut left = vec![self.tokens.clone()];
        while let Some(tokens) = left.pop() {
            for token in tokens {
                match token {
                    TokenTree::Group(group) => left.push(group.stream().into_iter().collect()),
                    TokenTree::Ident(name) => {
                        words.insert(name.to_string());
                    }
                    TokenTree::Literal(literal) => {
                        words.insert(literal.to_string().trim_matches('"').to_owned());
                    }
                    TokenTree::Punct(_) => {}
                }
            }
        }
        words
    }

    /// The bodies of the functions `main` at the top: one, none where a macro or another file makes it,
    /// or several, of which `cfg` picks one.
    fn mains(&self) -> Vec<&Group> {
        let mut bodies = Vec::new();
        for (index, pair) in self.tokens.windows(2).enumerate() {
            let is_main = matches!(pair, [TokenTree::Ident(function), TokenTree::Ident(name)]
                if function == "fn" && name == "main");
            if is_main {
                bodies.extend(body(self.tokens.get(index + 2..).unwrap_or_default()));
            }
        }
        bodies
    }

    /// Whether nothing is in `main`.
    pub(crate) fn is_empty(&self) -> bool {
        self.mains().iter().all(|body| body.stream().is_empty())
    }

    /// The text with the statement as the first of `main`; None if it has none of its own.
    pub(crate) fn with_statement(&self, statement: &str) -> Option<String> {
        let mains = self.mains();
        if mains.is_empty() {
            return None;
        }
        let mut text = self.text.to_owned();
        for body in mains.into_iter().rev() {
            let (range, insertion) = self.insertion(body, statement)?;
            text.replace_range(range, &insertion);
        }
        Some(text)
    }

    /// What of the text is replaced for the statement to stand in this body, and by what.
    fn insertion(&self, body: &Group, statement: &str) -> Option<(Range<usize>, String)> {
        let open = self.range(body.span_open()).end;
        let close = self.range(body.span_close()).start;
        let line_start = self.text.get(..open)?.rfind('\n').map_or(0, |end| end + 1);
        let base = indentation(self.text.get(line_start..)?);
        let inside = self.text.get(open..close)?;
        if inside.trim().is_empty() && !inside.contains('\n') {
            let unit = self.indentation_unit();
            return Some((open..close, format!("\n{base}{unit}{statement}\n{base}")));
        }
        let after = self.after_inner_attributes(body).unwrap_or(open);
        let rest = self.text.get(after..close)?;
        let line = rest.lines().next().unwrap_or_default();
        let ends_here = rest.len() > line.len();
        if ends_here && (line.trim().is_empty() || line.trim_start().starts_with("//")) {
            let at = after + line.len();
            let mut below = rest.get(line.len()..)?.lines().filter(|line| !line.trim().is_empty());
            let same = below.next().map(indentation).filter(|indentation| {
                indentation.len() > base.len() && indentation.starts_with(base)
            });
            let own = || format!("{base}{}", self.indentation_unit());
            let indentation = same.map_or_else(own, str::to_owned);
            return Some((at..at, format!("\n{indentation}{statement}")));
        }
        // The body goes on in the line, and so does the statement.
        Some((after..after, format!(" {statement}")))
    }

    /// Where the attributes of the body itself, `#![…]` and `//!`, end, if there are any.
    fn after_inner_attributes(&self, body: &Group) -> Option<usize> {
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

    fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range();
        range.start + self.start..range.end + self.start
    }

    /// One step of indentation: that of the first line below one that ends with a brace.
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

/// The body among the tokens behind a function's name. Braces in its signature are the arguments of
/// generics: they stand behind `<` or a comma.
fn body(tokens: &[TokenTree]) -> Option<&Group> {
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
            if matches!(punctuation.as_char(), '<' | ',')
            && punctuation.spacing() == Spacing::Alone);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_call(text: &str) -> Option<String> {
        Source::of(text).unwrap().with_statement("call();")
    }

    #[test]
    fn the_statement_is_the_first_of_main_however_it_is_written() {
        for (before, after) in [
            ("fn main() {}", "fn main() {\n    call();\n}"),
            ("fn main() { }\n", "fn main() {\n    call();\n}\n"),
            ("fn main() {\n}\n", "fn main() {\n    call();\n}\n"),
            ("fn main()\n{\n  a();\n}", "fn main()\n{\n  call();\n  a();\n}"),
            ("fn main() { a(); }", "fn main() { call(); a(); }"),
            ("fn main() { // why\n    a();\n}", "fn main() { // why\n    call();\n    a();\n}"),
            ("fn main() {\n\n\ta();\n}", "fn main() {\n\tcall();\n\n\ta();\n}"),
            ("fn main() {\n    // a();\n}", "fn main() {\n    call();\n    // a();\n}"),
            (
                "fn main() -> Result<(), E> {\n    Ok(())\n}",
                "fn main() -> Result<(), E> {\n    call();\n    Ok(())\n}",
            ),
            (
                "fn main() -> Is<{ N }, { M }> {\n    Ok(())\n}",
                "fn main() -> Is<{ N }, { M }> {\n    call();\n    Ok(())\n}",
            ),
            (
                "fn main() {\n    #![allow(x)]\n    //! why\n    a();\n}",
                "fn main() {\n    #![allow(x)]\n    //! why\n    call();\n    a();\n}",
            ),
            ("fn main() { #![allow(x)] a(); }", "fn main() { #![allow(x)] call(); a(); }"),
            (
                "fn a() {\n\tb();\n}\n\nfn main() {}\n",
                "fn a() {\n\tb();\n}\n\nfn main() {\n\tcall();\n}\n",
            ),
            (
                "#!/usr/bin/env x\nfn main() {\n    a();\n}",
                "#!/usr/bin/env x\nfn main() {\n    call();\n    a();\n}",
            ),
            (
                "// fn main() {\nconst A: &str = \"fn main() {\";\nmod m {\n    fn main() {}\n}\nasync fn main() {\n    a();\n}",
                "// fn main() {\nconst A: &str = \"fn main() {\";\nmod m {\n    fn main() {}\n}\nasync fn main() {\n    call();\n    a();\n}",
            ),
            (
                "#[cfg(a)]\nfn main() {}\n#[cfg(not(a))]\nfn main() { ä(); }",
                "#[cfg(a)]\nfn main() {\n    call();\n}\n#[cfg(not(a))]\nfn main() { call(); ä(); }",
            ),
        ] {
            assert_eq!(with_call(before).as_deref(), Some(after), "{before}");
        }
    }

    #[test]
    fn without_a_main_of_its_own_nothing_is_inserted() {
        for text in ["", "make_main! { fn main() {} }", "use other::main;", "fn main();"] {
            assert_eq!(with_call(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_rust_has_no_tokens() {
        assert!(Source::of("fn main() {").is_none());
        assert!(Source::of("\"").is_none());
    }

    #[test]
    fn a_word_is_a_name_or_a_text_and_nothing_in_a_comment() {
        let words = Source::of("// a::b\nfn main() { c!(d, \"e\"); }").unwrap().words();
        for (word, is_there) in [("a", false), ("c", true), ("d", true), ("e", true)] {
            assert_eq!(words.contains(word), is_there, "{word}");
        }
    }

    #[test]
    fn braces_by_the_thousand_are_no_trouble() {
        let deep = format!("fn main() {{ {}{} }}", "{".repeat(100_000), "}".repeat(100_000));
        let source = Source::of(&deep).unwrap();
        assert!(source.with_statement("call();").is_some());
        assert!(source.words().contains("main"));
    }
}
