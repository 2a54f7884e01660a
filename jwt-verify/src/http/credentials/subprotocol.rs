//! A token among the subprotocols that a WebSocket offers (RFC 6455 §4.1).

use actix_web::{HttpRequest, http::header::SEC_WEBSOCKET_PROTOCOL};

use super::{Credential, TokenExtractor};
use crate::error::InvalidRequestReason;

/// Takes the token from the subprotocols that the client of a WebSocket offers, since a page can set
/// no other header on it: as `bearer.TOKEN`, or as `bearer` with the token as the next offer.
///
/// ```js
/// new WebSocket(url, ["chat.v1", "bearer." + token]);
/// ```
///
/// The server selects the protocol that is spoken, `chat.v1`, and must not send the token back:
/// `actix_ws::handle_with_protocols` selects only what it is told. A page has to set the offers
/// itself, so that no other site can open a WebSocket with the token of a user. A token of
/// characters that a subprotocol cannot have (RFC 9110 §5.6.2), such as `/` or `=`, cannot come this
/// way; JWTs can.
///
/// Two tokens are refused, and so is `bearer` without one. Combine it with others in
/// [`FirstOf`](crate::extract::FirstOf).
#[derive(Debug, Clone, Copy, Default)]
pub struct SubprotocolExtractor;

impl TokenExtractor for SubprotocolExtractor {
    fn extract<'r>(
        &self,
        request: &'r HttpRequest,
    ) -> Result<Option<Credential<'r>>, InvalidRequestReason> {
        let fields = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
        let mut offers = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b','));
        let mut found = None;
        while let Some(offer) = offers.next() {
            let offer = offer.trim_ascii();
            let token = match offer.split_at_checked(BEARER.len()) {
                Some((name, rest)) if name.eq_ignore_ascii_case(BEARER) => match rest {
                    [] => offers.next().map(<[u8]>::trim_ascii).unwrap_or_default(),
                    [b'.', token @ ..] => token,
                    _ => continue,
                },
                _ => continue,
            };
            if token.is_empty() {
                return Err(InvalidRequestReason::Malformed);
            }
            if found.replace(token).is_some() {
                return Err(InvalidRequestReason::Ambiguous);
            }
        }
        Ok(found.map(Credential::new))
    }
}

const BEARER: &[u8] = b"bearer";

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn extract(fields: &[&str]) -> Result<Option<String>, InvalidRequestReason> {
        let request = fields.iter().fold(TestRequest::default(), |request, field| {
            request.append_header((SEC_WEBSOCKET_PROTOCOL, *field))
        });
        let request = request.to_http_request();
        let found = SubprotocolExtractor.extract(&request)?;
        Ok(found.map(|found| String::from_utf8(found.as_bytes().to_vec()).unwrap()))
    }

    #[test]
    fn one_token_is_taken_in_either_form() {
        let token = Ok(Some("x.y.z".to_owned()));
        for fields in [
            &["chat.v1, bearer.x.y.z"][..],
            &["bearer.x.y.z,chat.v1"],
            &["bearer, x.y.z"],
            &["chat.v1", "Bearer", "x.y.z"],
            &["bearer ,x.y.z , chat.v1"],
        ] {
            assert_eq!(extract(fields), token, "{fields:?}");
        }
        for fields in [&[][..], &["chat.v1"], &["bearers, x"], &["x.bearer.y"], &["bear"]] {
            assert_eq!(extract(fields), Ok(None), "{fields:?}");
        }
    }

    #[test]
    fn two_and_empty_ones_are_refused() {
        use InvalidRequestReason::{Ambiguous, Malformed};
        assert_eq!(extract(&["bearer.a, bearer.b"]), Err(Ambiguous));
        assert_eq!(extract(&["bearer.a", "bearer.a"]), Err(Ambiguous));
        assert_eq!(extract(&["bearer, a, bearer.b"]), Err(Ambiguous));
        assert_eq!(extract(&["bearer."]), Err(Malformed));
        assert_eq!(extract(&["chat.v1, bearer"]), Err(Malformed));
        assert_eq!(extract(&["bearer, , a"]), Err(Malformed));
    }
}
