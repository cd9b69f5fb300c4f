//! The parts of the book's pages without what differs from run to run.

/// Returns the text with placeholders for the times and addresses, which differ from run to run.
pub(super) fn stable(text: &str) -> String {
    const BEFORE_ADDRESS: [&str; 4] = ["reading", "to", "running", "+"];
    let mut before = "";
    let mut stable = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let trimmed = word.trim_end().trim_end_matches(',');
        let is_address = trimmed.starts_with("0x") && BEFORE_ADDRESS.contains(&before);
        stable += if is_address {
            "ADDRESS "
        } else if is_time(trimmed) {
            "TIME "
        } else {
            word
        };
        before = trimmed;
    }
    stable
}

/// Whether this is a time such as `2026-11-25T02:31:06Z`.
fn is_time(word: &str) -> bool {
    let shape = |character: char| if character.is_ascii_digit() { '0' } else { character };
    word.chars().map(shape).eq("0000-00-00T00:00:00Z".chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_and_addresses_may_differ() {
        let text = "at 2026-11-25T02:31:06Z, 0xC0000006, running 0x7ff61234\nx.dll + 0x1370\n";
        for (other, is_same) in [
            (text.replace("02:31:06", "17:00:00"), true),
            (text.replace("0x7ff61234", "0x1"), true),
            (text.replace("0x1370", "0x2000"), true),
            (text.replace("0xC0000006", "0xC0000005"), false),
            (text.replace("running", "reading"), false),
            (text.replace("2026-11-25T02:31:06Z", "never"), false),
        ] {
            assert_eq!(stable(text) == stable(&other), is_same, "{other}");
        }
    }
}
