use std::error::Error;

pub fn dist() -> Result<(), Box<dyn Error>> {
    println!("packed");
    Ok(())
}
