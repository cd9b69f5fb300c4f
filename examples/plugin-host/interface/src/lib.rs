//! What plugin-host and its plug-ins agree on.

#![forbid(unsafe_code)]

use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RStr, RString};

/// What a plug-in can do.
#[repr(C)]
#[derive(abi_stable::StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
pub struct Plugin {
    /// What is said to a name.
    #[sabi(last_prefix_field)]
    pub greeting: extern "C" fn(RStr<'_>) -> RString,
}

impl RootModule for PluginRef {
    abi_stable::declare_root_module_statics! {PluginRef}

    /// What the file is called: with `.dll` on Windows, and as other systems have it.
    const BASE_NAME: &'static str = "plugin_host_plugin";
    const NAME: &'static str = "plugin-host-plugin";
    const VERSION_STRINGS: VersionStrings = abi_stable::package_version_strings!();
}
