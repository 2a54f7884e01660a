//! The client a token was issued to (`azp`, OIDC Core §2; `client_id`, RFC 8693 §4.3), if the
//! application restricts its clients.

use crate::{claims::Claims, error::InvalidTokenReason, json::Json};

/// Names used by issuers: `appid` is Entra's in its first version, `cid` Okta's.
const CLIENT_CLAIMS: [&str; 4] = ["azp", "client_id", "appid", "cid"];

/// Every client claim that is present must be on the list, and at least one must be present.
pub(super) fn check(claims: &Claims, allowed: Option<&[String]>) -> Result<(), InvalidTokenReason> {
    let Some(allowed) = allowed else { return Ok(()) };
    let named = CLIENT_CLAIMS.into_iter().filter_map(|name| Some((name, claims.find(name)?)));
    let mut named = named.peekable();
    if named.peek().is_none() {
        return Err(InvalidTokenReason::ClientNotAllowed("azp"));
    }
    match named.find(|(_, client)| !is_listed(*client, allowed)) {
        Some((name, _)) => Err(InvalidTokenReason::ClientNotAllowed(name)),
        None => Ok(()),
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
        for (bad, name) in [
            (json!({}), "azp"),
            (json!({"azp": "app"}), "azp"),
            (json!({"azp": 5}), "azp"),
            (json!({"azp": "web", "client_id": "app"}), "client_id"),
        ] {
            let refused = Err(InvalidTokenReason::ClientNotAllowed(name));
            assert_eq!(check(&claims(&bad), Some(&allowed)), refused, "{bad}");
        }
        let refused = Err(InvalidTokenReason::ClientNotAllowed("azp"));
        assert_eq!(check(&Claims::default(), None), Ok(()));
        assert_eq!(check(&Claims::default(), Some(&[])), refused);
    }
}
