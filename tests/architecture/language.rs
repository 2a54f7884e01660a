//! The book is written in plain words: the ones in this list have a plainer one.

use super::{book::pages, read, root};

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

/// Where one of these words is right.
const ALLOWED: [&str; 6] =
    ["there is no", "there are no", "is no longer", "are no longer", "is no more", "is no worse"];

/// The words of the list in a text of Markdown, each with what to write and with the words around it.
///
/// Code is not read, but for the comments in it.
fn found(markdown: &str) -> Vec<String> {
    let mut text = words(&prose(markdown));
    for allowed in ALLOWED {
        text = text.replace(&format!(" {allowed} "), " ; ");
    }
    let mut found = Vec::new();
    for (word, instead) in WORDS {
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

#[test]
fn the_book_uses_plain_words() {
    let mut all = pages(&root().join("docs"));
    all.extend(PAGES.map(|page| root().join(page)));
    let mut problems = Vec::new();
    for page in all {
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        // Written by the catalogue of attacks.
        if name != "docs/security/coverage.md" {
            let found = found(&read(&name));
            problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn words_are_found_in_prose_and_comments_and_not_in_code() {
    let count = |text: &str| found(text).len();
    assert_eq!(count("Whoever has it, and a key *at\nhand*: nobody."), 3);
    assert_eq!(count("```rust\nlet nobody = 1; // nobody\n```\n"), 1);
    assert_eq!(count("`nobody`, the fields; at\n\nhand, nobody_is"), 0);
    assert_eq!(count("There is no key. It is no longer there. It is no key."), 1);
}
