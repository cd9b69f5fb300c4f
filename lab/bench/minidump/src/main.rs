//! Uses the crate minidump to read the same parts of a dump as `netswap diagnose`: the exception,
//! the modules, the kind of memory at the address, and `Characteristics` in each module's header.

use std::error::Error;

use minidump::{
    Minidump, MinidumpException, MinidumpMemoryInfoList, MinidumpModuleList, MinidumpSystemInfo,
    Module,
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: bench-minidump FILE")?;
    let dump = Minidump::read_path(path)?;
    let system = dump.get_stream::<MinidumpSystemInfo>()?;
    let exception = dump.get_stream::<MinidumpException>()?;
    let address = exception.get_crash_address(system.os, system.cpu);
    println!("{} at {address:x}", exception.get_crash_reason(system.os, system.cpu));
    if let Ok(regions) = dump.get_stream::<MinidumpMemoryInfoList>() {
        println!("{:?}", regions.memory_info_at_address(address).map(|region| region.ty));
    }
    let modules = dump.get_stream::<MinidumpModuleList>()?;
    let memory = dump.get_memory();
    for module in modules.iter() {
        let base = module.base_address();
        let region = memory.as_ref().and_then(|memory| memory.memory_at_address(base));
        let characteristics = region.and_then(|region| {
            let e_lfanew: u32 = region.get_memory_at_address(base + 0x3c)?;
            region.get_memory_at_address::<u16>(base + u64::from(e_lfanew) + 22)
        });
        println!("{base:x} {} {characteristics:x?}", module.code_file());
    }
    Ok(())
}
