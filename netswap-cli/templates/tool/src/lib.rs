//! The library of {{project-name}}, for its program and its tests.
{%- if cdylib %}

mod plugin;

pub use plugin::load_plugin;
{%- endif %}

/// Returns the greeting for `name`.
pub fn greeting(name: &str) -> String {
    format!("Hello, {name}!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_contains_the_name() {
        assert_eq!(greeting("Ada"), "Hello, Ada!");
    }
}
