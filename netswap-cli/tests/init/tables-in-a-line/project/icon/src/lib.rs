pub const NAME: &str = "icon";
