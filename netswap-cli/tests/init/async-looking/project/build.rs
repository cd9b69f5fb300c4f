use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn main() {
    let mut future = pin!(async_main());
    let mut context = Context::from_waker(Waker::noop());
    while future.as_mut().poll(&mut context) == Poll::Pending {}
}

async fn async_main() {
    r#async().await;
}

async fn r#async() {
    println!("cargo:rerun-if-changed=build.rs");
}
