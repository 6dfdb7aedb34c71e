//! One random stream for each purpose, all derived from the run's seed.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// The random stream of that seed and purpose (`generator`, `pace`, `client 3`…).
///
/// ChaCha has 2^64 independent streams to a key; the purpose's FNV-1a hash picks one. Using one
/// purpose more or less therefore never changes what another draws.
pub fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(hash);
    rng
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_seed_and_a_purpose_give_the_same_stream_and_others_do_not() {
        let draw = |seed, purpose: &str| stream(seed, purpose).next_u64();
        assert_eq!(draw(1, "pace"), draw(1, "pace"));
        assert_ne!(draw(1, "pace"), draw(2, "pace"));
        assert_ne!(draw(1, "pace"), draw(1, "generator"));
    }
}
