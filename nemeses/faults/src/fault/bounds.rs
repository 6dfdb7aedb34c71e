//! Bounds that several families have for what a plan may ask for.

/// The longest delay that can be meant, in milliseconds: a minute.
const LONGEST_DELAY_MS: f64 = 60_000.0;
/// The shortest step of what comes and goes, in milliseconds: carrying one out takes about as long.
pub(super) const SHORTEST_STEP_MS: u32 = 10;

pub(super) fn percent(name: &str, value: f64) -> Result<(), String> {
    if (0.0..=100.0).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} is from 0 to 100, not {value}"))
}

pub(super) fn delay(name: &str, value: f64) -> Result<(), String> {
    if (0.0..=LONGEST_DELAY_MS).contains(&value) {
        return Ok(());
    }
    Err(format!("{name} is from 0 to {LONGEST_DELAY_MS}, not {value}"))
}

pub(super) fn at_least_two(nodes: usize) -> Result<(), String> {
    if nodes >= 2 {
        return Ok(());
    }
    Err("a single node has no other to hand anything to".to_owned())
}
