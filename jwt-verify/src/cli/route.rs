//! A route of a committed access matrix, and what a token lacks for it.

use std::{borrow::Cow, time::Duration};

use super::CommandError;
use crate::{
    authz::{EvalContext, IncludingNames, PolicyRef, Requirement},
    claims::VerifiedClaims,
    error::AuthError,
    explanation::Report,
    http::INCLUDED,
    verifier::TrustedIssuer,
};

/// A line of an access matrix: `PUT  /posts/{id}  edit_post  roles = "editor"`.
pub(super) struct MatrixRoute {
    pattern: String,
    requirement: String,
    /// Names that include those of the requirement, for each issuer.
    including: Vec<IncludingNames>,
    segments: Vec<(String, String)>,
}

impl MatrixRoute {
    /// Finds the line of a request, such as `PUT /posts/7`. The first line that fits counts, as in
    /// Actix.
    pub(super) fn find(matrix: &str, request: &str) -> Result<Self, CommandError> {
        let (method, path) = request
            .trim()
            .split_once(' ')
            .ok_or(CommandError("--route must be a method and a path: \"PUT /posts/7\"".into()))?;
        let path = path.trim().split(['?', '#']).next().unwrap_or_default();
        // `*` stands for the methods without a line of their own.
        let exact = Self::find_line(matrix, method, path);
        let found = exact.or_else(|| Self::find_line(matrix, "*", path));
        let none = || CommandError(format!("the access matrix has no route for {method} {path}"));
        found.ok_or_else(none)?.with_including()
    }

    fn find_line(matrix: &str, method: &str, path: &str) -> Option<Self> {
        matrix.lines().find_map(|line| {
            let (line_method, rest) = line.trim().split_once(char::is_whitespace)?;
            let (pattern, rest) = rest.trim_start().split_once(char::is_whitespace)?;
            let (_handler, requirement) = rest.trim_start().split_once(char::is_whitespace)?;
            let fits = line_method.eq_ignore_ascii_case(method);
            let segments = segments(pattern, path).filter(|_| fits)?;
            let requirement = requirement.trim().to_owned();
            let (pattern, including) = (pattern.to_owned(), Vec::new());
            Some(Self { pattern, requirement, including, segments })
        })
    }

    /// Takes what includes the names off the requirement.
    fn with_including(mut self) -> Result<Self, CommandError> {
        let requirement = std::mem::take(&mut self.requirement);
        let mut parts = split_outside_quotes(&requirement, INCLUDED).into_iter();
        parts.next().unwrap_or_default().trim().clone_into(&mut self.requirement);
        for part in parts {
            let unreadable = || {
                let part: String = part.chars().take(80).collect();
                CommandError(format!("the access matrix says `{part}`, which cannot be read"))
            };
            self.including.push(IncludingNames::parse(part.trim()).ok_or_else(unreadable)?);
        }
        Ok(self)
    }

    /// Gives an issuer the hierarchy that the matrix was written with, as far as the route needs it.
    pub(super) fn add_hierarchy(&self, issuer: TrustedIssuer) -> TrustedIssuer {
        issuer.map_claims(|mapping, name| {
            self.including.iter().fold(mapping, |mapping, names| names.add_to(mapping, name))
        })
    }

    /// Explains what the caller lacks for the route, and returns the outcome.
    pub(super) fn explain(
        &self,
        claims: &VerifiedClaims,
        now: Duration,
        report: &mut Report,
    ) -> Result<Result<(), AuthError>, CommandError> {
        if self.requirement == "public" {
            report.add("requirement", "public", Ok(()), "nothing is required");
            return Ok(Ok(()));
        }
        let requirement = Requirement::parse(&self.requirement).map_err(|part| {
            CommandError(format!("a token alone cannot decide `{}` of this route", part.0))
        })?;
        let context = RouteContext { route: self, now };
        Ok(report.requirement(&requirement, claims.verified(), &context))
    }
}

fn split_outside_quotes<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted || place < start => {}
            _ if text.get(place..).is_some_and(|rest| rest.starts_with(separator)) => {
                parts.extend(text.get(start..place));
                start = place + separator.len();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// Returns the segments of a path that fits a pattern.
fn segments(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (mut parts, mut segments) = (path.split('/'), Vec::new());
    for expected in pattern.split('/') {
        let name = expected.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        match name.map(|name| name.split_once(':').unwrap_or((name, ""))) {
            // A tail.
            Some((name, ".*")) => {
                segments.push((name.to_owned(), parts.by_ref().collect::<Vec<_>>().join("/")));
            }
            Some((name, _)) => {
                segments
                    .push((name.to_owned(), parts.next().filter(|part| !part.is_empty())?.into()));
            }
            None if parts.next()? == expected => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(segments)
}

struct RouteContext<'a> {
    route: &'a MatrixRoute,
    now: Duration,
}

impl EvalContext for RouteContext<'_> {
    fn now(&self) -> Duration {
        self.now
    }

    fn segment(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.route.segments.iter().find(|(segment, _)| segment == name);
        found.map(|(_, value)| Cow::Borrowed(&**value))
    }

    fn policy(&self, _: &PolicyRef) -> Option<bool> {
        None
    }

    fn route(&self) -> Option<String> {
        Some(self.route.pattern.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_include_others_are_no_part_of_the_requirement() {
        let split = |text| split_outside_quotes(text, INCLUDED);
        assert_eq!(split(r#"scopes = "a""#), [r#"scopes = "a""#]);
        assert_eq!(
            split(r#"roles = "a  # \"  # b"  # x  # y"#),
            [r#"roles = "a  # \"  # b""#, "x", "y"]
        );
        let route = |line: &str| MatrixRoute::find(line, "GET /a");
        let read = route(r#"GET /a a scopes = "x"  # scope "x" by "y""#).ok().unwrap();
        assert_eq!((&*read.requirement, read.including.len()), (r#"scopes = "x""#, 1));
        let unreadable = route(r#"GET /a a scopes = "x"  # some words"#).err().unwrap();
        assert!(unreadable.0.contains("`some words`"), "{}", unreadable.0);
    }

    #[test]
    fn a_path_fits_its_pattern() {
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(segments("/posts/{id}", "/posts/7"), Some(pair("id", "7")));
        assert_eq!(segments("/posts", "/posts"), Some(Vec::new()));
        assert_eq!(segments("/f/{path:.*}", "/f/a/b"), Some(pair("path", "a/b")));
        for path in ["/posts", "/posts/", "/posts/7/x", "/other/7"] {
            assert_eq!(segments("/posts/{id}", path), None, "{path}");
        }
    }
}
