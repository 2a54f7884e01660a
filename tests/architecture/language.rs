//! The book and the doc comments are written in plain words: the ones in this list have a plainer one.

use super::{book::pages, read, root, sources};

/// Pages beside the book that are held to the same words.
const PAGES: [&str; 3] = ["CONTRIBUTING.md", "README.md", "docs/llms.txt"];

/// What no page says, as whole words and in any case, with what to write.
const WORDS: [(&str, &str); 22] = [
    ("whoever", "anyone who, a client that, an attacker who"),
    ("nobody", "none, no client, not …"),
    ("somebody", "a user, a client, an attacker"),
    ("somebody's", "a user's, a client's"),
    ("anybody", "any client, anyone"),
    ("anybody's", "an attacker's, any client's"),
    ("everybody", "all callers, every user"),
    ("stranger", "an unauthenticated caller, an attacker"),
    ("strangers", "unauthenticated callers, unverified tokens"),
    ("at hand", "cached, present"),
    ("is no", "is not a"),
    ("are no", "are not"),
    ("in the place of", "instead of"),
    ("of yours", "your, your own"),
    ("one's own", "custom, your own"),
    ("the field", "the header"),
    ("is believed", "is cached"),
    ("end connections", "terminate TLS"),
    ("ends connections", "terminates TLS"),
    ("ends tls", "terminates TLS"),
    ("end tls", "terminate TLS"),
    ("to be had", "available"),
];

/// What no doc comment says besides: words that only this library used in these senses.
const COMMENT_WORDS: [(&str, &str); 12] = [
    ("as good as", "equivalent to, treated as"),
    ("genuine", "valid, verified, authentic"),
    ("good token", "valid token"),
    ("goes on", "continues"),
    ("hangs up", "disconnects"),
    ("is over", "has ended, has expired"),
    ("are over", "have ended, have expired"),
    ("judged", "checked, evaluated"),
    ("remembered", "cached, stored, kept"),
    ("remembers", "caches, stores, keeps"),
    ("vouched", "named, trusted"),
    ("vouches", "asserts, signs"),
];

/// How no doc comment begins: in the list of a module's items it has to stand alone.
const OPENERS: [&str; 10] =
    ["what", "whether", "who", "whose", "whom", "how", "which", "where", "why", "the same"];

/// Where one of these words is right.
const ALLOWED: [&str; 6] =
    ["there is no", "there are no", "is no longer", "are no longer", "is no more", "is no worse"];

/// The words of the list in a text of Markdown, each with what to write and with the words around it.
///
/// Code is not read, but for the comments in it.
fn found(markdown: &str, list: &[(&str, &str)]) -> Vec<String> {
    let mut text = words(&prose(markdown));
    for allowed in ALLOWED {
        text = text.replace(&format!(" {allowed} "), " ; ");
    }
    let mut found = Vec::new();
    for (word, instead) in list {
        for (start, hit) in text.match_indices(&format!(" {word} ")) {
            let before: Vec<_> = text[..start].split(' ').rev().take(4).collect();
            let before: Vec<_> = before.into_iter().rev().collect();
            let after: Vec<_> = text[start + hit.len()..].split(' ').take(4).collect();
            let (before, after) = (before.join(" "), after.join(" "));
            found.push(format!("…{before} [{word}] {after}…: write {instead}"));
        }
    }
    found
}

/// A text without its code: no code spans, and of blocks of code the comments alone.
fn prose(markdown: &str) -> String {
    let mut prose = String::new();
    let mut is_code = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            prose.push_str(".\n");
        } else if is_code {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            prose.push_str(comment);
            prose.push('\n');
        } else {
            let spans = line.split('`').enumerate();
            let outside = spans.map(|(index, span)| if index % 2 == 0 { span } else { ";" });
            prose.extend(outside);
            prose.push_str(if line.trim().is_empty() { ".\n" } else { "\n" });
        }
    }
    prose
}

