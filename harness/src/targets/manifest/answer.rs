//! Answers: what they are, and what is in them.

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::request::{HttpResponse, json_of};
use super::schema::{self, Text};
use super::source::Source;
use super::template::text_of;

/// The conditions of an answer, all of which must hold.
#[derive(Debug, Clone, Default)]
pub struct Test {
    /// One of these status codes; any if there are none.
    statuses: Vec<(u16, u16)>,
    /// Texts that stand in the body.
    texts: Vec<String>,
    /// Places of what is there.
    present: Vec<Place>,
    /// Places of what is not.
    absent: Vec<Place>,
    /// Places of what is one of these values.
    equal: Vec<(Place, Vec<Value>)>,
}

impl Test {
    /// Any answer of success.
    pub fn success() -> Test {
        Test { statuses: vec![(200, 299)], ..Test::default() }
    }

    /// Understands `{ status = 200, "/type" = "ok" }`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(source: &Source<'_>, table: &Spanned<toml::Table>) -> Result<Test> {
        Test::of(table.get_ref()).map_err(|what| source.error(table.span(), what))
    }

    fn of(table: &toml::Table) -> Result<Test, String> {
        let mut test = Test::default();
        for (name, wanted) in table {
            let wanted = match wanted {
                toml::Value::Array(any) => {
                    any.iter().map(json_of).collect::<Result<Vec<_>, _>>()?
                }
                one => vec![json_of(one)?],
            };
            let texts = || {
                let text = |value: &Value| value.as_str().map(String::from);
                let texts: Option<Vec<String>> = wanted.iter().map(text).collect();
                texts.ok_or_else(|| format!("{name} is a text or a list of texts"))
            };
            let places = || {
                let places = texts()?.into_iter().map(|text| Place::of(&text));
                places.collect::<Result<Vec<_>, _>>().map_err(|what| format!("{name}: {what}"))
            };
            match name.as_str() {
                "status" => test.statuses = wanted.iter().map(status).collect::<Result<_, _>>()?,
                "text" => test.texts = texts()?,
                "present" => test.present = places()?,
                "absent" => test.absent = places()?,
                place => match Place::of(place) {
                    Ok(place) => test.equal.push((place, wanted)),
                    Err(_) => {
                        return Err(format!(
                            "unknown test {place}; there are status, text, present, absent, \
                             \"/pointer\" = value, \"header:NAME\" = value and body = value"
                        ));
                    }
                },
            }
        }
        match table.is_empty() {
            true => Err("a test that tests nothing; say at least the status".into()),
            false => Ok(test),
        }
    }

    /// Returns true if it holds.
    pub fn holds(&self, heard: &HttpResponse) -> bool {
        let status = self.statuses.iter().any(|(from, to)| (*from..=*to).contains(&heard.status));
        (status || self.statuses.is_empty())
            && self.texts.iter().all(|text| heard.text.contains(text))
            && self.present.iter().all(|place| place.find(heard).is_some())
            && self.absent.iter().all(|place| place.find(heard).is_none())
            && self.equal.iter().all(|(place, any)| {
                let is = |found: Value| any.iter().any(|wanted| place.holds(&found, wanted));
                place.find(heard).is_some_and(is)
            })
    }
}

/// A status code, or the hundred of `"5xx"`.
fn status(wanted: &Value) -> Result<(u16, u16), String> {
    let code = match wanted {
        Value::String(text) => {
            let hundred = text.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
            hundred.map(|hundred| (hundred * 100, hundred * 100 + 99))
        }
        other => other.as_u64().and_then(|code| u16::try_from(code).ok()).map(|it| (it, it)),
    };
    let known = code.filter(|(from, _)| (100..600).contains(from));
    known.ok_or_else(|| format!("{wanted} is no status: write 200, \"5xx\" or a list of them"))
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By a JSON pointer into the body.
    Pointer(String),
    /// A header.
    Header(String),
    /// The body as text.
    Body,
}

/// Begins the place of a header.
const HEADER: &str = "header:";

impl Place {
    /// Understands `/a/0`, `header:Location` and `body`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn compile(source: &Source<'_>, text: &Text) -> Result<Place> {
        Place::of(text.get_ref()).map_err(|what| source.error(text.span(), what))
    }

    fn of(text: &str) -> Result<Place, String> {
        match text.strip_prefix(HEADER) {
            Some(name) => Ok(Place::Header(name.to_ascii_lowercase())),
            None if text == "body" => Ok(Place::Body),
            None if is_pointer(text) => Ok(Place::Pointer(text.into())),
            None => Err(format!(
                "{text:?} is no place in an answer: write a JSON pointer such as \"/value\", \
                 \"header:NAME\" or \"body\""
            )),
        }
    }

    /// The value there; none if there is none.
    pub fn find(&self, heard: &HttpResponse) -> Option<Value> {
        match self {
            Place::Pointer(pointer) => heard.json()?.pointer(pointer).cloned(),
            Place::Header(name) => Some(heard.headers.get(name)?.to_str().ok()?.into()),
            Place::Body => Some(heard.text.as_str().into()),
        }
    }

    /// Returns true if what was found there is what is wanted. Headers and bodies are texts.
    fn holds(&self, found: &Value, wanted: &Value) -> bool {
        match self {
            Place::Pointer(_) => found == wanted,
            Place::Header(_) | Place::Body => text_of(found).trim() == text_of(wanted),
        }
    }

    /// The number that stands there.
    pub fn number(&self, heard: &HttpResponse) -> Option<u64> {
        number(&self.find(heard)?)
    }

    /// The name that the manifest gives it.
    pub fn name(&self) -> String {
        match self {
            Place::Pointer(pointer) => pointer.clone(),
            Place::Header(name) => format!("{HEADER}{name}"),
            Place::Body => "body".into(),
        }
    }
}

