//! The head of an HTTP request, as far as a server of pages needs it.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// A request for a page or a file, or to do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// True if only the head of the answer is wanted.
    pub head_only: bool,
    /// True if it asks to do something, by `POST`. Everything that it says stands in its query.
    pub acts: bool,
    /// The parts of the path, decoded; none of them leads upwards.
    pub path: Vec<String>,
    /// True if the path ends with a slash.
    pub is_folder: bool,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The name by which the server was asked; none of an old client.
    pub host: Option<String>,
    /// The site from whose page a browser asks, where it says so.
    pub origin: Option<String>,
    /// The token of the page from which it comes, which no other page knows.
    pub token: Option<String>,
}

/// The header that has the token.
const TOKEN: &str = "x-stormproof-token";

/// The reason for which a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is none of HTTP, or its path leads elsewhere.
    Malformed,
    /// It wants something else than to read, or to do something.
    Unknown,
}

impl Request {
    /// Reads the head of a request, up to the empty line.
    ///
    /// # Errors
    /// When it is no request to read something, or to do it.
    pub fn parse(head: &str) -> Result<Request, Refused> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (first.next(), first.next(), first.next(), first.next())
        else {
            return Err(Refused::Malformed);
        };
        if !version.starts_with("HTTP/1.") {
            return Err(Refused::Malformed);
        }
        let (head_only, acts) = match method {
            "GET" => (false, false),
            "HEAD" => (true, false),
            "POST" => (false, true),
            _ => return Err(Refused::Unknown),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix('/').ok_or(Refused::Malformed)?;
        let is_folder = path.is_empty() || path.ends_with('/');
        let mut parts = Vec::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let part = decoded(part, false).ok_or(Refused::Malformed)?;
            if part == ".." || part.contains(['/', '\0']) {
                return Err(Refused::Malformed);
            }
            if part != "." {
                parts.push(part);
            }
        }
        let mut pairs = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let [name, value] = [name, value].map(|text| decoded(text, true));
            pairs.insert(name.ok_or(Refused::Malformed)?, value.ok_or(Refused::Malformed)?);
        }
        let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().to_owned())
        };
        let (host, origin, token) = (header("host"), header("origin"), header(TOKEN));
        Ok(Request { head_only, acts, path: parts, is_folder, query: pairs, host, origin, token })
    }

    /// True if it was asked for by an address, or by the name that every machine has for itself. A
    /// page elsewhere, whose name was made to lead here, is told by its name.
    pub fn is_for_this_machine(&self) -> bool {
        let Some(host) = &self.host else { return true };
        let name = match host.rsplit_once(':') {
            // An address of IPv6 has colons of its own; with a port, it stands in brackets.
            Some((name, port))
                if (!name.contains(':') || name.ends_with(']'))
                    && port.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                name
            }
            _ => host,
        };
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
    }

    /// True if it comes from the page that has this token, which this server gave to this site: not from
    /// another one that a browser of this machine looks at.
    pub fn is_from_own_page(&self, token: &str) -> bool {
        let same_site = match (&self.origin, &self.host) {
            (Some(origin), Some(host)) => origin == &format!("http://{host}"),
            // No browser, then.
            (None, _) => true,
            (Some(_), None) => false,
        };
        self.is_for_this_machine() && same_site && self.token.as_deref() == Some(token)
    }

    /// The path as text, without a slash at either end.
    pub fn place(&self) -> String {
        self.path.join("/")
    }
}

/// A text without its escapes; none if they are no UTF-8. In a query, a plus is a blank.
fn decoded(text: &str, of_query: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
            }
            b'+' if of_query => out.push(b' '),
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(target: &str) -> Result<Request, Refused> {
        Request::parse(&format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"))
    }

    #[test]
    fn a_path_and_a_query_are_decoded() {
        let request = parse("/nights/a%20b/?run=x%2Fy+z&all").expect("it is one");
        assert_eq!((request.place().as_str(), request.is_folder), ("nights/a b", true));
        assert_eq!(request.query["run"], "x/y z");
        assert_eq!(request.query["all"], "");
        assert!(request.is_for_this_machine() && !request.head_only);
        assert_eq!(parse("//./a").map(|it| it.place()), Ok("a".to_owned()));
    }

    #[test]
    fn no_path_leads_upwards() {
        for path in ["/..", "/a/../..", "/%2e%2e/x", "/a%2f..%2fb", "/%00", "x", "/%ff", "/%4"] {
            assert_eq!(parse(path), Err(Refused::Malformed), "{path}");
        }
    }

    #[test]
    fn only_reading_and_acting_are_known_and_only_of_this_machine() {
        let delete = Request::parse("DELETE / HTTP/1.1\r\n\r\n");
        assert_eq!(delete, Err(Refused::Unknown));
        assert_eq!(Request::parse("hello"), Err(Refused::Malformed));
        let of = |host: &str| {
            let head = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
            Request::parse(&head).expect("it is one").is_for_this_machine()
        };
        assert!(of("localhost:80") && of("[::1]:80") && of("::1") && of("127.0.0.1"));
        assert!(!of("evil.example:80") && !of("evil.example"));
    }

    #[test]
    fn acting_takes_the_token_of_the_page_and_no_other_site_may() {
        let post = |headers: &str| {
            let head = format!("POST /press?node=n1 HTTP/1.1\r\n{headers}\r\n");
            Request::parse(&head).expect("it is one")
        };
        let own = "Host: 127.0.0.1:8809\r\nX-Stormproof-Token: secret\r\n";
        let from = |origin: &str| post(&format!("{own}Origin: {origin}\r\n"));
        assert!(post(own).acts && post(own).is_from_own_page("secret"));
        assert!(from("http://127.0.0.1:8809").is_from_own_page("secret"));
        assert!(!from("http://evil.example").is_from_own_page("secret"));
        assert!(!from("http://127.0.0.1:8810").is_from_own_page("secret"));
        assert!(!post(own).is_from_own_page("another"));
        assert!(!post("Host: 127.0.0.1:8809\r\n").is_from_own_page("secret"));
        let lured = "Host: evil.example\r\nX-Stormproof-Token: secret\r\n";
        assert!(!post(lured).is_from_own_page("secret"));
    }
}
