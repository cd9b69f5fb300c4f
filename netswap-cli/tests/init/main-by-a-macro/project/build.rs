macro_rules! build_script {
    ($($line:stmt;)*) => {
        fn main() {
            $($line)*
        }
    };
}

build_script! {
    println!("cargo:rerun-if-changed=build.rs");
}
