//! Texts with placeholders: `{name}`, `{value[0]}`, `{key|base64}`.
//!
//! A brace that begins no placeholder stands for itself, so JSON needs no escaping; `{open}` is a
//! brace that would begin one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The form of the value of a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text or a number.
    Scalar,
    /// A text or a number that is a list of one as well.
    Only,
    /// A list of so many texts or numbers.
    List(usize),
    /// A list of lists.
    Lists,
    /// Nothing: here it has no value.
    Nothing,
}

/// The placeholders that may stand somewhere.
pub type Names<'a> = [(&'a str, Form)];

/// Placeholders that are all texts or numbers.
pub const fn scalars<const N: usize>(names: [&'static str; N]) -> [(&'static str, Form); N] {
    let mut forms = [("", Form::Scalar); N];
    let mut at = 0;
    while at < N {
        forms[at] = (names[at], Form::Scalar);
        at += 1;
    }
    forms
}

/// The values of placeholders.
pub type Scope<'a> = dyn Fn(&str) -> Value + Sync + 'a;

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(Slot),
    /// A variable, which is a template itself.
    Variable(Template, Slot),
}

/// A placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    name: String,
    /// Which element of a list is meant.
    index: Option<usize>,
    filters: Vec<Filter>,
}

/// The filters of a value, each of which makes a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// Its JSON.
    Json,
    /// Its text in base64.
    Base64,
}

/// A brace, in every template.
const OPEN: &str = "open";

impl Template {
    /// Understands a text in which the placeholders `names` and variables may stand; in variables
    /// the same placeholders.
    ///
    /// # Errors
    /// The complaint when another placeholder or filter stands in it, or one that is no text.
    pub fn parse(
        text: &str,
        names: &Names<'_>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Template, String> {
        let template = Template::parse_value(text, names, variables)?;
        template.require_text(names)?;
        Ok(template)
    }

    /// The same where a placeholder that stands alone is a value of any type.
    ///
    /// # Errors
    /// As with [`Template::parse`].
    pub fn parse_value(
        text: &str,
        names: &Names<'_>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Template, String> {
        let template = Template::parse_pieces(text, names, variables)?;
        template.form(names)?;
        Ok(template)
    }

    /// The form of its value.
    fn form(&self, names: &Names<'_>) -> Result<Form, String> {
        match &self.0[..] {
            [Piece::Slot(slot)] => slot.form(names),
            [Piece::Variable(inner, slot)] => slot.form_in(inner, names),
            _ => self.require_text(names).map(|()| Form::Scalar),
        }
    }

    /// Refuses placeholders that are no text: a list that became one would be its JSON, brackets
    /// and all, and nothing would be `null`.
    fn require_text(&self, names: &Names<'_>) -> Result<(), String> {
        let require = |slot: &Slot, form: Form| match form {
            Form::Scalar => Ok(()),
            form => Err(slot.is_no_text(form)),
        };
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(_) => Ok(()),
            Piece::Slot(slot) => require(slot, slot.form(names)?),
            Piece::Variable(inner, slot) => require(slot, slot.form_in(inner, names)?),
        })
    }

    fn parse_pieces(
        text: &str,
        names: &Names<'_>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(brace) = rest.find('{') {
            let (before, from) = rest.split_at(brace);
            push_text(&mut pieces, before);
            let inner = from[1..].split('}').next().unwrap_or_default();
            let closed = from.len() > inner.len() + 1;
            let Some(slot) = closed.then(|| Slot::parse(inner)).flatten() else {
                push_text(&mut pieces, "{");
                rest = &from[1..];
                continue;
            };
            let slot = slot?;
            rest = &from[inner.len() + 2..];
            if slot.name == OPEN {
                push_text(&mut pieces, "{");
            } else if let Some(variable) = variables.get(&slot.name) {
                let within = |what| format!("in the variable {}: {what}", slot.name);
                let template = Template::parse_pieces(variable, names, &BTreeMap::new());
                let template = template.map_err(within)?;
                match template.constant() {
                    Some(text) => push_text(&mut pieces, &text_of(&slot.apply(text.into()))),
                    None => pieces.push(Piece::Variable(template, slot)),
                }
            } else if names.iter().any(|(name, _)| *name == slot.name) {
                pieces.push(Piece::Slot(slot));
            } else {
                let known: Vec<String> = names
                    .iter()
                    .map(|(name, _)| *name)
                    .chain(variables.keys().map(String::as_str))
                    .map(|name| format!("{{{name}}}"))
                    .collect();
                let known = match known.is_empty() {
                    true => "nothing can stand here".to_owned(),
                    false => format!("here can stand {}", known.join(", ")),
                };
                return Err(format!("unknown placeholder {{{}}}; {known}", slot.name));
            }
        }
        push_text(&mut pieces, rest);
        Ok(Template(pieces))
    }

    /// Returns true if that placeholder stands in it.
    pub fn mentions(&self, name: &str) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Slot(slot) => slot.name == name,
            Piece::Variable(template, _) => template.mentions(name),
        })
    }

    /// Returns true if it is that placeholder and nothing else.
    pub fn is_just(&self, name: &str) -> bool {
        matches!(&self.0[..], [Piece::Slot(slot)] if slot.name == name && slot.filters.is_empty())
    }

    /// The text, if it is the same everywhere.
    pub fn constant(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text.
    pub fn fill(&self, scope: &Scope<'_>) -> String {
        self.fill_with(scope, |text| text)
    }

    /// The text, with `escape` for all that comes in place of a placeholder.
    pub fn fill_with(&self, scope: &Scope<'_>, escape: impl Fn(String) -> String) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Slot(slot) => escape(text_of(&slot.apply(scope(&slot.name)))),
            Piece::Variable(template, slot) => escape(text_of(&slot.apply(template.value(scope)))),
        };
        self.0.iter().map(text).collect()
    }

    /// The text as JSON; of a placeholder alone its value, of any type.
    pub fn value(&self, scope: &Scope<'_>) -> Value {
        match &self.0[..] {
            [Piece::Slot(slot)] => slot.apply(scope(&slot.name)),
            [Piece::Variable(template, slot)] => slot.apply(template.value(scope)),
            _ => self.fill(scope).into(),
        }
    }
}

