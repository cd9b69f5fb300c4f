pub const NAME: &str = "common";
