//! The interface between plugin-host and its plug-ins.

#![forbid(unsafe_code)]

use abi_stable::library::RootModule;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RStr, RString};

/// The functions of a plug-in.
#[repr(C)]
#[derive(abi_stable::StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRef)))]
pub struct Plugin {
    /// Returns the greeting for a name.
    #[sabi(last_prefix_field)]
    pub greeting: extern "C" fn(RStr<'_>) -> RString,
}

impl RootModule for PluginRef {
    abi_stable::declare_root_module_statics! {PluginRef}

    /// The file's name without the system's prefix and suffix, such as `.dll` on Windows.
    const BASE_NAME: &'static str = "plugin_host_plugin";
    const NAME: &'static str = "plugin-host-plugin";
    const VERSION_STRINGS: VersionStrings = abi_stable::package_version_strings!();
}
