//! The page in a real browser. Skipped, with a word, where there is no Chromium.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use checker::verdict::Verdict;
use stormproof_results::metrics::RunHistory;
use stormproof_results::report;
use stormproof_results::run_directory::RunDirectory;

mod devtools;
mod index;
#[path = "../nights/mod.rs"]
mod nights;
mod player;
mod running;
#[path = "../sample/mod.rs"]
mod sample;

use devtools::Browser;
use sample::{Options, Sample, judged, models, sample, storm, with_promises};

/// The widths of a telephone, of half a screen and of a laptop.
const WIDTHS: [u32; 3] = [420, 800, 1400];

/// The width of A4 within the browser's own margins.
const PAPER: u32 = 718;

/// The directory of a run with its page, or of a page alone, removed in the end.
struct Page(PathBuf);

impl Page {
    /// A folder of its own for each page: tests beside this one make pages of the same names.
    fn folder(name: &str) -> PathBuf {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        std::env::temp_dir().join(format!("stormproof-page-{name}-{process}-{number}"))
    }

    fn written(name: &str, html: &str) -> Page {
        let page = Page(Page::folder(name));
        let folder = page.0.join("run");
        fs::create_dir_all(&folder).expect("a scratch folder can be made");
        fs::write(folder.join("report.html"), html).expect("it can be written");
        page
    }

    fn of(name: &str, run: &Sample) -> Page {
        let folder = Page::folder(name);
        let mut directory = RunDirectory::create(&folder, "run").expect("a run directory");
        for event in &run.history.events {
            directory.append_event(event).expect("recorded");
        }
        for event in &run.node_events {
            directory.append_node_event(event).expect("recorded");
        }
        directory.node_directory("n1").expect("a folder");
        directory.save_plan("seed = 42\n").expect("saved");
        directory.save_verdict(&run.summary).expect("saved");
        let page = report::html(
            &run.summary,
            &RunHistory::from(&run.history),
            &run.node_events,
            &run.logs,
        );
        directory.save_report(&page).expect("saved");
        Page(folder)
    }

    fn address(&self) -> String {
        format!("file://{}/run/report.html", self.0.display())
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(verdict: Verdict) -> Options {
    Options { seconds: 20, rate: 100, faults: true, verdict }
}

/// One page of every kind, each with its name.
fn pages() -> Vec<(String, Page)> {
    let mut runs = vec![
        ("valid".to_owned(), sample(&options(Verdict::Valid))),
        ("invalid".to_owned(), sample(&options(Verdict::Invalid))),
        ("unknown".to_owned(), sample(&options(Verdict::Unknown))),
        ("calm".to_owned(), sample(&Options { faults: false, ..options(Verdict::Valid) })),
        ("storm".to_owned(), storm(50)),
        ("promises".to_owned(), with_promises(sample(&options(Verdict::Valid)))),
        ("empty".to_owned(), {
            let unknown = sample(&options(Verdict::Unknown));
            let (history, node_events, logs) = Default::default();
            Sample { history, node_events, logs, ..unknown }
        }),
    ];
    runs.extend(models().map(|model| (model.to_owned(), judged(model))));
    runs.into_iter().map(|(name, run)| (name.clone(), Page::of(&name, &run))).collect()
}

#[test]
fn every_page_is_whole_at_every_width_and_on_paper() {
    let Some(mut browser) = Browser::start("whole") else { return };
    let mut spoken = 0;
    for (name, page) in pages() {
        browser.resize(1400);
        browser.open(&page.address());
        assert!(browser.text("#range").ends_with("the whole run"), "{name} was not drawn");
        let broken = browser.evaluate(BROKEN_REFERENCES);
        assert_eq!(broken, serde_json::json!([]), "{name} refers to what is not there");
        for (media, widths) in [("screen", &WIDTHS[..]), ("print", &[PAPER])] {
            browser.show_as(media, "light");
            for &width in widths {
                browser.resize(width);
                let wide = browser.evaluate(TOO_WIDE);
                assert_eq!(wide, serde_json::json!([]), "{name} at {width} on {media}");
                let escaped = browser.evaluate(ESCAPED);
                assert_eq!(escaped, serde_json::json!([]), "{name} at {width} on {media}");
            }
        }
        browser.show_as("screen", "light");
        spoken +=
            browser.evaluate("document.querySelectorAll('.spoken').length").as_u64().unwrap_or(0);
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{name}");
    }
    assert!(spoken > 100, "{spoken} texts are for screen readers alone");
}

/// Ids that stand twice, and references to ids that do not exist.
const BROKEN_REFERENCES: &str = r##"(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const ids = all("[id]").map((element) => element.id);
    const broken = ids.filter((id, place) => ids.indexOf(id) !== place);
    for (const name of ["aria-labelledby", "aria-describedby", "for"]) {
        broken.push(...all(`[${name}]`).map((element) => element.getAttribute(name))
            .filter((id) => !document.getElementById(id)));
    }
    broken.push(...all("a[href^='#']:not(.moment, .pick)").map((link) => link.getAttribute("href"))
        .filter((id) => !document.querySelector(id)));
    return broken;
})()"##;

