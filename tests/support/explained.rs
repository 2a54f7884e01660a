//! Explanations beside the verifications that they explain.

use std::collections::HashSet;

use jwt_verify::{
    Algorithm, Verifier,
    explain::{CheckStatus, Explanation, Verdict},
};
use serde_json::Value;

/// Shorter pieces turn up by accident.
const PIECE: usize = 8;

/// Explains a token, and asserts that the explanation tells what the verifier does, that one of its
/// checks is the reason, and that no piece of the token or of a claim is in it.
///
/// Panics where they differ.
pub async fn explained(verifier: &Verifier, token: &str) -> Explanation {
    let explanation = verifier.explain(token).await;
    let outcome = verifier.verify(token).await;
    let reason = outcome.as_ref().err().map(jwt_verify::AuthError::reason);
    assert_eq!(explanation.reason(), reason, "{token}: {explanation}");
    let is_accepted = explanation.verdict() == Verdict::Accepted;
    assert_eq!(is_accepted, outcome.is_ok(), "{token}: {explanation}");
    let is = |status| explanation.checks().iter().any(|check| check.status() == status);
    assert_eq!(is(CheckStatus::Failed), outcome.is_err(), "{token}: {explanation}");
    let text = format!("{explanation}{}", serde_json::to_string(&explanation).unwrap());
    let shown: HashSet<&[u8]> = text.as_bytes().windows(PIECE).collect();
    for value in values(token) {
        let found = value.as_bytes().windows(PIECE).find(|piece| shown.contains(piece));
        assert_eq!(found, None, "a piece of {value:?} is in {text}");
    }
    explanation
}

/// Returns the segments of a token, and every text in its header and claims. Short segments, and
/// those of other serializations, are words such as the names of members.
fn values(token: &str) -> Vec<String> {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let parts = token.split(|c| !is_base64url(c)).filter(|part| part.len() >= 2 * PIECE);
    let mut values: Vec<String> = parts.map(str::to_owned).collect();
    for segment in token.split('.').take(2) {
        let decoded = crate::token::decode(segment);
        let json = decoded.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        collect(&json.unwrap_or_default(), &mut values);
    }
    // The name of an algorithm is a word too, and may be a long one.
    values.retain(|value| value.parse::<Algorithm>().is_err());
    values
}

fn collect(json: &Value, values: &mut Vec<String>) {
    match json {
        Value::String(text) => values.push(text.clone()),
        Value::Number(number) => values.push(number.to_string()),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, values)),
        Value::Object(members) => members.values().for_each(|member| collect(member, values)),
        _ => {}
    }
}
