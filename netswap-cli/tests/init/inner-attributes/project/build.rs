fn main() {
    #![allow(unused_variables)]
    //! Why this is here.

    let unused = 1;
    println!("cargo:rerun-if-changed=build.rs");
}