/// Elements that reach beyond the page. Those within something that scrolls sideways may.
const TOO_WIDE: &str = r#"(() => {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    const scrolls = (element) => element.closest(".scroll, pre");
    return [...document.body.querySelectorAll("*")]
        .filter((element) => element.getBoundingClientRect().right > wide + 0.5 && !scrolls(element))
        .map((element) => `${element.tagName}.${element.className} #${element.id}`)
        .concat(`${document.documentElement.scrollWidth} > ${wide}`);
})()"#;

/// Texts for screen readers alone that are not within their parents, where they could make a box or
/// the page larger.
const ESCAPED: &str = r#"[...document.querySelectorAll(".spoken")].filter((text) => {
    const [own, box] = [text, text.parentElement].map((element) => element.getBoundingClientRect());
    return own.left < box.left || own.right > box.right || own.top < box.top || own.bottom > box.bottom;
}).map((text) => text.outerHTML)"#;

#[test]
fn every_text_can_be_read_in_light_and_dark() {
    let Some(mut browser) = Browser::start("contrast") else { return };
    let runs = [storm(50), sample(&options(Verdict::Invalid)), judged("queue")];
    for (number, run) in runs.iter().enumerate() {
        let page = Page::of(&format!("contrast-{number}"), run);
        for scheme in ["light", "dark"] {
            browser.show_as("screen", scheme);
            browser.open(&page.address());
            let faint = browser.evaluate(FAINT);
            assert_eq!(faint, serde_json::json!([]), "page {number}, {scheme}");
        }
    }
}

/// Texts with less contrast than WCAG 2.2 asks for at level AA (1.4.3): 4.5, or 3 for large ones.
const FAINT: &str = r#"(() => {
    const colour = (text) => {
        const [name, ...rest] = text.match(/[a-z]+|[\d.]+/g);
        const parts = rest.filter((part) => !Number.isNaN(Number(part))).map(Number);
        const scale = name === "color" ? 255 : 1;
        return [...parts.slice(0, 3).map((part) => part * scale), parts[3] ?? 1];
    };
    const lay = (over, under) =>
        [0, 1, 2].map((at) => over[at] * over[3] + under[at] * (1 - over[3])).concat(1);
    const background = (element) => {
        const own = colour(getComputedStyle(element).backgroundColor);
        return lay(own, element.parentElement ? background(element.parentElement) : [255, 255, 255, 1]);
    };
    const luminance = (colour) => {
        const [red, green, blue] = colour.map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const hasText = (element) => element.checkVisibility() && !element.closest("script, style, noscript")
        && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    return [...document.body.querySelectorAll("*")].filter(hasText).flatMap((element) => {
        const style = getComputedStyle(element);
        const under = background(element);
        const [light, dark] = [luminance(under), luminance(lay(colour(style.color), under))]
            .sort((a, b) => b - a);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const contrast = (light + 0.05) / (dark + 0.05);
        return contrast >= (large ? 3 : 4.5) ? [] : [`${contrast.toFixed(2)}: ${element.outerHTML}`];
    });
})()"#;

