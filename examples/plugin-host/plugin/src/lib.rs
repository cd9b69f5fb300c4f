//! A plug-in of plugin-host with its own greeting.

#![forbid(unsafe_code)]

use abi_stable::export_root_module;
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::std_types::{RStr, RString};

use plugin_host_interface::{Plugin, PluginRef};

/// The plug-in's entry point. The macro exports it under the name that abi_stable looks up.
#[export_root_module]
fn plugin() -> PluginRef {
    Plugin { greeting }.leak_into_prefix()
}

/// Returns the greeting for `name`.
extern "C" fn greeting(name: RStr<'_>) -> RString {
    format!("Hello from the plug-in, {name}!").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plug_in_greeting_contains_the_name() {
        assert_eq!(greeting("Ada".into()), "Hello from the plug-in, Ada!");
    }
}
