//! Requests: from a template to a question to a node, and what it answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use anyhow::Result;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use toml::Spanned;

use super::schema::Text;
use super::source::Source;
use super::template::{Names, Scope, Template};
use crate::targets::http::transport_error;

/// The longest part of a body that is shown to people.
const SHOWN: usize = 600;

/// A request, to be filled in.
#[derive(Debug)]
pub struct Question {
    /// The place in the manifest that asks it: `file.toml:12`.
    pub place: String,
    method: Method,
    path: Template,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Body>,
}

#[derive(Debug)]
enum Body {
    Text(Template),
    Json(Document),
}

/// JSON with templates for its texts.
#[derive(Debug)]
enum Document {
    Constant(Value),
    Text(Template),
    List(Vec<Document>),
    Table(Vec<(String, Document)>),
}

/// The parts of a question, as the manifest has them.
pub struct Parts<'a> {
    /// `POST /kv`.
    pub request: &'a Text,
    /// The headers.
    pub headers: &'a BTreeMap<String, Text>,
    /// The body as JSON.
    pub json: &'a Option<Spanned<toml::Value>>,
    /// The body as text.
    pub body: &'a Option<Text>,
}

/// A request that was sent and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The place in the manifest that asks it.
    pub place: String,
    /// `POST http://127.0.0.1:7000/kv`.
    pub sent: String,
    /// The body that was sent.
    pub body: Option<String>,
    /// The response, or the error that came instead.
    pub heard: Result<HttpResponse, Lost>,
    /// The part of it that was not understood.
    pub complaint: Option<String>,
}

/// The reason why there is no response.
#[derive(Debug, Clone)]
pub struct Lost {
    /// The row of the error table.
    pub error: &'static str,
    /// For people.
    pub text: String,
}

/// The response.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    json: OnceLock<Option<Value>>,
}

impl Question {
    /// Understands a request in which the placeholders `names` may stand.
    ///
    /// # Errors
    /// On the first thing that is wrong.
    pub fn compile(source: &Source<'_>, parts: &Parts<'_>, names: &Names<'_>) -> Result<Question> {
        let Parts { request, headers, json, body } = parts;
        let wrong = |what: String| source.error(request.span(), what);
        let (method, path) = request.get_ref().split_once(' ').unwrap_or_default();
        let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];
        let known = methods.into_iter().find(|known| known.as_str() == method);
        let (Some(method), true) = (known, path.starts_with('/')) else {
            let wanted = "a request is a method and a path, such as \"POST /kv\"; the methods are \
                          GET, POST, PUT, DELETE and PATCH";
            return Err(wrong(wanted.into()));
        };
        let path = Template::parse(path, names, &source.variables).map_err(wrong)?;
        let header = |(name, text): (&String, &Text)| {
            let known = HeaderName::from_bytes(name.as_bytes());
            let known = known.map_err(|error| source.error(text.span(), error))?;
            Ok((known, source.template(text, names)?))
        };
        let headers = headers.iter().map(header).collect::<Result<_>>()?;
        let body = match (json, body) {
            (Some(_), Some(text)) => {
                let both = "a request has one body: json = … or body = …";
                return Err(source.error(text.span(), both));
            }
            (Some(json), None) => {
                let document = Document::compile(source, json.get_ref(), names);
                Some(Body::Json(document.map_err(|what| source.error(json.span(), what))?))
            }
            (None, Some(text)) => Some(Body::Text(source.template(text, names)?)),
            (None, None) => None,
        };
        Ok(Question { place: source.place(&request.span()), method, path, headers, body })
    }

    /// Returns true if it asks for something and changes nothing.
    pub fn only_reads(&self) -> bool {
        self.method == Method::GET
    }

    /// Returns true if that placeholder stands anywhere in it.
    pub fn mentions(&self, name: &str) -> bool {
        self.path.mentions(name)
            || self.headers.iter().any(|(_, text)| text.mentions(name))
            || match &self.body {
                Some(Body::Text(text)) => text.mentions(name),
                Some(Body::Json(document)) => document.mentions(name),
                None => false,
            }
    }

    /// Sends it to the node at `url` and waits for the answer.
    pub async fn ask(&self, http: &reqwest::Client, url: &str, scope: &Scope<'_>) -> Exchange {
        let url = format!("{url}{}", self.path.fill_with(scope, |text| percent_encoded(&text)));
        let mut request = http.request(self.method.clone(), &url);
        let body = match &self.body {
            Some(Body::Text(text)) => Some(text.fill(scope)),
            Some(Body::Json(document)) => {
                request =
                    request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Some(document.fill(scope).to_string())
            }
            None => None,
        };
        for (name, text) in &self.headers {
            request = request.header(name, text.fill(scope));
        }
        if let Some(body) = &body {
            request = request.body(body.clone());
        }
        let answered = async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.bytes().await?;
            let text = String::from_utf8_lossy(&body).into_owned();
            Ok(HttpResponse { status, headers, text, json: OnceLock::new() })
        };
        let lost = |error: reqwest::Error| Lost {
            error: transport_error(&error),
            text: format!("{:#}", anyhow::Error::from(error)),
        };
        let heard = answered.await.map_err(lost);
        let sent = format!("{} {url}", self.method);
        Exchange { place: self.place.clone(), sent, body, heard, complaint: None }
    }
}

