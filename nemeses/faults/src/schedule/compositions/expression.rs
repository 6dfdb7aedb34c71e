//! Numbers of a composition: sums of products of numbers, ranges and names.
//!
//! `$slow * 0.3..0.95` is a part of what `slow` was drawn as, `$first + $off + 1.2..2.5` comes so
//! long after.

use std::collections::VecDeque;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::fault::between;

/// A sum of products.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression(Vec<(Sign, Vec<Factor>)>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Debug, Clone, PartialEq)]
enum Factor {
    One(Operand),
    Range(Operand, Operand),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    /// A number; whole if it is written without a decimal point.
    Number { value: f64, whole: bool },
    /// A value that is drawn once for the composition.
    Name(String),
}

/// The rounding of numbers that are drawn from a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rounding {
    /// To whole ones, unless a bound is written with a decimal point.
    AsWritten,
    /// Never, as with times.
    Never,
}

impl Expression {
    /// Reads one. A text that does not begin like a number or a name is no expression but a word.
    pub fn read(text: &str) -> Option<Result<Self, String>> {
        let begins = |first: char| first.is_ascii_digit() || "$-.".contains(first);
        text.trim_start().starts_with(begins).then(|| {
            let sum = tokens(text).and_then(|tokens| Reader(tokens).sum());
            sum.map(Self).map_err(|what| format!("{text:?} is no number: {what}"))
        })
    }

