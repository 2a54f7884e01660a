//! Patterns of paths, as Actix writes them.

/// Part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatternPart<'p> {
    Text(&'p str),
    /// `{name}`, or `{name:expression}` without the expression.
    Parameter(&'p str),
}

/// Splits a pattern into its parts. An expression may have braces too, in pairs.
pub(crate) fn parts(pattern: &str) -> Vec<PatternPart<'_>> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (index, character) in pattern.char_indices() {
        match character {
            '{' => {
                if depth == 0 {
                    parts.extend(text(pattern, start, index));
                    start = index + 1;
                }
                depth += 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    let parameter = pattern.get(start..index).unwrap_or_default();
                    let name = parameter.split(':').next().unwrap_or_default();
                    parts.push(PatternPart::Parameter(name));
                    start = index + 1;
                }
            }
            _ => {}
        }
    }
    parts.extend(text(pattern, start, pattern.len()));
    parts
}

fn text(pattern: &str, start: usize, end: usize) -> Option<PatternPart<'_>> {
    pattern.get(start..end).filter(|text| !text.is_empty()).map(PatternPart::Text)
}

#[cfg(test)]
mod tests {
    use super::{
        PatternPart::{Parameter, Text},
        *,
    };

    #[test]
    fn a_pattern_has_text_and_parameters() {
        for (pattern, expected) in [
            ("", vec![]),
            ("/posts", vec![Text("/posts")]),
            ("/posts/{id}", vec![Text("/posts/"), Parameter("id")]),
            (r"/{id:\d{1,3}}/x", vec![Text("/"), Parameter("id"), Text("/x")]),
            ("/{tail:.*}", vec![Text("/"), Parameter("tail")]),
            ("/{tail}*", vec![Text("/"), Parameter("tail"), Text("*")]),
            ("/{a}{b}", vec![Text("/"), Parameter("a"), Parameter("b")]),
        ] {
            assert_eq!(parts(pattern), expected, "{pattern}");
        }
    }
}
