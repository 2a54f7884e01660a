//! Explanation of a request: its credential, its token, and what a requirement lacks.

use actix_web::HttpRequest;

use crate::http::{
    auth::context::{AuthContext, JwtAuth},
    authentication::authenticate_for_explanation,
    authenticators::kind_taken,
    authorization::explain_requirement,
};
use crate::{
    authz::Requirement,
    error::{AuthError, InvalidRequestReason},
    explanation::{Explanation, Report},
};

impl JwtAuth {
    /// Explains the authentication of a request: the credential, and every check of its token, with
    /// what was expected, what was found, and what mends a failure.
    ///
    /// The outcome is that of the request itself, if it has been authenticated, or else of an
    /// authentication for this purpose alone; a DPoP proof counts as used then. There are no values of the token. For developers and
    /// operators: do not send it to callers.
    ///
    /// ```
    /// use actix_web::HttpRequest;
    /// use jwt_verify::JwtAuth;
    ///
    /// async fn log_refusal(auth: &JwtAuth, request: &HttpRequest) {
    ///     let explanation = auth.explain(request).await;
    ///     println!("{explanation}");
    /// }
    /// ```
    pub async fn explain(&self, request: &HttpRequest) -> Explanation {
        self.explain_request(request, None).await
    }

    /// Explains the authentication of a request as [`explain`](Self::explain) does, and then a
    /// requirement: which of its terms the caller meets, and the smallest grants that would be
    /// enough. Policies are not asked; a requirement that depends on one is not met.
    pub async fn explain_for(
        &self,
        request: &HttpRequest,
        requirement: &Requirement,
    ) -> Explanation {
        self.explain_request(request, Some(requirement)).await
    }

    async fn explain_request(
        &self,
        request: &HttpRequest,
        requirement: Option<&Requirement>,
    ) -> Explanation {
        let (context, mut report) = (&self.context, Report::new(false));
        let claims = authenticate_for_explanation(context, request).await;
        let outcome = claims.as_ref().map(drop).map_err(AuthError::clone);
        explain_credential(context, request, &outcome, &mut report).await;
        let (Some(requirement), Ok(claims)) = (requirement, claims) else {
            return report.finish(&outcome);
        };
        let outcome = explain_requirement(context, request, &claims, requirement, &mut report);
        report.finish(&outcome)
    }
}

const CREDENTIAL: &str = "one token in its place";

async fn explain_credential(
    context: &AuthContext,
    request: &HttpRequest,
    outcome: &Result<(), AuthError>,
    report: &mut Report,
) {
    let Some(source) = context.token_source(false) else { return };
    let credential = source.extractor.extract(request);
    if let Ok(credential) = &credential
        && let Some(kind) = kind_taken(context, request, credential.as_ref())
    {
        return report.add("credential", CREDENTIAL, outcome.clone(), kind.as_str());
    }
    let found = match credential {
        Ok(Some(credential)) => {
            report.add("credential", CREDENTIAL, Ok(()), "a token");
            let token = credential.as_bytes().to_vec();
            return source.verifier.explain_stages(&token, outcome, report).await;
        }
        Ok(None) => "no token",
        Err(InvalidRequestReason::Ambiguous) => "more than one credential",
        Err(_) => "a credential of another form",
    };
    report.add("credential", CREDENTIAL, outcome.clone(), found);
}