#[test]
fn every_link_leads_somewhere() {
    let Some(mut browser) = Browser::start("links") else { return };
    let page = Page::of("links", &storm(50));
    browser.open(&page.address());
    let links = browser.evaluate("[...document.querySelectorAll('a')].map((link) => link.href)");
    let links: Vec<String> = serde_json::from_value(links).expect("a list of addresses");
    let (moments, links): (Vec<_>, Vec<_>) =
        links.into_iter().partition(|it| it.contains("#from="));
    for link in &moments {
        let parts = link.rsplit('#').next().unwrap_or_default().split('&');
        let seconds = parts.map(|part| part.split('=').nth(1).and_then(|text| text.parse().ok()));
        let seconds: Vec<f64> = seconds.map(|second| second.expect("a number")).collect();
        let [from, to, at] = seconds[..] else { panic!("{link}") };
        assert!(from < to && from <= at && at <= to && at < 40.0, "{link}");
    }
    assert!(moments.len() > 60, "recovery, schedule and findings: {}", moments.len());
    let (within, beside): (Vec<_>, Vec<_>) = links.into_iter().partition(|it| it.contains('#'));
    for link in &within {
        browser.click(&format!("a[href='#{}']", link.rsplit('#').next().unwrap_or_default()));
        let target = "document.querySelector(':target').getBoundingClientRect()";
        browser.wait_until(&format!("{target}.top < innerHeight && {target}.bottom > 0"));
    }
    assert_eq!(within.len(), 1, "the findings");
    for link in &beside {
        let file = link.strip_prefix("file://").expect("a file beside the page");
        assert!(fs::exists(file).expect("readable"), "{link}");
    }
    assert_eq!(beside.len(), 4, "history, nodes, verdict and plan");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_timeline_zooms_by_buttons_keys_mouse_and_address() {
    let Some(mut browser) = Browser::start("zoom") else { return };
    let page = Page::of("zoom", &storm(50));
    browser.open(&page.address());
    let whole = browser.text("#range");
    let picture = "document.getElementById('drawing').toDataURL()";
    let drawn = browser.evaluate(picture);

    browser.click("#zoom-in");
    let closer = browser.text("#range");
    assert_ne!(closer, whole);
    assert_ne!(browser.evaluate(picture), drawn, "it was drawn anew");
    browser.click("#zoom-out");
    assert_eq!(browser.text("#range"), whole);

    browser.evaluate("document.getElementById('stage').focus()");
    browser.press("+");
    assert_ne!(browser.text("#range"), whole);
    browser.press("Home");
    assert_eq!(browser.text("#range"), whole);
    assert_eq!(browser.evaluate(picture), drawn, "it looks as it did before");

    let (left, top, width, height) = browser.place("#stage");
    let at = |share: f64| (left + width * share, top + height / 2.0);
    browser.mouse("mousePressed", at(0.4), true);
    browser.mouse("mouseMoved", at(0.5), true);
    browser.mouse("mouseReleased", at(0.6), true);
    browser.settle();
    let brushed = browser.text("#range");
    assert_ne!(brushed, whole);
    browser.click("#zoom-reset");
    assert_eq!(browser.text("#range"), whole);

    browser.open(&format!("{}#from=5&to=6.5&at=6", page.address()));
    assert_eq!(browser.text("#range"), "5.000 s to 6.500 s");
    assert!(browser.text("#readout").contains("6.000 s"), "{}", browser.text("#readout"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn rows_and_event_numbers_lead_to_the_timeline_and_the_address_says_what_is_shown() {
    let Some(mut browser) = Browser::start("moments") else { return };
    let page = Page::of("moments", &sample(&options(Verdict::Invalid)));
    browser.open(&page.address());
    let whole = browser.text("#range");
    browser.click(".row.culprit a.moment");
    browser.settle();
    assert_eq!(browser.text("#range"), "5.582 s to 6.083 s");
    assert!(browser.text("#readout").contains("time5.832 s"), "{}", browser.text("#readout"));
    let in_sight = "(() => { const box = document.getElementById('stage').getBoundingClientRect();
        return box.top >= 0 && box.top < innerHeight / 2; })()";
    browser.wait_until(in_sight);
    for link in [".blame a", "#recovery a", "#schedule tr.fault a", "#schedule tr.phase a"] {
        browser.click("#zoom-reset");
        assert_eq!(browser.text("#range"), whole);
        browser.click(link);
        browser.settle();
        assert_ne!(browser.text("#range"), whole, "{link}");
    }

    browser.click("#zoom-reset");
    browser.wait_until("!location.hash.includes('from=')");
    browser.click("#zoom-in");
    browser.wait_until("location.hash.includes('from=')");
    let (shown, address) = (browser.text("#range"), browser.evaluate("location.href"));
    browser.open(address.as_str().expect("an address"));
    assert_eq!(browser.text("#range"), shown);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_readout_stays_in_sight_and_zooming_closes_up_lanes_without_a_fault() {
    let Some(mut browser) = Browser::start("readout") else { return };
    let mut run = storm(50);
    run.summary.run.nodes.extend(["n6".to_owned(), "n7".to_owned()]);
    let page = Page::of("readout", &run);
    browser.resize(1400);
    browser.open(&page.address());
    browser.evaluate("document.getElementById('timeline').scrollIntoView({ block: 'start' })");
    let height = "document.getElementById('stage').clientHeight";
    let tall = browser.evaluate(height);
    assert!(tall.as_u64() > Some(800), "the timeline fills the window: {tall}");
    let place = "document.getElementById('readout').getBoundingClientRect()";
    for y in [100.0, 150.0, 700.0, 850.0] {
        browser.mouse("mouseMoved", (560.0, y), false);
        browser.settle();
        assert!(browser.text("#readout").contains("faults"), "{y}");
        let in_sight = format!("{place}.top >= 0 && {place}.bottom <= innerHeight");
        assert_eq!(browser.evaluate(&in_sight), true, "pointing at {y}");
        let covered = format!("{place}.top <= {y} && {place}.bottom >= {y}");
        assert_eq!(browser.evaluate(&covered), false, "what is pointed at, at {y}, is not covered");
    }
    browser.evaluate(
        "window.drawn = [];
         const fillText = CanvasRenderingContext2D.prototype.fillText;
         CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
           drawn.push(text);
           return fillText.call(this, text, ...rest);
         }",
    );
    let hidden = "[...new Set(drawn)].filter((text) => / outside this stretch /.test(text)).join()";
    for _ in 0..2 {
        browser.evaluate("drawn.length = 0; location.hash = 'from=5&to=5.5'");
        browser.settle();
        assert_eq!(browser.text("#range"), "5.000 s to 5.500 s");
        let zoomed = browser.evaluate(height);
        assert!(
            zoomed.as_u64() < tall.as_u64(),
            "lanes without a fault in view close up: {zoomed}"
        );
        let told = "7 lanes with 12 faults outside this stretch are hidden";
        assert_eq!(browser.evaluate(hidden), told);
        browser.evaluate("drawn.length = 0");
        browser.click("#zoom-reset");
        browser.settle();
        assert_eq!(browser.evaluate(height), tall, "all lanes come back");
        assert_eq!(browser.evaluate(hidden), "");
        // The address follows a little later, and the same once more would be no change of it.
        browser.wait_until("!location.hash.includes('from=')");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_moment_shows_the_progress_of_the_nodes_and_the_last_lines_of_their_logs() {
    let Some(mut browser) = Browser::start("logs") else { return };
    let page = Page::of("logs", &sample(&options(Verdict::Valid)));
    browser.open(&format!("{}#at=2.6", page.address()));
    let moment = browser.text("#readout");
    let progress = "commit indexn1 104 · n2 104 · n3 104 (applied 64) · n4 104 · n5 104";
    assert!(moment.contains(progress), "{moment}");
    assert!(
        moment.contains(
            "logs0.048 s  n5 │ n5: listening, process 4004\n0.440 s  n2 │ n2: pre-candidate"
        ),
        "{moment}"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn boxes_show_on_which_sides_there_is_more() {
    let Some(mut browser) = Browser::start("boxes") else { return };
    let page = Page::of("boxes", &storm(50));
    browser.open(&page.address());
    let classes = "document.querySelector('#schedule .scroll').className";
    browser.resize(420);
    browser.wait_until(&format!("{classes} === 'scroll tall more-below more-right'"));
    browser.evaluate("document.querySelector('#schedule .scroll').scrollTo(9999, 99999)");
    browser.wait_until(&format!("{classes} === 'scroll tall'"));
    browser.resize(1400);
    browser.evaluate("document.querySelector('#schedule .scroll').scrollTo(0, 0)");
    browser.wait_until(&format!("{classes} === 'scroll tall more-below'"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn operations_are_split_by_kind_and_node_and_those_of_one_process_stand_alone() {
    let Some(mut browser) = Browser::start("split") else { return };
    let page = Page::of("split", &storm(50));
    browser.resize(1400);
    browser.open(&format!("{}#from=4&to=6&at=5", page.address()));
    let around = "[...document.querySelectorAll('#readout dt')]
        .find((name) => name.textContent === 'around it').nextSibling.textContent";
    let picture = "document.getElementById('drawing').toDataURL()";
    let mut pictures = Vec::new();
    for (by, parts) in [
        ("outcome", &["ok", "fail", "info"][..]),
        ("kind", &["read", "write", "cas"]),
        ("node", &["n1", "n2", "n3", "n4", "n5"]),
    ] {
        browser.evaluate(&format!(
            "(() => {{ const split = document.getElementById('split');
            split.value = '{by}'; split.dispatchEvent(new Event('change')); }})()"
        ));
        browser.settle();
        let text = browser.evaluate(around);
        let text = text.as_str().expect("a text");
        for part in parts {
            assert!(text.contains(&format!(" {part}")), "{part} in {text}");
            assert!(browser.text("#legend").contains(part), "{part}");
        }
        pictures.push(browser.evaluate(picture));
    }
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2], "it was drawn anew");
    assert!(browser.text("#legend").contains("p99"));

    browser.evaluate("document.getElementById('process').focus()");
    browser.press("7");
    browser.wait_until("location.hash.endsWith('&process=7')");
    browser.settle();
    assert_ne!(browser.evaluate(picture), pictures[2]);
    browser.click("#zoom-reset");
    let (left, top, width, height) = browser.place("#stage");
    let mut processes = std::collections::BTreeSet::new();
    for step in 0..400 {
        let x = left + 100.0 + (width - 120.0) * f64::from(step % 40) / 40.0;
        browser.mouse("mouseMoved", (x, top + height - 60.0 - f64::from(step / 40) * 8.0), false);
        let text = browser.text("#readout");
        let Some((_, operation)) = text.split_once("· process ") else { continue };
        processes.extend(operation.split_once(' ').map(|(process, _)| process.to_owned()));
    }
    assert_eq!(processes, ["7".to_owned()].into());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn everything_can_be_done_by_keyboard() {
    let Some(mut browser) = Browser::start("keyboard") else { return };
    let page = Page::of("keyboard", &sample(&options(Verdict::Invalid)));
    browser.open(&page.address());
    let focused = "document.activeElement.id || document.activeElement.className";
    let mut reached: Vec<String> = Vec::new();
    loop {
        browser.press("Tab");
        let element = browser.evaluate(focused).as_str().unwrap_or_default().to_owned();
        let outline = "getComputedStyle(document.activeElement).outlineStyle";
        let visible = browser.evaluate(outline) != "none" || element.is_empty();
        assert!(visible, "a reader sees that {element} has the focus");
        // Behind the last link the focus leaves the page, or comes back to its beginning.
        if element.is_empty() && reached.len() > 20 || reached.len() > 200 {
            break;
        }
        reached.push(element);
    }
    let wanted = [
        "theme",
        "copy",
        "split",
        "process",
        "zoom-in",
        "zoom-out",
        "zoom-reset",
        "stage",
        "neighbourhood",
    ];
    for id in wanted {
        assert!(reached.iter().any(|element| element == id), "{id} in {reached:?}");
    }
    for class in ["row culprit", "scroll tall"] {
        assert!(reached.iter().any(|element| element.starts_with(class)), "{class} in {reached:?}");
    }

    browser.evaluate("document.getElementById('stage').focus()");
    browser.press("Home");
    let before = browser.text("#readout");
    browser.press("ArrowRight");
    let after = browser.text("#readout");
    assert_ne!(before, after);
    browser.press("ArrowLeft");
    assert_eq!(browser.text("#readout"), before);
    browser.press("Escape");
    assert!(browser.text("#readout").starts_with("Point at the timeline"));

    let shown = "document.querySelectorAll('.row').values().filter((row) => row.offsetHeight).toArray().length";
    let rows = browser.evaluate(shown);
    browser.evaluate("document.getElementById('neighbourhood').focus()");
    browser.press(" ");
    let more = browser.evaluate(shown);
    assert!(more.as_u64() > rows.as_u64(), "{rows} rows, then {more}");

    browser.evaluate("document.getElementById('theme').focus()");
    browser.press("Enter");
    assert_eq!(browser.evaluate("document.documentElement.dataset.theme"), "dark");
    browser.evaluate("document.getElementById('copy').focus()");
    browser.press("Enter");
    browser.wait_until("document.getElementById('copy').textContent !== 'copy'");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn on_paper_the_page_is_white_and_nothing_is_hidden_in_a_box_that_scrolls() {
    let Some(mut browser) = Browser::start("paper") else { return };
    let page = Page::of("paper", &storm(50));
    browser.show_as("screen", "dark");
    browser.open(&page.address());
    let background = "getComputedStyle(document.querySelector('header')).backgroundColor";
    let dark = browser.evaluate(background);
    browser.evaluate("dispatchEvent(new Event('beforeprint'))");
    browser.show_as("print", "dark");
    browser.resize(PAPER);
    assert_eq!(browser.evaluate(background), "rgb(255, 255, 255)");
    let clipped = browser.evaluate(
        "[...document.querySelectorAll('.scroll, pre')]
            .filter((box) => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1)
            .map((box) => `${box.closest('section').id} ${box.scrollWidth}>${box.clientWidth} ${box.scrollHeight}>${box.clientHeight}`)",
    );
    assert_eq!(clipped, serde_json::json!([]));
    browser.evaluate("dispatchEvent(new Event('afterprint'))");
    browser.show_as("screen", "dark");
    assert_eq!(browser.evaluate(background), dark, "and on the screen it is dark again");
    // A canvas that changes its size between the two events of a print stays empty on paper.
    browser.evaluate(
        "window.widths = [];
         new MutationObserver((changes) => widths.push(...changes.map((change) => change.oldValue)))
            .observe(document.getElementById('drawing'),
                { attributeFilter: ['width'], attributeOldValue: true });",
    );
    browser.resize(1400);
    let width = browser.evaluate("document.getElementById('drawing').getAttribute('width')");
    browser.evaluate("window.widths.length = 0");
    let paper = browser.call("Page.printToPDF", serde_json::json!({"printBackground": true}));
    assert_eq!(browser.evaluate("widths"), serde_json::json!([width, "2000"]));
    // Base64 of `%PDF-`.
    assert!(paper["data"].as_str().is_some_and(|data| data.starts_with("JVBERi")), "a document");
    assert_eq!(browser.evaluate(background), dark, "after the print too");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
