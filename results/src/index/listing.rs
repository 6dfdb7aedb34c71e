//! The files of a folder, for a server.

use maud::html;

use super::address::address;
use crate::page::panel::panel;
use crate::page::shell::Page;

/// The page of a folder at this path, with the names in it, true for each that is a folder itself.
pub fn listing(place: &str, entries: &[(String, bool)]) -> String {
    let content = html! {
        ul {
            @for (name, is_folder) in entries {
                li {
                    @let slash = if *is_folder { "/" } else { "" };
                    a href={ (address(name)) (slash) } { (name) (slash) }
                }
            }
        }
        @if entries.is_empty() { p.empty { "Nothing lies here." } }
    };
    let page = Page {
        title: place.to_owned(),
        name: html! { a href="/" { "index" } " · " (place) },
        body: html! {
            main { (panel("files", "Files", content)) }
        },
        style: "",
        data: None,
        scripts: &["setUpTheme();"],
    };
    page.text()
}