impl Slot {
    /// Understands what stands between braces; none if that is no placeholder.
    fn parse(inner: &str) -> Option<Result<Slot, String>> {
        let mut parts = inner.split('|');
        let name = parts.next()?;
        let (name, index) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((name, index)) => (name, Some(index.parse().ok()?)),
            None => (name, None),
        };
        if !is_name(name) {
            return None;
        }
        let filter = |filter| match filter {
            "json" => Ok(Filter::Json),
            "base64" => Ok(Filter::Base64),
            other => Err(format!("unknown filter |{other}; there are |json and |base64")),
        };
        let filters = parts.map(filter).collect::<Result<_, _>>();
        Some(filters.map(|filters| Slot { name: name.into(), index, filters }))
    }

    /// The form of its value, if it is one of these placeholders.
    fn form(&self, names: &Names<'_>) -> Result<Form, String> {
        let known = names.iter().find(|(name, _)| *name == self.name);
        self.form_of(known.map_or(Form::Scalar, |(_, form)| *form))
    }

    /// The form of its value, if it is that variable.
    fn form_in(&self, inner: &Template, names: &Names<'_>) -> Result<Form, String> {
        let within = |what| format!("in the variable {}: {what}", self.name);
        self.form_of(inner.form(names).map_err(within)?)
    }

    /// The form of what it makes of a value of that form.
    fn form_of(&self, form: Form) -> Result<Form, String> {
        let name = &self.name;
        let element = match (self.index, form) {
            (None | Some(0), Form::Only) => Form::Scalar,
            (None, form) => form,
            (Some(index), Form::List(length)) if index < length => Form::Scalar,
            (Some(index), Form::List(length)) => {
                return Err(format!(
                    "{{{name}[{index}]}}: {{{name}}} has {length} elements, from 0"
                ));
            }
            (Some(index), _) => {
                return Err(format!("{{{name}[{index}]}}: {{{name}}} is no list here"));
            }
        };
        match (&self.filters[..], element) {
            ([], form) => Ok(form),
            ([Filter::Json, ..], _) | (_, Form::Scalar) => Ok(Form::Scalar),
            (_, form) => Err(self.is_no_text(form)),
        }
    }

    fn is_no_text(&self, form: Form) -> String {
        let name = &self.name;
        match form {
            Form::Scalar | Form::Only => unreachable!("it is one"),
            Form::Nothing => format!("{{{name}}} has no value here"),
            Form::List(length) => format!(
                "{{{name}}} is a list of {length} here, which is no text: write {{{name}[0]}} for an \
                 element, or {{{name}|json}} for all of it as JSON"
            ),
            Form::Lists => format!(
                "{{{name}}} is a list of lists here, which is no text: write {{{name}|json}} for its \
                 JSON"
            ),
        }
    }

    fn apply(&self, value: Value) -> Value {
        let value = match self.index {
            Some(index) if value.is_array() => value.get(index).cloned().unwrap_or_default(),
            // The only one of its kind.
            Some(_) | None => value,
        };
        self.filters.iter().fold(value, |value, filter| match filter {
            Filter::Json => value.to_string().into(),
            Filter::Base64 => BASE64_STANDARD.encode(text_of(&value)).into(),
        })
    }
}

