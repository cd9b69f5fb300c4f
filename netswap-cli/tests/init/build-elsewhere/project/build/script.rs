mod facts;

fn main() {
    println!("cargo:rustc-env=FACT={}", facts::FACT);
}
