//! HTML in the making. Markup can only come from the source text, data is always escaped.

use std::fmt::Display;

/// A piece of HTML, for element content and for attribute values in double quotes.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn new() -> Markup {
        Markup::default()
    }

    /// Appends markup. It is `'static` so that nothing from a run can come in this way.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Markup {
        self.0.push_str(markup);
        self
    }

    /// Appends data, escaped.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Markup {
        escape_into(&mut self.0, &text.to_string());
        self
    }

    /// Appends another piece.
    pub(super) fn piece(&mut self, piece: Markup) -> &mut Markup {
        self.0.push_str(&piece.0);
        self
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A NUL is no legal HTML, and some tools take the file for binary.
            '\0' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

/// JSON that can stand in a `<script type="application/json">`: no `</script>` and no `<!--` can
/// occur in it, and it still parses to the same data.
pub(super) fn json_for_script(value: &serde_json::Value) -> String {
    let json = value.to_string();
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Puts pieces into the places `{{name}}` of a template, in one pass, so that what looks like a
/// place within a piece stays as it is. A place without a piece is a bug of the template.
pub(super) fn fill(template: &str, pieces: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, from_place)) = rest.split_once("{{") {
        let (name, after) = from_place.split_once("}}").expect("every place of the template ends");
        let piece = pieces.iter().find(|(piece, _)| *piece == name);
        let (_, piece) = piece.unwrap_or_else(|| panic!("the template has no piece for {name}"));
        out.push_str(before);
        out.push_str(piece);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_become_markup() {
        let mut markup = Markup::new();
        markup.raw("<b title=\"").text("\"><script>'&").raw("\">");
        assert_eq!(markup.into_string(), "<b title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">");
    }

    #[test]
    fn script_data_cannot_end_its_element() {
        let value = serde_json::json!({"key": "</script><!--&"});
        let text = json_for_script(&value);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn a_piece_that_looks_like_a_place_is_left_alone() {
        assert_eq!(fill("<{{a}}|{{b}}>", &[("a", "{{b}}"), ("b", "x")]), "<{{b}}|x>");
    }
}
