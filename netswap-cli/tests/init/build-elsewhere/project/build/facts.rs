pub const FACT: &str = "so";
