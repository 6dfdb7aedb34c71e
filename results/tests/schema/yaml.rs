//! As much of YAML as the examples use. Anything else is an error, so that nothing is taken for read
//! that was not.

use serde_json::{Map, Value};

#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// The value of a document; an error names its line.
pub fn read(text: &str) -> Result<Value, String> {
    let mut lines = Vec::new();
    for (text, number) in text.lines().zip(1..) {
        if text.contains('\t') {
            return Err(format!("line {number}: a tab"));
        }
        let indent = text.len() - text.trim_start().len();
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            lines.push(Line { number, indent, text });
        }
    }
    let mut reader = Reader { lines, at: 0 };
    let value = reader.value(0)?;
    match reader.next() {
        None => Ok(value),
        Some(line) => Err(format!("line {}: it belongs to nothing", line.number)),
    }
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn next(&self) -> Option<Line<'a>> {
        self.lines.get(self.at).copied()
    }

    /// The next line if it has this indent.
    fn next_of(&self, indent: usize) -> Option<Line<'a>> {
        self.next().filter(|line| line.indent == indent)
    }

    /// The value that is indented so far, or further.
    fn value(&mut self, least: usize) -> Result<Value, String> {
        match self.next().filter(|line| line.indent >= least) {
            None => Ok(Value::Null),
            Some(line) if line.text.starts_with("- ") => self.list(line.indent),
            Some(line) => self.map(line.indent),
        }
    }

    fn list(&mut self, indent: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        while let Some(line) = self.next_of(indent) {
            let Some(text) = line.text.strip_prefix("- ") else { break };
            if entry(text).is_some() {
                // The item is a map that begins on the line of its dash.
                self.lines[self.at] = Line { indent: indent + 2, text, ..line };
                items.push(self.map(indent + 2)?);
            } else {
                self.at += 1;
                items.push(self.scalar(text, indent, line.number)?);
            }
        }
        Ok(Value::Array(items))
    }

    fn map(&mut self, indent: usize) -> Result<Value, String> {
        let mut members = Map::new();
        while let Some(line) = self.next_of(indent).filter(|line| !line.text.starts_with("- ")) {
            let number = line.number;
            let (key, text) = entry(line.text).ok_or(format!("line {number}: no key"))?;
            self.at += 1;
            let value = match (text, self.next()) {
                // A list may stand right below its key.
                ("", Some(next)) if next.indent == indent && next.text.starts_with("- ") => {
                    self.list(indent)?
                }
                ("", _) => self.value(indent + 1)?,
                (text, _) => self.scalar(text, indent, number)?,
            };
            if members.insert(key.to_owned(), value).is_some() {
                return Err(format!("line {number}: {key} stands there twice"));
            }
        }
        Ok(Value::Object(members))
    }

    fn scalar(&mut self, text: &str, indent: usize, number: usize) -> Result<Value, String> {
        let joint = match text {
            ">-" => " ",
            "|" => "\n",
            text => return plain(text).ok_or(format!("line {number}: cannot read {text}")),
        };
        let mut parts = Vec::new();
        while let Some(line) = self.next().filter(|line| line.indent > indent) {
            parts.push(line.text);
            self.at += 1;
        }
        Ok(Value::String(parts.join(joint)))
    }
}

/// A key and what stands behind it.
fn entry(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
    (!key.is_empty() && key.chars().all(plain)).then_some((key, value.trim()))
}

/// A value on one line.
fn plain(text: &str) -> Option<Value> {
    if let Some(inner) = text.strip_prefix("{ ").and_then(|text| text.strip_suffix(" }")) {
        let members = inner.split(", ").map(|part| {
            let (key, value) = entry(part)?;
            Some((key.to_owned(), plain(value)?))
        });
        return members.collect::<Option<Map<String, Value>>>().map(Value::Object);
    }
    match (serde_json::from_str(text), text.starts_with(['"', '[', '{', '&', '*', '!', '\''])) {
        (Ok(value), _) => Some(value),
        (Err(_), true) => None,
        (Err(_), false) => Some(Value::String(text.to_owned())),
    }
}
