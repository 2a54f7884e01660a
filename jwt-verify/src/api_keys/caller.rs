//! The claims of a key's caller.

use serde::Serialize;

use super::record::ApiKeyRecord;
use crate::{claims::Claims, error::InvalidTokenReason};

/// Makes the claims that a token with the grants of this record would have.
pub(super) fn caller_of(record: &ApiKeyRecord) -> Result<Claims, InvalidTokenReason> {
    #[derive(Serialize)]
    struct Payload<'a> {
        sub: &'a str,
        jti: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        exp: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'a str>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        roles: &'a [String],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        permissions: &'a [String],
        #[serde(skip_serializing_if = "String::is_empty")]
        scope: String,
    }
    let payload = Payload {
        sub: record.subject(),
        jti: record.id(),
        exp: record.expires_at().map(|time| time.as_secs()),
        name: record.name(),
        roles: record.roles(),
        permissions: record.permissions(),
        scope: record.scopes().join(" "),
    };
    let payload = serde_json::to_string(&payload).map_err(|_| InvalidTokenReason::Payload)?;
    Ok(Claims::parse(payload)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_keys::ApiKeyHash;

    #[test]
    fn a_caller_has_the_claims_of_the_record_and_no_others() {
        let hash = ApiKeyHash::from_bytes([7; 32]);
        let builder = ApiKeyRecord::builder(hash, "a\"da");
        let claims = caller_of(&builder.clone().build().unwrap()).unwrap();
        assert_eq!(claims.payload(), format!(r#"{{"sub":"a\"da","jti":"{}"}}"#, hash.id()));
        let record = builder
            .name("backup")
            .roles(["r 1"])
            .permissions(["p"])
            .scopes(["a", "b"])
            .expires_at(std::time::Duration::from_secs(9))
            .build()
            .unwrap();
        let claims = caller_of(&record).unwrap();
        let payload = format!(
            r#"{{"sub":"a\"da","jti":"{}","exp":9,"name":"backup","roles":["r 1"],"permissions":["p"],"scope":"a b"}}"#,
            hash.id()
        );
        assert_eq!(claims.payload(), payload);
    }
}
