macro_rules! directive {
    ($name:literal, $($value:tt)*) => {
        println!("cargo:{}={}", $name, format_args!($($value)*))
    };
}

macro_rules! with_main {
    ($($line:stmt;)*) => {
        fn main() { $($line)* }
    };
}

#[rustfmt::skip]
mod unused {
    with_main! { println!("cargo:warning=never"); }

    pub fn call() { let _ = main; }
}

fn main() {
    let _ = unused::call;
    directive!("rustc-env", "GREETING={}", "hello");
    directive!("rerun-if-changed", "build.rs");
}