    /// The only name that it consists of.
    pub fn as_name(&self) -> Option<&str> {
        match &self.0[..] {
            [(Sign::Plus, product)] => match &product[..] {
                [Factor::One(Operand::Name(name))] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let factors = self.0.iter().flat_map(|(_, product)| product);
        let operands = factors.flat_map(|factor| match factor {
            Factor::One(one) => [Some(one), None],
            Factor::Range(least, most) => [Some(least), Some(most)],
        });
        operands.flatten().filter_map(|operand| match operand {
            Operand::Name(name) => Some(name.as_str()),
            Operand::Number { .. } => None,
        })
    }

    /// Draws its ranges and works it out.
    ///
    /// # Errors
    /// When a range has no numbers in it, or a name is not that of a number.
    pub fn draw(
        &self,
        rounding: Rounding,
        names: &impl Fn(&str) -> Result<f64, String>,
        random: &mut ChaCha8Rng,
    ) -> Result<f64, String> {
        let mut sum = 0.0;
        for (sign, product) in &self.0 {
            let mut value = 1.0;
            for factor in product {
                value *= factor.draw(rounding, names, random)?;
            }
            sum += if *sign == Sign::Minus { -value } else { value };
        }
        Ok(sum)
    }
}

impl Factor {
    fn draw(
        &self,
        rounding: Rounding,
        names: &impl Fn(&str) -> Result<f64, String>,
        random: &mut ChaCha8Rng,
    ) -> Result<f64, String> {
        let (least, most) = match self {
            Self::One(one) => return one.value(names),
            Self::Range(least, most) => (least, most),
        };
        let whole = rounding == Rounding::AsWritten && least.is_whole() && most.is_whole();
        let (least, most) = (least.value(names)?, most.value(names)?);
        if least > most {
            return Err(format!("no number is from {least} to {most}"));
        }
        let value = if least * most > 0.0 {
            between(least, most, random)
        } else {
            // There are no powers of ten on the way to 0.
            least + (most - least) * random.random_range(0.0..1.0)
        };
        Ok(if whole { value.round() } else { value })
    }
}

impl Operand {
    fn value(&self, names: &impl Fn(&str) -> Result<f64, String>) -> Result<f64, String> {
        match self {
            Self::Number { value, .. } => Ok(*value),
            Self::Name(name) => names(name),
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Number { whole: true, .. } | Self::Name(_))
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Operand(Operand),
    Plus,
    Minus,
    Times,
    To,
}

fn tokens(mut rest: &str) -> Result<VecDeque<Token>, String> {
    let mut tokens = VecDeque::new();
    let signs = [("+", Token::Plus), ("-", Token::Minus), ("*", Token::Times), ("..", Token::To)];
    loop {
        rest = rest.trim_start();
        let sign = signs.iter().find_map(|(sign, token)| Some((rest.strip_prefix(sign)?, token)));
        let (after, token) = match sign {
            _ if rest.is_empty() => return Ok(tokens),
            Some((after, token)) => (after, token.clone()),
            None => operand(rest).ok_or_else(|| format!("what is {rest:?}?"))?,
        };
        tokens.push_back(token);
        rest = after;
    }
}

/// The number or name at the start, and what follows it.
fn operand(text: &str) -> Option<(&str, Token)> {
    let split = |text: &str, belongs: fn(char) -> bool| {
        text.find(|letter| !belongs(letter)).unwrap_or(text.len())
    };
    let digits = |text: &str| split(text, |letter| letter.is_ascii_digit());
    let (end, operand) = if let Some(name) = text.strip_prefix('$') {
        let end = split(name, is_of_name);
        (1 + end, (end > 0).then(|| Operand::Name(name[..end].to_owned()))?)
    } else {
        let before = digits(text);
        // Two points are a range.
        let fraction = text[before..].strip_prefix('.').map_or(0, digits);
        let end = if fraction > 0 { before + 1 + fraction } else { before };
        (end, Operand::Number { value: text[..end].parse().ok()?, whole: fraction == 0 })
    };
    Some((&text[end..], Token::Operand(operand)))
}

/// Says if a name may have this letter.
pub(super) fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The tokens that are left to read.
struct Reader(VecDeque<Token>);

impl Reader {
    fn sum(&mut self) -> Result<Vec<(Sign, Vec<Factor>)>, String> {
        let mut sum = vec![(Sign::Plus, self.product()?)];
        loop {
            let sign = match self.0.pop_front() {
                None => return Ok(sum),
                Some(Token::Plus) => Sign::Plus,
                Some(Token::Minus) => Sign::Minus,
                Some(_) => return Err("there should be +, -, * or .. between numbers".to_owned()),
            };
            sum.push((sign, self.product()?));
        }
    }

    fn product(&mut self) -> Result<Vec<Factor>, String> {
        let mut product = vec![self.factor()?];
        while self.takes(&Token::Times) {
            product.push(self.factor()?);
        }
        Ok(product)
    }

    fn factor(&mut self) -> Result<Factor, String> {
        let first = self.operand()?;
        Ok(match self.takes(&Token::To) {
            true => Factor::Range(first, self.operand()?),
            false => Factor::One(first),
        })
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let negative = self.takes(&Token::Minus);
        match self.0.pop_front() {
            Some(Token::Operand(Operand::Number { value, whole })) if negative => {
                Ok(Operand::Number { value: -value, whole })
            }
            Some(Token::Operand(operand)) if !negative => Ok(operand),
            _ => Err("a number or a $name is missing".to_owned()),
        }
    }

    fn takes(&mut self, token: &Token) -> bool {
        let takes = self.0.front() == Some(token);
        if takes {
            self.0.pop_front();
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// A hundred drawings, with `$two` and `$half` to refer to.
    fn drawn(text: &str, rounding: Rounding) -> Vec<f64> {
        let names = |name: &str| match name {
            "two" => Ok(2.0),
            "half" => Ok(0.5),
            _ => Err(format!("no {name}")),
        };
        let expression = Expression::read(text).expect(text).expect(text);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        (0..100).map(|_| expression.draw(rounding, &names, &mut random).expect(text)).collect()
    }

    #[test]
    fn sums_products_and_names_are_worked_out() {
        let check = |text: &str, value: f64| {
            assert_eq!(drawn(text, Rounding::AsWritten), vec![value; 100], "{text}");
        };
        check("7", 7.0);
        check("-7.5", -7.5);
        check("1 + 2*$two - 0.5", 4.5);
        check("1-2", -1.0);
        check("$two*$half+$two", 3.0);
        check("2 - -1", 3.0);
        check("3..3", 3.0);
    }

    #[test]
    fn a_range_has_numbers_between_its_bounds_whole_ones_unless_written_otherwise() {
        let check = |text: &str, rounding, least: f64, most: f64, whole: bool| {
            let all = drawn(text, rounding);
            assert!(all.iter().all(|value| (least..=most).contains(value)), "{text}: {all:?}");
            let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), value| {
                (low.min(*value), high.max(*value))
            });
            // Of a hundred numbers some come near either end.
            let near = (most - least) * 0.2;
            assert!(low < least + near && high > most - near, "{text}: {low} to {high}");
            assert_eq!(all.iter().all(|value| value.fract() == 0.0), whole, "{text}: {all:?}");
        };
        check("1..9", Rounding::AsWritten, 1.0, 9.0, true);
        check("1..9", Rounding::Never, 1.0, 9.0, false);
        check("1.0..9", Rounding::AsWritten, 1.0, 9.0, false);
        check("-60000..-2000", Rounding::AsWritten, -60_000.0, -2_000.0, true);
        check("-5..5", Rounding::AsWritten, -5.0, 5.0, true);
        check("0..$two", Rounding::AsWritten, 0.0, 2.0, true);
        check("$two * 0.25..0.5", Rounding::AsWritten, 0.5, 1.0, false);
        check("1..$two - 1", Rounding::Never, 0.0, 1.0, false);
    }

    #[test]
    fn as_many_small_numbers_are_drawn_as_large_ones_except_from_0() {
        let below = |text: &str, limit: f64| {
            drawn(text, Rounding::Never).iter().filter(|value| **value < limit).count()
        };
        assert!((40..60).contains(&below("1..10000", 100.0)));
        assert!((40..60).contains(&below("0..10000", 5000.0)));
    }

    #[test]
    fn words_are_no_expressions_and_bad_expressions_are_named() {
        for word in ["slow-fsync", "true", "into", ""] {
            assert_eq!(Expression::read(word), None, "{word}");
        }
        for (text, what) in [
            ("1..", "a number or a $name is missing"),
            ("1 +", "a number or a $name is missing"),
            ("1..x", "what is \"x\"?"),
            ("$", "what is \"$\"?"),
            ("1 2", "between numbers"),
            ("1..2..3", "between numbers"),
            ("-$two", "a number or a $name is missing"),
            ("5ms", "what is \"ms\"?"),
        ] {
            let error = Expression::read(text).expect(text).expect_err(text);
            assert!(error.starts_with(&format!("{text:?} is no number: ")), "{error}");
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_range_that_runs_backwards_and_a_name_of_nothing_are_refused() {
        let error = |text: &str| {
            let expression = Expression::read(text).unwrap().unwrap();
            let names = |name: &str| Err(format!("no {name}"));
            let random = &mut ChaCha8Rng::seed_from_u64(1);
            expression.draw(Rounding::Never, &names, random).unwrap_err()
        };
        assert_eq!(error("5..1"), "no number is from 5 to 1");
        assert_eq!(error("2 * $slow"), "no slow");
    }
}
