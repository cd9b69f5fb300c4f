pub const NAME: &str = "apple";
