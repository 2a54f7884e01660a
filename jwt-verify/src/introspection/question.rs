//! One question about a token, and the judgement of its answer.

use std::time::{Duration, Instant};

use super::{
    answer::{Answer, AnswerFault, read},
    client_authentication::ClientAuthentication,
    form::push_pair,
};
use crate::{
    defaults::RETRY_FIRST,
    error::{AuthError, InvalidTokenReason},
    jwks::{EncodedForm, FormAnswer, FormEndpoint, FormFailure},
    validation::TOKEN_INTROSPECTION,
    verifier::{Introspected, IntrospectedIssuer, Verifier},
};

const JSON: &str = "application/json";
/// Media type of signed answers (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// Everything that a question needs.
#[derive(Debug)]
pub(super) struct Questions {
    pub(super) issuer: IntrospectedIssuer,
    pub(super) endpoint: FormEndpoint,
    pub(super) client: ClientAuthentication,
    /// Audience of the assertion of `private_key_jwt`.
    pub(super) audience: String,
    /// Verifies signed answers.
    pub(super) answers: Verifier,
    pub(super) only_signed_answers: bool,
}

/// A question without an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered {
    /// Class of the failure.
    pub(super) code: &'static str,
    pub(super) retry_after: Duration,
    /// True if the endpoint does not accept this client.
    pub(super) is_refusal: bool,
    /// True if it may be because of the token, so that others may be answered.
    pub(super) is_about_token: bool,
}

/// The judgement of a token, if there was an answer.
pub(super) type Judgement = Result<Introspected, AuthError>;

impl Questions {
    /// Asks about a token. To be called on the endpoint's thread.
    pub(super) async fn ask(&self, token: &[u8]) -> Result<Judgement, Unanswered> {
        let form = self.form(token).ok_or(Unanswered {
            code: "credential",
            retry_after: RETRY_FIRST,
            is_refusal: false,
            is_about_token: false,
        })?;
        let begin = Instant::now();
        let answer = self.endpoint.post(form).await?;
        // Keys for a signed answer may have to be fetched.
        let rest = self.endpoint.timeout().saturating_sub(begin.elapsed());
        let text = tokio::time::timeout(rest, self.text(answer)).await;
        match read(text.unwrap_or(Err(AnswerFault::Signature.into()))?, self.issuer.name())? {
            Answer::Inactive => Ok(Err(InvalidTokenReason::Inactive.into())),
            Answer::Active(claims) => Ok(self.issuer.accept(*claims)),
        }
    }

    fn form(&self, token: &[u8]) -> Option<EncodedForm> {
        let mut body = String::new();
        push_pair(&mut body, "token", token);
        push_pair(&mut body, "token_type_hint", b"access_token");
        let now = self.issuer.clock().now();
        let authorization = self.client.sign_in(&mut body, &self.audience, now).ok()?;
        let accept = if self.only_signed_answers { SIGNED } else { JSON };
        Some(EncodedForm { body, accept, authorization })
    }

    /// Returns the JSON text of an answer, whose signature is verified if it has one.
    async fn text(&self, answer: FormAnswer) -> Result<String, Unanswered> {
        match &*answer.media_type {
            SIGNED => self.verified_text(&answer.body).await,
            JSON if !self.only_signed_answers => {
                Ok(String::from_utf8(answer.body).map_err(|_| AnswerFault::Document)?)
            }
            _ => Err(AnswerFault::MediaType.into()),
        }
    }

    /// Verifies a signed answer, and returns what it tells about the token.
    async fn verified_text(&self, answer: &[u8]) -> Result<String, Unanswered> {
        let verified = self.answers.verify_token(answer).await;
        let verified = verified.and_then(crate::verifier::SenderUnchecked::accept_bearer);
        let verified = verified.map_err(|error| match error {
            AuthError::Unavailable { retry_after }
            | AuthError::KeyLookupLimited { retry_after } => {
                Unanswered { retry_after, ..AnswerFault::Signature.into() }
            }
            _ => AnswerFault::Signature.into(),
        })?;
        let told = verified.claims().find(TOKEN_INTROSPECTION).ok_or(AnswerFault::Document)?;
        Ok(told.raw().to_owned())
    }
}

impl From<AnswerFault> for Unanswered {
    fn from(fault: AnswerFault) -> Self {
        let code = fault.code();
        Self { code, retry_after: RETRY_FIRST, is_refusal: false, is_about_token: true }
    }
}

impl From<FormFailure> for Unanswered {
    fn from(failure: FormFailure) -> Self {
        let FormFailure { code, is_refusal, is_about_form, retry_after } = failure;
        Self { code, retry_after, is_refusal, is_about_token: is_about_form }
    }
}