/// Returns true if it is a JSON pointer; the empty one means all.
pub fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

/// A number, also one that stands in a text.
pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64(),
    }
}

/// The encodings that are undone before a value is the one that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decoding {
    /// A text in base64.
    Base64,
    /// A text that is JSON.
    Json,
}

impl Decoding {
    fn undo(self, value: &Value) -> Option<Value> {
        let text = value.as_str()?;
        match self {
            Decoding::Base64 => {
                let bytes = BASE64_STANDARD.decode(text).ok()?;
                Some(String::from_utf8(bytes).ok()?.into())
            }
            Decoding::Json => serde_json::from_str(text).ok(),
        }
    }
}

/// The place of a value, and its form there.
#[derive(Debug, Clone)]
pub struct Reading {
    place: Place,
    each: Option<String>,
    /// The text before it, and the one behind it.
    between: (Option<String>, Option<String>),
    decode: Vec<Decoding>,
}

impl Reading {
    /// Understands `"/value"` and `{ at = "/value", decode = ["base64"] }`.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(source: &Source<'_>, value: &Spanned<toml::Value>) -> Result<Reading> {
        Reading::of(value.get_ref()).map_err(|what| source.error(value.span(), what))
    }

    fn of(value: &toml::Value) -> Result<Reading, String> {
        let schema::Reading { at, each, after, until, decode } = match value {
            toml::Value::String(at) => {
                schema::Reading { at: at.clone(), ..schema::Reading::default() }
            }
            table => {
                let table = table.clone().try_into();
                table.map_err(|error: toml::de::Error| error.message().to_owned())?
            }
        };
        match &each {
            Some(each) if !is_pointer(each) => Err(format!("each: {each:?} is no JSON pointer")),
            _ => Ok(Reading { place: Place::of(&at)?, each, between: (after, until), decode }),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// The complaint: it is not as it was said to be.
    pub fn read(&self, heard: &HttpResponse) -> Result<Value, String> {
        let found = self.place.find(heard);
        let found = found.ok_or_else(|| format!("there is no {} in it", self.place.name()))?;
        let Some(each) = &self.each else { return self.decoded(found) };
        let elements = found.as_array();
        let elements = elements.ok_or_else(|| format!("{} is no list", self.place.name()))?;
        let element = |it: &Value| {
            let found = it.pointer(each).cloned();
            self.decoded(found.ok_or_else(|| format!("an element has no {each}"))?)
        };
        elements.iter().map(element).collect()
    }

    /// The text of what stands in an element of a list, or under a key of a map.
    ///
    /// # Errors
    /// The complaint: it is not as it was said to be.
    pub fn read_in(&self, element: &Value) -> Result<String, String> {
        let name = self.place.name();
        let Place::Pointer(pointer) = &self.place else {
            return Err(format!("{name} is in no element; write a JSON pointer"));
        };
        let found = element.pointer(pointer).cloned();
        let found = found.ok_or_else(|| format!("an element has no {name}"))?;
        Ok(text_of(&self.decoded(found)?))
    }

    /// The same of what may be missing.
    pub fn find(&self, heard: &HttpResponse) -> Option<Value> {
        self.read(heard).ok()
    }

    /// The place that the manifest gives it.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The part of a text that is meant.
    fn cut_out(&self, value: Value) -> Result<Value, String> {
        let (after, until) = &self.between;
        if after.is_none() && until.is_none() {
            return Ok(value);
        }
        let text = text_of(&value);
        let lacks = |what: &str| format!("there is no {what:?} in {}", self.place.name());
        let rest = match after {
            Some(after) => text.split_once(after.as_str()).ok_or_else(|| lacks(after))?.1,
            None => &text,
        };
        // What ends it may be the end of the text.
        let until = until.as_ref().and_then(|until| rest.split_once(until.as_str()));
        Ok(until.map_or(rest, |(part, _)| part).trim().into())
    }

    fn decoded(&self, value: Value) -> Result<Value, String> {
        let value = self.cut_out(value)?;
        let undo = |value: Value, decoding: &Decoding| {
            let what = format!("{decoding:?}").to_lowercase();
            decoding
                .undo(&value)
                .ok_or_else(|| format!("{} is no {what}: {value}", self.place.name()))
        };
        self.decode.iter().try_fold(value, undo)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A field `it` of a TOML document.
    fn toml(text: &str) -> toml::Value {
        let table: toml::Table = toml::from_str(&format!("it = {text}")).expect("it is TOML");
        table["it"].clone()
    }

    #[track_caller]
    fn check_test(test: &str, heard: &HttpResponse, expect: bool) {
        let table = toml(test).as_table().cloned().expect("it is a table");
        assert_eq!(Test::of(&table).expect("it is a test").holds(heard), expect, "{test}");
    }

    #[test]
    fn a_test_holds_if_all_of_it_does() {
        let heard = HttpResponse::of(409, r#"{"type":"fail","count":0,"list":[{"a":null}]}"#);
        check_test(r#"{ status = 409 }"#, &heard, true);
        check_test(r#"{ status = [200, "4xx"] }"#, &heard, true);
        check_test(r#"{ status = "5xx" }"#, &heard, false);
        check_test(r#"{ status = 409, "/type" = "fail" }"#, &heard, true);
        check_test(r#"{ status = 200, "/type" = "fail" }"#, &heard, false);
        check_test(r#"{ "/type" = ["ok", "fail"], "/count" = 0 }"#, &heard, true);
        check_test(r#"{ present = "/list/0/a", absent = ["/list/1", "/x"] }"#, &heard, true);
        check_test(r#"{ present = "/list/1" }"#, &heard, false);
        check_test(r#"{ text = "\"count\":0" }"#, &heard, true);
        check_test(r#"{ absent = "/x" }"#, &HttpResponse::of(200, "no JSON"), true);
        let bare = HttpResponse::of(200, "true\n");
        check_test(r#"{ "" = true }"#, &bare, true);
        check_test(r#"{ "" = false }"#, &bare, false);
        check_test(r#"{ body = ["yes", "true"] }"#, &bare, true);
        check_test(r#"{ body = "tru" }"#, &bare, false);
        let mut named = HttpResponse::of(200, "");
        named.headers.insert("x-role", "follower".parse().expect("it can stand in a header"));
        named.headers.insert("x-term", "7".parse().expect("so can this"));
        check_test(r#"{ "header:X-Role" = "follower" }"#, &named, true);
        check_test(r#"{ "header:X-Role" = ["leader", "learner"] }"#, &named, false);
        check_test(r#"{ "header:X-Term" = 7, absent = "header:X-Other" }"#, &named, true);
        check_test(r#"{ present = "header:X-Other" }"#, &named, false);
    }

    #[test]
    fn a_test_that_means_nothing_is_refused() {
        let refused = |test: &str| {
            let table = toml(test).as_table().cloned().expect("it is a table");
            Test::of(&table).expect_err("it is no test")
        };
        assert!(refused("{}").contains("tests nothing"));
        assert!(refused("{ state = 3 }").contains("unknown test state"));
        assert!(refused("{ status = 20 }").contains("is no status"));
        assert!(refused("{ status = \"axx\" }").contains("is no status"));
        assert!(refused("{ present = \"a\" }").contains("is no place in an answer"));
    }

    #[track_caller]
    fn check_reading(reading: &str, body: &str, expect: Result<Value, &str>) {
        let reading = Reading::of(&toml(reading)).expect("it is a reading");
        let read = reading.read(&HttpResponse::of(200, body));
        assert_eq!(read, expect.map_err(String::from));
    }

    #[test]
    fn values_are_read_where_they_are_and_as_they_are_written() {
        check_reading("\"/a/0\"", r#"{"a":[7]}"#, Ok(json!(7)));
        check_reading("\"/a/0\"", r#"{"a":[null]}"#, Ok(Value::Null));
        check_reading("\"/b\"", r#"{"a":[7]}"#, Err("there is no /b in it"));
        check_reading("\"body\"", "12", Ok(json!("12")));
        check_reading("{ at = \"body\", decode = [\"json\"] }", "12", Ok(json!(12)));
        let twice = "{ at = \"/v\", decode = [\"base64\", \"json\"] }";
        check_reading(twice, r#"{"v":"WzEsMl0="}"#, Ok(json!([1, 2])));
        check_reading(twice, r#"{"v":7}"#, Err("/v is no base64: 7"));
        let each = "{ at = \"/kvs\", each = \"/v\", decode = [\"json\"] }";
        check_reading(each, r#"{"kvs":[{"v":"1"},{"v":"2"}]}"#, Ok(json!([1, 2])));
        check_reading(each, r#"{"kvs":[{"w":"1"}]}"#, Err("an element has no /v"));
        let named = "{ at = \"body\", after = \"leader is \", until = \",\" }";
        check_reading(named, "not me; the leader is n2, in term 7", Ok(json!("n2")));
        check_reading(named, "not me; the leader is n2\n", Ok(json!("n2")));
        check_reading(named, "not me", Err("there is no \"leader is \" in body"));
    }

    #[test]
    fn a_reading_of_nothing_known_is_refused() {
        assert!(Reading::of(&toml("\"value\"")).expect_err("no place").contains("is no place"));
        let unknown = Reading::of(&toml("{ at = \"\", as = \"json\" }"));
        assert!(unknown.expect_err("no such field").contains("as"));
    }
}
