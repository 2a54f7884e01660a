//! Requirements from their text, for access matrices that were written to a file.

use std::time::Duration;

use serde_json::Value;

use super::Requirement;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 32;

/// The part of a text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadableRequirement(pub(crate) String);

impl Requirement {
    /// Reads what `Display` writes. Policies cannot be read, since their functions are not known;
    /// nor can texts with angle brackets.
    pub(crate) fn parse(text: &str) -> Result<Self, UnreadableRequirement> {
        Self::parse_within(text, MAX_DEPTH)
    }

    fn parse_within(text: &str, depth: usize) -> Result<Self, UnreadableRequirement> {
        if text.trim() == "authenticated" {
            return Ok(Self::authenticated());
        }
        let arguments = arguments(text);
        if arguments.is_empty() || depth == 0 {
            return Err(UnreadableRequirement(text.chars().take(80).collect()));
        }
        let mut requirement = Self::authenticated();
        for argument in arguments {
            requirement = requirement.with_argument(argument, depth - 1)?;
        }
        Ok(requirement)
    }

    fn with_argument(self, argument: &str, depth: usize) -> Result<Self, UnreadableRequirement> {
        let unreadable = || UnreadableRequirement(argument.to_owned());
        let assignment = argument.split_once(" = ").filter(|(name, _)| !name.contains('('));
        if let Some((name, list)) = assignment {
            let names = || names(list).ok_or_else(unreadable);
            let age = || age(list).ok_or_else(unreadable);
            return Ok(match name {
                "roles" => self.and_roles(names()?),
                "permissions" => self.and_permissions(names()?),
                "scopes" => self.and_scopes(names()?),
                "credential" => self & Self::credentials(names()?),
                "acr" => self.acr_values(names()?),
                "max_age" => self.max_age(age()?),
                "fresh" => self.fresh_within(age()?),
                _ => return Err(unreadable()),
            });
        }
        match argument {
            "all" => return Ok(self.all()),
            "all_roles" => return Ok(self.all_roles()),
            "fresh" => return Ok(self.fresh()),
            _ => {}
        }
        let (name, inner) = argument.split_once('(').ok_or_else(unreadable)?;
        let inner = inner.strip_suffix(')').ok_or_else(unreadable)?;
        let parse = |text| Self::parse_within(text, depth);
        let each = || arguments(inner).into_iter().map(parse).collect::<Result<Vec<_>, _>>();
        Ok(match name {
            "any" => self & Self::any_of(each()?),
            "all_of" => self & Self::all_of([parse(inner)?]),
            "not" => self & !parse(inner)?,
            "claim" => self & claim(inner).ok_or_else(unreadable)?,
            _ => return Err(unreadable()),
        })
    }
}

/// Splits at the commas that are not within brackets or quotes.
fn arguments(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.extend(text.get(start..place).map(str::trim));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..).map(str::trim).filter(|part| !part.is_empty()));
    parts
}

/// Reads one quoted name, or a list of them.
fn names(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let list = if text.starts_with('[') { text.to_owned() } else { format!("[{text}]") };
    serde_json::from_str(&list).ok()
}

fn age(text: &str) -> Option<Duration> {
    let text = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let size = match unit {
        "d" => 24 * 3600,
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(size)?))
}

fn claim(text: &str) -> Option<Requirement> {
    let equals = text.split_once(" == ").filter(|(name, _)| is_name(name));
    let (name, operand, equals) = match equals {
        Some((name, operand)) => (name, operand, true),
        None => text.split_once(" contains ").map(|(name, operand)| (name, operand, false))?,
    };
    let name: String = serde_json::from_str(name).ok()?;
    if let Some(segment) = operand.strip_prefix("path.") {
        let segment = segment.to_owned();
        return Some(if equals {
            Requirement::claim_equals_segment(name, segment)
        } else {
            Requirement::claim_contains_segment(name, segment)
        });
    }
    let value: Value = serde_json::from_str(operand).ok()?;
    Some(if equals {
        Requirement::claim_equals(name, value)
    } else {
        Requirement::claim_contains(name, value)
    })
}

fn is_name(text: &str) -> bool {
    serde_json::from_str::<String>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_read_as_it_is_written() {
        for text in [
            "authenticated",
            r#"roles = "admin""#,
            r#"roles = ["editor", "admin"], permissions = ["read:posts", "write:posts"], all"#,
            r#"roles = ["a", "b"], all_roles"#,
            r#"scopes = "posts.read", claim("org" == "acme, inc")"#,
            r#"any(claim("sub" == path.user_id), roles = "support")"#,
            r#"any(all_of(roles = "a", scopes = "b"), not(roles = "c"))"#,
            r#"claim("level" == 5), claim("groups" contains path.group), max_age = "5m", fresh"#,
            r#"fresh = "2h""#,
            r#"acr = ["a", "b"]"#,
            r#"roles = "a", credential = "api-key""#,
            r#"any(credential = ["jwt", "opaque-token"], not(credential = "api-key"))"#,
        ] {
            let read = Requirement::parse(text);
            assert_eq!(read.map(|requirement| requirement.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_decided_from_a_text_is_not_read() {
        let deep = "all_of(".repeat(200_000);
        assert!(Requirement::parse(&deep).is_err());
        for text in [
            "",
            "all_of()",
            "policy = owns",
            "roles = <none>",
            "refresh",
            "roles = admin",
            "any(",
            "x(y)",
        ] {
            assert!(Requirement::parse(text).is_err(), "{text}");
        }
    }
}
