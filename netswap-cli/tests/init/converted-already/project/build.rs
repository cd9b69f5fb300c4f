fn main() {
    netswap_build::SwapRun::new().removable(true).emit();
}
