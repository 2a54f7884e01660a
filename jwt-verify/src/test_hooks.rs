//! Access to single stages, for the suites that test and fuzz them. Not for applications: nothing
//! here is stable, and a stage alone does not verify a token.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    algorithm::Algorithm,
    claims::Claims,
    clock::Clock,
    dpop::{Dpop, ProofContext, ProofId},
    error::{AuthError, InvalidTokenReason},
    json::{JsonDocument, Unique},
    key::{JwkSet, KeyQuery, Thumbprint},
    token::{CompactToken, Header, decode_exact},
};

#[cfg(feature = "mcp")]
use crate::{
    json::JsonText,
    mcp_protocol::{
        Operation,
        fields::Fields,
        filtered_events::FilteredEvents,
        list_filter::{EntryVerdict, ListEntry, filter_answer},
        message::messages,
    },
};

/// Verifies format, header and signature, and returns the payload without checking it (RFC 7515
/// §5.2).
pub fn verify_jws(
    token: &[u8],
    keys: &JwkSet,
    allowed: &[Algorithm],
) -> Result<Vec<u8>, InvalidTokenReason> {
    let parts = CompactToken::parse(token, usize::MAX)?;
    let header = Header::decode(parts.header)?;
    let payload = decode_exact(parts.payload).ok_or(InvalidTokenReason::Malformed)?;
    let signature = decode_exact(parts.signature).ok_or(InvalidTokenReason::Malformed)?;
    if !allowed.contains(&header.algorithm) {
        return Err(InvalidTokenReason::Algorithm);
    }
    let mut failed = Vec::new();
    let wanted = KeyQuery::new(header.key_id(), header.algorithm);
    while let Some(key) = keys.select(KeyQuery { exclude: &failed, ..wanted }) {
        if key.verifies(header.algorithm, parts.signing_input, &signature) {
            return Ok(payload);
        }
        failed.push(key.clone());
    }
    Err(if failed.is_empty() {
        InvalidTokenReason::UnknownKey
    } else {
        InvalidTokenReason::Signature
    })
}

/// Parses a header, and returns the algorithm and `kid`.
pub fn parse_header(json: &[u8]) -> Result<(Algorithm, Option<String>), InvalidTokenReason> {
    let header = Header::parse(json.to_vec())?;
    Ok((header.algorithm, header.key_id().map(Into::into)))
}

/// Parses a payload, as of an issuer without a setting for its types.
pub fn parse_claims(json: &[u8]) -> Result<Claims, InvalidTokenReason> {
    let text = String::from_utf8(json.to_vec()).map_err(|_| InvalidTokenReason::Payload)?;
    let claims = Claims::parse(text)?;
    if claims.has_numeric_subject() {
        return Err(InvalidTokenReason::ClaimType("sub"));
    }
    Ok(claims)
}

/// Parses a document without duplicate members, as claims and headers are parsed.
pub fn read_json(text: &str) -> Option<Value> {
    JsonDocument::parse(text.to_owned()).ok().map(|document| document.root().to_value())
}

/// Parses a document with `serde_json`, as key sets and metadata are parsed.
pub fn read_json_by_serde(text: &str) -> Option<Value> {
    serde_json::from_str::<Unique>(text).ok().map(|Unique(value)| value)
}

/// Checks a proof for a request to the API at an address, and returns its identifier.
pub fn check_proof(
    address: &str,
    proof: &[u8],
    token: &[u8],
    (method, path): (&str, &str),
    thumbprint: &str,
    clock: impl Clock,
) -> Result<ProofId, AuthError> {
    let (now, key) = (clock.now(), Thumbprint::parse(thumbprint).ok_or(AuthError::Misconfigured)?);
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let rules = Dpop::new(address).build(&clock).map_err(|_| AuthError::Misconfigured)?;
    let proof = rules.check(ProofContext { proof, token, method, path, key }, now)?;
    Ok(proof.id)
}

/// Parses an issuer's metadata, and returns the URL of its keys.
#[cfg(feature = "jwks")]
pub fn parse_discovery(json: &[u8], issuer: &str) -> Option<String> {
    crate::jwks::key_set_url(json, issuer)
}

/// Returns `true` if a signature is valid.
pub fn verifies(
    key: &crate::key::VerificationKey,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    key.verifies(algorithm, message, signature)
}

/// Builds from these variables what [`JwtAuth::from_env`](crate::JwtAuth::from_env) builds from the
/// environment of the process.
#[cfg(feature = "jwks")]
pub fn auth_from_variables(
    variables: &[(&str, &str)],
) -> Result<crate::http::JwtAuth, crate::error::ConfigError> {
    crate::http::JwtAuth::from_list(variables)
}

/// Filters the lists in an answer of an MCP server, by the name, URI or template text of each entry.
#[cfg(feature = "mcp")]
pub fn filter_mcp_answer(text: &str, mut is_kept: impl FnMut(&str) -> bool) -> Option<String> {
    filter_answer(text.to_owned(), &mut |entry| verdict(entry, &mut is_kept)).ok()
}

/// Filters a stream of events of an MCP server that comes in these pieces. `false` beside what came out
/// means that the stream ends with an error.
#[cfg(feature = "mcp")]
pub fn filter_mcp_events<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    max_event: usize,
    mut is_kept: impl FnMut(&str) -> bool,
) -> (Vec<u8>, bool) {
    let (mut events, mut out) = (FilteredEvents::new(max_event, true), Vec::new());
    let decide: &mut dyn FnMut(ListEntry<'_>) -> EntryVerdict =
        &mut |entry| verdict(entry, &mut is_kept);
    let is_read = pieces.into_iter().all(|piece| events.push(piece, &mut out, decide).is_ok());
    let is_read = is_read && events.finish(&mut out, decide).is_ok();
    (out, is_read)
}

#[cfg(feature = "mcp")]
fn verdict(entry: ListEntry<'_>, is_kept: &mut dyn FnMut(&str) -> bool) -> EntryVerdict {
    let (ListEntry::Tool(name)
    | ListEntry::Prompt(name)
    | ListEntry::Resource(name)
    | ListEntry::Template(name)
    | ListEntry::Update(name)) = entry;
    if is_kept(name) { EntryVerdict::Keep } else { EntryVerdict::Drop }
}

/// Reads a body as the guard of an MCP server does, beside the values of `MCP-Protocol-Version`,
/// `Mcp-Method` and `Mcp-Name`. Returns the kind and the name of each operation in it.
#[cfg(feature = "mcp")]
pub fn read_mcp_body(fields: [Option<&str>; 3], body: &str) -> Option<Vec<(&'static str, String)>> {
    let [revision, method, name] = fields.map(|field| field.map(str::as_bytes).into_iter());
    let fields = Fields::read(revision, method, name).ok()?;
    let document = JsonText::parse(body).ok()?;
    let mut found = Vec::new();
    for message in messages(document.root(), fields.revision).ok()? {
        message.check(&fields).ok()?;
        found.extend(message.operation().ok()?);
        found.extend(message.listened().ok()?);
    }
    let named = |operation| match operation {
        Operation::Tool(name) => ("tool", name.to_owned()),
        Operation::Prompt(name) => ("prompt", name.to_owned()),
        Operation::Resource(uri) => ("resource", uri.to_owned()),
        Operation::Template(text) => ("template", text.to_owned()),
        Operation::Method(name) => ("method", name.to_owned()),
    };
    Some(found.into_iter().map(named).collect())
}
