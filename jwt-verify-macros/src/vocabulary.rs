//! The words that the attribute knows, and suggestions for unknown ones.

pub(crate) const KNOWN: [&str; 16] = [
    "roles",
    "all_roles",
    "permissions",
    "scopes",
    "all",
    "any",
    "all_of",
    "not",
    "claim",
    "credential",
    "acr",
    "max_age",
    "fresh",
    "refresh",
    "policy",
    "authorizer",
];

pub(crate) fn unknown_argument(name: &str) -> String {
    match name {
        "any_of" | "or" => return format!("unknown argument `{name}`; did you mean `any(…)`?"),
        "and" => {
            return "unknown argument `and`; a comma means that, or `all_of(…)` in a group".into();
        }
        _ => {}
    }
    let meant = KNOWN.into_iter().find(|known| {
        known.eq_ignore_ascii_case(name)
            || known.strip_suffix('s').is_some_and(|singular| singular == name)
            || known.len() > 3 && distance(known, name) <= 2
    });
    match meant {
        Some(known) => format!("unknown argument `{name}`; did you mean `{known}`?"),
        None => format!("unknown argument `{name}`; known are `{}`", KNOWN.join("`, `")),
    }
}

/// Counts the letters to insert, remove or change.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, candidate) in other.iter().enumerate() {
            let cell = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX);
            let changed = cell(&row, column) + usize::from(letter != *candidate);
            let shorter = cell(&row, column + 1).min(cell(&next, column)) + 1;
            next.push(changed.min(shorter));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
