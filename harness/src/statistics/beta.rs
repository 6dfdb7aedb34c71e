//! The beta distribution, from which intervals of rates follow.

/// The natural logarithm of the gamma function, by Lanczos' approximation with g = 7 and nine terms
/// (Numerical Recipes, third edition, 6.1): good to fifteen digits for the numbers that counts give.
fn ln_gamma(x: f64) -> f64 {
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let sum = TERMS.iter().zip(1..).fold(FIRST, |sum, (term, at)| sum + term / (x + f64::from(at)));
    let t = x + 7.5;
    0.5 * std::f64::consts::TAU.ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The natural logarithm of the beta function.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// The probability that a value of the beta distribution is at most `x`: the regularized incomplete
/// beta function, by its continued fraction (Numerical Recipes, third edition, 6.4).
pub(super) fn cumulative(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() - ln_beta(a, b)).exp();
    // It converges fast on this side of the mean, and the function is symmetric.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * continued_fraction(a, b, x) / a,
        false => 1.0 - front * continued_fraction(b, a, 1.0 - x) / b,
    }
}

/// Lentz's method.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..1_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            step = c * d;
            fraction *= step;
        }
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

/// The value that a share `p` of the beta distribution is below.
pub(super) fn quantile(a: f64, b: f64, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Halved until no number lies between.
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match cumulative(a, b, middle) < p {
            true => low = middle,
            false => high = middle,
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(value: f64, expect: f64) {
        assert!((value - expect).abs() < 1e-9, "{value}, not {expect}");
    }

    #[test]
    fn the_gamma_function_is_the_factorial_before_and_the_root_of_pi_at_a_half() {
        close(ln_gamma(1.0), 0.0);
        close(ln_gamma(6.0), 120.0_f64.ln());
        close(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
        // 100!, of 158 digits.
        close(ln_gamma(101.0), 363.739_375_555_563_5);
    }

    #[test]
    fn the_beta_distribution_has_the_values_that_can_be_worked_out_by_hand() {
        // Uniform; x²; 1 - (1 - x)³; and symmetric about a half.
        close(cumulative(1.0, 1.0, 0.3), 0.3);
        close(cumulative(2.0, 1.0, 0.3), 0.09);
        close(cumulative(1.0, 3.0, 0.3), 1.0 - 0.343);
        close(cumulative(7.5, 7.5, 0.5), 0.5);
        // P(X ≥ 3) of ten throws at 0.2: one minus 0.6777995264, from tables of the binomial.
        close(cumulative(3.0, 8.0, 0.2), 0.322_200_473_6);
        close(quantile(1.0, 3.0, 1.0 - 0.343), 0.3);
    }
}
