//! The bits that `NETSWAP` requests, in the same words as for netswap-build (pure).

use std::ffi::OsStr;

use netswap::SwapRun;

use super::LinkerError;

/// Returns the bits to set: the network bit, unless `NETSWAP` requests something else.
pub(super) fn bits(netswap: Option<&OsStr>) -> Result<&'static [SwapRun], LinkerError> {
    match netswap.map(OsStr::to_string_lossy).as_deref() {
        Some("off") => Ok(&[]),
        Some("net") | None => Ok(&[SwapRun::Net]),
        Some("cd") => Ok(&[SwapRun::Cd]),
        Some("net,cd" | "cd,net") => Ok(&SwapRun::ALL),
        Some(other) => Err(LinkerError::Switch(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netswap_build::BuildEnv;

    /// Returns netswap-build's result for this value: the bits' words in its receipt, or its error.
    fn of_netswap_build(value: &str) -> Result<serde_json::Value, String> {
        let variables = |name: &str| {
            let value = match name {
                "NETSWAP" => value,
                "CARGO_PKG_NAME" | "OUT_DIR" => "tool",
                "TARGET" => "x86_64-pc-windows-msvc",
                "CARGO_CFG_TARGET_OS" => "windows",
                "CARGO_CFG_TARGET_ENV" => "msvc",
                _ => return None,
            };
            Some(value.into())
        };
        let env = BuildEnv::from_vars(variables).unwrap();
        let plan = netswap_build::SwapRun::new().plan(&env).map_err(|error| error.to_string())?;
        let receipt: serde_json::Value = serde_json::from_str(&plan.receipt.to_string()).unwrap();
        Ok(receipt["netswap"].clone())
    }

    #[test]
    fn values_and_error_match_netswap_build() {
        for value in ["off", "net", "cd", "net,cd", "cd,net", "NET", "on", "net, cd", "0"] {
            let ours = bits(Some(OsStr::new(value))).map_err(|error| error.to_string());
            let ours = ours.map(|bits| serde_json::to_value(bits).unwrap());
            assert_eq!(ours, of_netswap_build(value), "{value}");
        }
        assert_eq!(bits(None).unwrap(), [SwapRun::Net]);
    }
}
