//! The machine a run took place on, for the report.

use std::collections::BTreeMap;
use std::fs;

/// Kernel, processors, memory and version of stormproof.
pub fn describe() -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    let mut tell = |name: &str, value: String| environment.insert(name.into(), value);
    tell("stormproof", env!("CARGO_PKG_VERSION").into());
    if let Ok(kernel) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        tell("kernel", kernel.trim().into());
    }
    if let Ok(processors) = std::thread::available_parallelism() {
        tell("processors", processors.to_string());
    }
    if let Ok(memory) = fs::read_to_string("/proc/meminfo") {
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kibibytes =
            total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
        if let Some(kibibytes) = kibibytes {
            tell("memory", format!("{:.1} GiB", kibibytes as f64 / 1024.0 / 1024.0));
        }
    }
    environment
}