/// Returns true if a placeholder can be called so.
pub fn is_name(name: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    name.starts_with(letter) && name.chars().all(|it| letter(it) || it.is_ascii_digit())
}

/// A text as it is, anything else as JSON.
pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Adds to the text at the end, so that there are never two texts in a row.
fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Template, String> {
        let variables = [
            ("bin", "/opt/svc"),
            ("object", "r1/{key}"),
            ("none", ""),
            ("odd", "{bin}"),
            ("pair", "{value}"),
            ("mixed", "<{value}>"),
        ];
        let variables = variables.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let names = [("key", Form::Scalar), ("value", Form::List(2)), ("door", Form::Only)];
        Template::parse_value(text, &names, &variables.into())
    }

    #[track_caller]
    fn check(text: &str, expect: Value) {
        let scope = |name: &str| match name {
            "key" => json!("k\"1"),
            "door" => json!(7001),
            _ => json!([1, "two"]),
        };
        assert_eq!(parse(text).expect("it is a template").value(&scope), expect);
    }

    #[test]
    fn placeholders_are_replaced_and_other_braces_stay() {
        check("{key}/x", json!("k\"1/x"));
        check("{\"a\":{\"b\":{}}}", json!("{\"a\":{\"b\":{}}}"));
        check("{ key } {Key} {1} {key", json!("{ key } {Key} {1} {key"));
        check("{open}key}", json!("{key}"));
        check("{{key}}", json!("{k\"1}"));
    }

    #[test]
    fn a_placeholder_alone_keeps_its_type_and_filters_make_text() {
        check("{value}", json!([1, "two"]));
        check("{value[0]}", json!(1));
        check("{door[0]} {door}", json!("7001 7001"));
        check("{value|json}", json!("[1,\"two\"]"));
        check("{value[1]|base64}", json!("dHdv"));
        check("{value[1]|json|base64}", json!("InR3byI="));
        check("<{value[1]}>", json!("<two>"));
    }

    #[test]
    fn variables_are_templates_of_which_filters_take_the_whole() {
        check("{bin}/run", json!("/opt/svc/run"));
        check("{object}", json!("r1/k\"1"));
        check("{object|base64}", json!("cjEvayIx"));
        check("{none}", json!(""));
        assert_eq!(parse("{bin}/run").expect("a template").constant(), Some("/opt/svc/run"));
        assert_eq!(parse("{none}").expect("a template").constant(), Some(""));
        assert!(parse("<{object}>").expect("a template").mentions("key"));
        let nested = parse("{odd}").expect_err("no variable stands in another");
        assert!(nested.starts_with("in the variable odd: unknown placeholder {bin}"), "{nested}");
    }

    #[test]
    fn what_is_no_text_is_refused_where_a_text_is_wanted() {
        let refused = |text: &str, words: &str| {
            let why = parse(text).expect_err("a list is no text");
            assert!(why.contains(words), "{text}: {why}");
        };
        refused("x={value}", "{value} is a list of 2 here, which is no text: write {value[0]}");
        refused("{value|base64}", "{value} is a list of 2 here");
        refused("{value[2]}", "{value[2]}: {value} has 2 elements, from 0");
        refused("{key[0]}", "{key[0]}: {key} is no list here");
        refused("{door[1]}", "{door[1]}: {door} is no list here");
        refused("{object[0]}", "{object[0]}: {object} is no list here");
        refused("{pair}!", "{pair} is a list of 2 here");
        refused("{pair|base64}", "{pair} is a list of 2 here");
        refused("{mixed}", "in the variable mixed: {value} is a list of 2 here");
        check("{pair}", json!([1, "two"]));
        check("{pair[1]}!", json!("two!"));
        check("x={value|json}", json!("x=[1,\"two\"]"));

        let text = |text, form| Template::parse(text, &[("value", form)], &BTreeMap::new());
        assert!(text("{value}", Form::List(2)).expect_err("no text").contains("list of 2"));
        assert!(text("{value}", Form::Lists).expect_err("no text").contains("list of lists"));
        assert!(text("{value}", Form::Nothing).expect_err("no text").contains("has no value here"));
        let nothing =
            Template::parse_value("{value}", &[("value", Form::Nothing)], &BTreeMap::new());
        assert!(nothing.is_ok(), "null is a value in JSON");
    }

    #[test]
    fn unknown_placeholders_and_filters_are_named_with_what_there_is() {
        let unknown = parse("{kee}").expect_err("there is none");
        assert_eq!(
            unknown,
            "unknown placeholder {kee}; here can stand {key}, {value}, {door}, {bin}, {mixed}, {none}, {object}, \
             {odd}, {pair}"
        );
        let filter = parse("{key|url}").expect_err("there is none");
        assert_eq!(filter, "unknown filter |url; there are |json and |base64");
    }
}
