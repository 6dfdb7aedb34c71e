//! `GET /admin/contents`: all that a node holds, for a comparison with the others.

use http::StatusCode;
use reqwest::Url;
use tokio::sync::oneshot;

use super::api::{Response, bad_request, json_response, stopping};
use super::http::Service;
use super::inbox::Incoming;
use super::large::elsewhere_if;

/// About how many bytes of items a page has, though always one item.
const PAGE_BYTES: usize = 256 * 1024;

/// Answers the first keys, or those behind the last one of the page before.
pub(super) async fn contents(service: &Service, query: Option<&str>) -> Response {
    let Ok(after) = query.map(after).transpose() else {
        return bad_request("the query is after=KEY").into();
    };
    let (reply, page) = oneshot::channel();
    let asked =
        service.inbox.send(Incoming::Contents { after, bytes_max: PAGE_BYTES, reply }).await;
    if asked.is_ok()
        && let Ok(page) = page.await
    {
        // One item alone may be large.
        return elsewhere_if(true, move || json_response(StatusCode::OK, &page)).await;
    }
    stopping(true).into()
}

/// The key in `after=KEY`, as a URL has it.
fn after(query: &str) -> Result<String, ()> {
    let url = Url::parse(&format!("http://localhost/?{query}")).map_err(drop)?;
    match &url.query_pairs().collect::<Vec<_>>()[..] {
        [(name, key)] if name == "after" => Ok(key.to_string()),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_read_as_a_url_has_it() {
        assert_eq!(after("after=r1%2Fk+%C3%A4"), Ok("r1/k ä".into()));
        assert_eq!(after("before=k"), Err(()));
        assert_eq!(after("after=a&after=b"), Err(()));
        assert_eq!(after(""), Err(()));
    }
}
