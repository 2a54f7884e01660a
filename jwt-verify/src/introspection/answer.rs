//! Answers of an introspection endpoint (RFC 7662 §2.2).

use crate::{claims::Claims, error::codes::codes};

/// An answer as the RFC has it. Nothing else is an answer.
pub(super) enum Answer {
    Inactive,
    /// The claims of an active token, with `iss`.
    Active(Box<Claims>),
}

codes! {
    /// Reasons why a response of status 200 is not an answer.
    pub(super) enum AnswerFault {
        MediaType => "media_type",
        /// Not a JSON object, or a member twice, or a claim of a wrong type.
        Document => "answer",
        /// `active` is not a boolean.
        Active => "active",
        /// A signed answer that does not verify.
        Signature => "signature",
    }
}

/// Reads an answer of this issuer. Only the literal `true` makes a token active.
pub(super) fn read(body: String, issuer: &str) -> Result<Answer, AnswerFault> {
    let claims = Claims::parse(body).map_err(|_| AnswerFault::Document)?;
    match claims.find("active").and_then(crate::json::Json::as_bool) {
        None => Err(AnswerFault::Active),
        Some(false) => Ok(Answer::Inactive),
        Some(true) => named(claims, issuer).map(|claims| Answer::Active(Box::new(claims))),
    }
}

/// Returns the claims with `iss`, which an answer may leave out: it is the issuer that tells them.
fn named(claims: Claims, issuer: &str) -> Result<Claims, AnswerFault> {
    if claims.issuer().is_some() {
        return Ok(claims);
    }
    // An object with a member; a second `iss`, such as `null`, is refused.
    let (_, members) = claims.payload().split_once('{').ok_or(AnswerFault::Document)?;
    let name = serde_json::to_string(issuer).map_err(|_| AnswerFault::Document)?;
    Claims::parse(format!(r#"{{"iss":{name},{members}"#)).map_err(|_| AnswerFault::Document)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example/\"x\"";

    #[test]
    fn an_active_token_has_the_issuer_of_its_endpoint() {
        for (body, issuer) in [
            (r#"{"active":true}"#, ISSUER),
            (r#" { "sub" : "alice", "active" : true } "#, ISSUER),
            (r#"{"active":true,"iss":"https://other.example"}"#, "https://other.example"),
        ] {
            let Ok(Answer::Active(claims)) = read(body.into(), ISSUER) else { panic!("{body}") };
            assert_eq!(claims.issuer(), Some(issuer), "{body}");
        }
        let Ok(Answer::Active(claims)) = read(r#"{"active":true,"sub":"a"}"#.into(), ISSUER) else {
            panic!()
        };
        assert_eq!(claims.subject(), Some("a"));
    }

    #[test]
    fn an_inactive_token_is_told_as_such() {
        for body in [r#"{"active":false}"#, r#"{"active":false,"sub":"x","exp":9}"#] {
            assert!(matches!(read(body.into(), ISSUER), Ok(Answer::Inactive)), "{body}");
        }
    }

    #[test]
    fn nothing_else_is_an_answer() {
        for (body, fault) in [
            (r#"{"active":"true"}"#, AnswerFault::Active),
            (r#"{"active":1}"#, AnswerFault::Active),
            (r#"{"active":null}"#, AnswerFault::Active),
            (r#"{"active":[true]}"#, AnswerFault::Active),
            (r#"{"Active":true}"#, AnswerFault::Active),
            (r#"{"sub":"alice","exp":99999999999}"#, AnswerFault::Active),
            ("{}", AnswerFault::Active),
            (r#"{"active":TRUE}"#, AnswerFault::Document),
            (r#"{"active":true,"active":true}"#, AnswerFault::Document),
            (r#"{"active":false,"\u0061ctive":true}"#, AnswerFault::Document),
            (r#"{"active":true,"exp":"99999999999"}"#, AnswerFault::Document),
            (r#"{"active":true,"iss":null}"#, AnswerFault::Document),
            (r#"{"active":true,"iss":7}"#, AnswerFault::Document),
            (r#"{"active":true"#, AnswerFault::Document),
            (r#"{"active":true}x"#, AnswerFault::Document),
            (r#"[{"active":true}]"#, AnswerFault::Document),
            ("true", AnswerFault::Document),
            ("", AnswerFault::Document),
            ("<html>", AnswerFault::Document),
        ] {
            assert_eq!(read(body.into(), ISSUER).err(), Some(fault), "{body}");
        }
    }
}
