//! Measurements of clusters that hold much, with nodes in this process:
//! `cargo bench -p stormproof-cluster --bench size -- long-log [ENTRIES]`,
//! `… -- large-state [MEGABYTES]`, and `… -- soak [WRITES]`.

mod cluster;
mod large_state;
mod long_log;
mod nodes;
mod soak;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = arguments.iter().find_map(|argument| argument.parse::<u64>().ok());
    let root = std::env::temp_dir().join(format!("stormproof-size-{}", std::process::id()));
    let measured = match arguments.first().map(String::as_str) {
        Some("long-log") => long_log::run(root.clone(), number.unwrap_or(1_000_000)),
        Some("large-state") => large_state::run(root.clone(), number.unwrap_or(1_000)),
        Some("soak") => soak::run(root.clone(), number.unwrap_or(4_320_000)),
        _ => bail!(
            "say what to measure: -- long-log [ENTRIES], large-state [MEGABYTES], or soak [WRITES]"
        ),
    };
    let _ = std::fs::remove_dir_all(&root);
    measured
}
