//! The segments that a requirement compares claims with, held against the routes of its handler.

use syn::{Ident, LitStr, Result, ext::IdentExt as _};

use crate::{
    errors::Errors,
    routing::Route,
    validate::{Claim, Operand, Requirement, Term},
    vocabulary::distance,
};

/// Refuses `path.NAME` where a route of the handler has no segment of this name but one of a similar
/// name, which is a slip.
///
/// Without a similar one it stays for the request: scopes around the handler have segments too, and
/// the attribute does not see those.
pub(crate) fn are_on_the_routes(requirement: &Requirement, routes: &[Route]) -> Result<()> {
    let mut errors = Errors::default();
    let mut compared = Vec::new();
    collect(requirement, &mut compared);
    for segment in compared {
        let name = segment.unraw().to_string();
        if let Some((path, similar)) = routes.iter().find_map(|route| slip(&name, &route.path)) {
            errors.add(
                segment.span(),
                format!(
                    "the path `{path}` has no segment `{name}`; did you mean `path.{similar}`? If \
                     `{name}` is a segment of a scope around the route, rename one of the two"
                ),
            );
        }
    }
    errors.into_result()
}

/// The pattern of a route, and its segment that the name seems to mean.
fn slip(name: &str, path: &LitStr) -> Option<(String, String)> {
    let pattern = path.value();
    let names = names(&pattern);
    if names.contains(&name) {
        return None;
    }
    let similar = (*names.iter().find(|known| is_similar(name, known))?).to_owned();
    Some((pattern, similar))
}

/// `user` for `user_id`, `userId` for `user_id`, `users` for `user`, `organisation` for
/// `organization`. Short
/// names with another letter are other words: `team` and `item`.
fn is_similar(one: &str, other: &str) -> bool {
    let stem = |name: &str| {
        let name = name.replace('_', "").to_ascii_lowercase();
        let stem = name.strip_suffix("id").unwrap_or(&name);
        let stem = stem.strip_suffix('s').unwrap_or(stem);
        stem.to_owned()
    };
    let (one, other) = (stem(one), stem(other));
    !one.is_empty() && one == other || one.len() > 5 && distance(&one, &other) == 1
}

/// The segments that are compared, however deep.
fn collect<'a>(requirement: &'a Requirement, found: &mut Vec<&'a Ident>) {
    for term in &requirement.terms {
        match term {
            Term::Any(nested) => nested.iter().for_each(|one| collect(one, found)),
            Term::All(nested) | Term::Not(nested) => collect(nested, found),
            Term::Claim(Claim { operand: Operand::Segment(segment), .. }) => found.push(segment),
            Term::Claim(_) | Term::Credential(_) | Term::Policy(_) | Term::Authorizer(_) => {}
        }
    }
}

/// The names of the segments in a pattern: `id` and `tail` of `/{id:\d{2}}/{tail}*`.
fn names(pattern: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (place, character) in pattern.char_indices() {
        match character {
            '{' => {
                depth += 1;
                if depth == 1 {
                    start = place + 1;
                }
            }
            '}' if depth == 1 => {
                depth = 0;
                let segment = pattern.get(start..place).unwrap_or_default();
                names.push(segment.split(':').next().unwrap_or_default());
            }
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{is_similar, names};

    #[test]
    fn a_pattern_names_its_segments() {
        for (pattern, expected) in [
            ("/users", &[][..]),
            ("/users/{user_id}", &["user_id"]),
            (r"/{a:\d{1,3}}-{b}/{tail}*", &["a", "b", "tail"]),
            ("/{tail:.*}", &["tail"]),
            ("/}{", &[]),
        ] {
            assert_eq!(names(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_slip_is_told_from_a_segment_of_a_scope() {
        for (one, other, expected) in [
            ("user", "user_id", true),
            ("user_id", "user", true),
            ("userId", "user_id", true),
            ("users", "user", true),
            ("organisation", "organization_id", true),
            ("usr_id", "user_id", false),
            ("item_id", "team_id", false),
            ("ids", "id", false),
            ("org", "user_id", false),
            ("id", "user_id", false),
            ("org_id", "user_id", false),
            ("org", "id", false),
            ("a", "b", false),
            ("tenant", "team", false),
        ] {
            assert_eq!(is_similar(one, other), expected, "{one} {other}");
        }
    }
}
