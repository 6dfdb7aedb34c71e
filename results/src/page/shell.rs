//! The frame of a page: one file, whose style, scripts and data stand inside.

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
use serde_json::Value;

const STYLE: &str = include_str!("style.css");
/// Set before the first paint, so that a dark page never flashes white.
const THEME: &str = include_str!("theme.js");
/// The choices of a reader that every page has.
const CHOICES: &str = include_str!("choices.js");
/// The marks of boxes that scroll.
const BOXES: &str = include_str!("boxes.js");

/// Nothing may be fetched from anywhere, no matter what the data contain.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The same for a page that fetches from its own server what is new.
const FETCHING: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
    img-src data:; connect-src 'self'";

/// The part of every page by which it is known as one of stormproof's.
pub(crate) const GENERATOR: &str = "<meta name=\"generator\" content=\"stormproof\">";

/// A page, but for its frame.
pub(crate) struct Page<'a, N, B> {
    /// The title, as a browser shows it.
    pub title: String,
    /// The line at the top: the thing that the page is about.
    pub name: N,
    /// Everything below that line.
    pub body: B,
    /// The style of this kind of page, beside that of all.
    pub style: &'a str,
    /// The data of its scripts, and the id of the element that holds them; none without.
    pub data: Option<(&'a str, Value)>,
    /// Its scripts, in the order in which they need each other.
    pub scripts: &'a [&'a str],
}

impl<N: Render, B: Render> Page<'_, N, B> {
    /// The page as text.
    pub(crate) fn text(&self) -> String {
        self.under(POLICY)
    }

    /// The page as text, of one that fetches from its own server what is new.
    pub(crate) fn fetching_text(&self) -> String {
        self.under(FETCHING)
    }

    fn under(&self, policy: &str) -> String {
        // A NUL is no legal HTML, and some tools take the file for binary.
        self.document(policy).into_string().replace('\0', "\u{FFFD}")
    }

    fn document(&self, policy: &str) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content="stormproof";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                    @if !self.style.is_empty() { style { (PreEscaped(self.style)) } }
                    script { (PreEscaped(THEME)) }
                }
                body {
                    nav.top {
                        b { "stormproof" }
                        " " span.id { (self.name) } " "
                        button #theme type="button" aria-label="switch between light and dark" { "◐" }
                    }
                    (self.body)
                    @if let Some((id, data)) = &self.data {
                        script type="application/json" id=(id) { (PreEscaped(json_for_script(data))) }
                    }
                    @for script in [CHOICES, BOXES] { script { (PreEscaped(script)) } }
                    @for script in self.scripts { script { (PreEscaped(script)) } }
                }
            }
        }
    }
}

/// JSON that can stand in a `<script type="application/json">`: no `</script>` and no `<!--` can
/// occur in it, and it still parses to the same data.
fn json_for_script(value: &Value) -> String {
    let json = value.to_string();
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_as_one_of_ours() {
        let page =
            Page { title: String::new(), name: "", body: "", style: "", data: None, scripts: &[] };
        assert!(page.text()[..1000].contains(GENERATOR));
    }

    #[test]
    fn script_data_cannot_end_its_element() {
        let value = serde_json::json!({"key": "</script><!--&"});
        let text = json_for_script(&value);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }
}
