//! The client a token was issued to (`azp`, OIDC Core §2; `client_id`, RFC 8693 §4.3), if the
//! application restricts its clients.

use crate::{claims::Claims, error::InvalidTokenReason, json::Json};

/// Names used by issuers: `appid` is Entra's in its first version, `cid` Okta's.
const CLIENT_CLAIMS: [&str; 4] = ["azp", "client_id", "appid", "cid"];

/// Every client claim that is present must be on the list, and at least one must be present.
pub(super) fn check(claims: &Claims, allowed: Option<&[String]>) -> Result<(), InvalidTokenReason> {
    let Some(allowed) = allowed else { return Ok(()) };
    let mut named = CLIENT_CLAIMS.into_iter().filter_map(|name| claims.find(name)).peekable();
    if named.peek().is_some() && named.all(|client| is_listed(client, allowed)) {
        Ok(())
    } else {
        Err(InvalidTokenReason::ClientNotAllowed)
    }
}

fn is_listed(client: Json<'_>, allowed: &[String]) -> bool {
    client.as_str().is_some_and(|client| allowed.iter().any(|entry| entry == client))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::validation::claims;

    #[test]
    fn with_a_list_every_named_client_must_be_on_it() {
        let allowed = ["web".to_owned()];
        for good in [
            json!({"azp": "web"}),
            json!({"client_id": "web"}),
            json!({"azp": "web", "client_id": "web"}),
        ] {
            assert_eq!(check(&claims(&good), Some(&allowed)), Ok(()), "{good}");
        }
        for bad in [
            json!({}),
            json!({"azp": "app"}),
            json!({"azp": 5}),
            json!({"azp": "web", "client_id": "app"}),
        ] {
            assert_eq!(
                check(&claims(&bad), Some(&allowed)),
                Err(InvalidTokenReason::ClientNotAllowed),
                "{bad}"
            );
        }
        assert_eq!(check(&Claims::default(), None), Ok(()));
        assert_eq!(check(&Claims::default(), Some(&[])), Err(InvalidTokenReason::ClientNotAllowed));
    }
}