/// The words of a text in lower case, with one space around each and around what stands between them.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for character in text.to_lowercase().chars() {
        match character {
            _ if character.is_alphanumeric() || "'’-_".contains(character) => {
                words.push(character);
            }
            // Emphasis stands within sentences.
            '*' => {}
            _ if character.is_whitespace() => {
                if !words.ends_with(' ') {
                    words.push(' ');
                }
            }
            _ => {
                words.push_str(if words.ends_with(' ') { "" } else { " " });
                words.push(character);
                words.push(' ');
            }
        }
    }
    words.push(' ');
    words
}

/// The doc comments of the library and its macros, each with its place and as Markdown.
fn doc_comments() -> Vec<(String, String)> {
    let mut comments = Vec::new();
    for package in ["jwt-verify/src", "jwt-verify-macros/src"] {
        for path in sources(&root().join(package)) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            comments.extend(
                doc_comments_of(&read(&name))
                    .into_iter()
                    .map(|(line, text)| (format!("{name}:{line}"), text)),
            );
        }
    }
    comments
}

/// The doc comments of a file, each with the number of its first line.
fn doc_comments_of(source: &str) -> Vec<(usize, String)> {
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut last_marker = None;
    for (index, line) in source.lines().enumerate() {
        let line = line.trim_start();
        let marker = ["///", "//!"].into_iter().find(|marker| line.starts_with(marker));
        if let Some(marker) = marker {
            if last_marker != Some(marker) {
                comments.push((index + 1, String::new()));
            }
            let (_, text) = comments.last_mut().unwrap();
            text.push_str(line[marker.len()..].trim_start());
            text.push('\n');
        }
        last_marker = marker;
    }
    comments
}

/// The words that a doc comment must not begin with, if it does.
fn opener(comment: &str) -> Option<&'static str> {
    let text = words(comment);
    OPENERS.into_iter().find(|opener| text.starts_with(&format!(" {opener} ")))
}

#[test]
fn the_book_uses_plain_words() {
    let mut all = pages(&root().join("docs"));
    all.extend(PAGES.map(|page| root().join(page)));
    let mut problems = Vec::new();
    for page in all {
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        // Written by the catalogue of attacks.
        if name != "docs/security/coverage.md" {
            let found = found(&read(&name), &WORDS);
            problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn doc_comments_use_plain_words() {
    let list = [&WORDS[..], &COMMENT_WORDS].concat();
    let pages = ["jwt-verify/src/public.md", "jwt-verify/src/require.md"];
    let pages = pages.map(|page| (page.to_owned(), read(page)));
    let mut problems = Vec::new();
    for (place, text) in doc_comments().into_iter().chain(pages) {
        let found = found(&text, &list);
        problems.extend(found.into_iter().map(|problem| format!("{place}: {problem}")));
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn doc_comments_stand_alone_in_a_list() {
    let problems: Vec<_> = doc_comments()
        .into_iter()
        .filter_map(|(place, text)| Some(format!("{place}: begins with `{}`", opener(&text)?)))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn doc_comments_are_found_with_their_first_words() {
    let source =
        "//! How it works.\n\n/// Returns it.\n/// Where\n///\n/// more\nfn it() {} // Who\n";
    let comments = doc_comments_of(source);
    assert_eq!(comments[0], (1, "How it works.\n".to_owned()));
    assert_eq!(comments[1], (3, "Returns it.\nWhere\n\nmore\n".to_owned()));
    assert_eq!(comments.len(), 2);
    assert_eq!(opener(&comments[0].1), Some("how"));
    assert_eq!(opener(&comments[1].1), None);
    assert_eq!(opener("The same, but"), Some("the same"));
}

#[test]
fn words_are_found_in_prose_and_comments_and_not_in_code() {
    let count = |text: &str| found(text, &WORDS).len();
    assert_eq!(count("Whoever has it, and a key *at\nhand*: nobody."), 3);
    assert_eq!(count("```rust\nlet nobody = 1; // nobody\n```\n"), 1);
    assert_eq!(count("`nobody`, the fields; at\n\nhand, nobody_is"), 0);
    assert_eq!(count("There is no key. It is no longer there. It is no key."), 1);
}
