//! `GET /admin/contents`: all that a node holds, for a comparison with the others.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use tokio::sync::oneshot;

use super::api::{bad_request, refused};
use super::http::Service;
use super::inbox::Incoming;

/// About how many bytes of items a page has, though always one item. The loop does nothing else
/// while it takes them out.
const PAGE_BYTES: usize = 256 * 1024;

/// Answers the first keys, or those behind the last one of the page before.
pub(super) async fn contents(
    State(service): State<Service>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(after) = query.as_deref().map(after).transpose() else {
        return bad_request("the query is after=KEY").into_response();
    };
    let (reply, page) = oneshot::channel();
    let asked =
        service.inbox.send(Incoming::Contents { after, bytes_max: PAGE_BYTES, reply }).await;
    if asked.is_ok()
        && let Ok(page) = page.await
    {
        return Json(page).into_response();
    }
    refused(StatusCode::SERVICE_UNAVAILABLE, "stopping", true).into_response()
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