impl Document {
    fn compile(
        source: &Source<'_>,
        value: &toml::Value,
        names: &Names<'_>,
    ) -> Result<Self, String> {
        let inner = |value| Document::compile(source, value, names);
        Ok(match value {
            toml::Value::String(text) => {
                Document::Text(Template::parse_value(text, names, &source.variables)?)
            }
            toml::Value::Array(elements) => {
                Document::List(elements.iter().map(inner).collect::<Result<_, _>>()?)
            }
            toml::Value::Table(fields) => {
                let field = |(name, value): (&String, _)| Ok((name.clone(), inner(value)?));
                Document::Table(fields.iter().map(field).collect::<Result<_, String>>()?)
            }
            constant => Document::Constant(json_of(constant)?),
        })
    }

    fn mentions(&self, name: &str) -> bool {
        match self {
            Document::Constant(_) => false,
            Document::Text(text) => text.mentions(name),
            Document::List(elements) => elements.iter().any(|it| it.mentions(name)),
            Document::Table(fields) => fields.iter().any(|(_, it)| it.mentions(name)),
        }
    }

    fn fill(&self, scope: &Scope<'_>) -> Value {
        match self {
            Document::Constant(value) => value.clone(),
            Document::Text(text) => text.value(scope),
            Document::List(elements) => elements.iter().map(|it| it.fill(scope)).collect(),
            Document::Table(fields) => {
                let filled = fields.iter().map(|(name, it)| (name.clone(), it.fill(scope)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
        }
    }
}

/// TOML as JSON.
///
/// # Errors
/// For what JSON has not.
pub fn json_of(value: &toml::Value) -> Result<Value, String> {
    match value {
        toml::Value::Datetime(_) => Err("JSON has no dates; write a text".into()),
        other => serde_json::to_value(other).map_err(|error| error.to_string()),
    }
}

/// The form in a path of a text that may be anything.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

impl HttpResponse {
    /// The body as JSON; none if it is none.
    pub fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_str(&self.text).ok()).as_ref()
    }

    /// An answer with that body and no headers.
    pub fn of(status: u16, text: &str) -> HttpResponse {
        HttpResponse { status, headers: HeaderMap::new(), text: text.into(), json: OnceLock::new() }
    }
}

impl Exchange {
    /// The response or what came instead, on one line.
    pub fn outcome(&self) -> String {
        match &self.heard {
            Ok(HttpResponse { status, text, .. }) => format!("{status} {}", shown(text)),
            Err(Lost { text, .. }) => text.clone(),
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exchange { place, sent, body, heard, complaint } = self;
        write!(f, "  asked by  {place}\n  sent      {sent}")?;
        if let Some(body) = body {
            write!(f, "\n            {}", shown(body))?;
        }
        match heard {
            Ok(HttpResponse { status, text, .. }) => {
                write!(f, "\n  answered  {status} {}", shown(text))?
            }
            Err(Lost { text, .. }) => write!(f, "\n  answered  nothing: {text}")?,
        }
        match complaint {
            Some(complaint) => write!(f, "\n  but       {complaint}"),
            None => Ok(()),
        }
    }
}

/// The beginning of a body, on one line.
fn shown(text: &str) -> String {
    let line = text.trim_end().replace('\n', " ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", &line[..end], text.len()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_path_cannot_change_it() {
        assert_eq!(percent_encoded("k1/../a?b=c&d"), "k1%2F..%2Fa%3Fb%3Dc%26d");
    }

    #[test]
    fn a_long_body_is_shown_by_its_beginning() {
        let long = shown(&"ä".repeat(1_000));
        assert!(long.ends_with("… (2000 bytes)"), "{long}");
        assert_eq!(shown("{\n}\n"), "{ }");
    }
}
