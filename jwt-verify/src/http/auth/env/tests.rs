use std::env::VarError;

use super::*;
use crate::http::auth::context::JwtAuth;

fn build(variables: &[(&str, &str)]) -> Result<JwtAuth, ConfigError> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
    };
    read(&Environment(&lookup), |issuer| issuer)?.build().map_err(name_variable)
}

const BASE: [(&str, &str); 2] =
    [("JWT_ISSUER", "https://issuer.example/"), ("JWT_AUDIENCE", "api, api-2")];

#[test]
fn issuer_and_audience_are_enough() {
    assert!(build(&BASE).is_ok());
    let auth0 = [("AUTH0_DOMAIN", "tenant.auth0.com"), ("AUTH0_API_IDENTIFIER", "api")];
    let auth = build(&auth0).unwrap();
    assert_eq!(auth.health().first().unwrap().0, "https://tenant.auth0.com/");
    for odd in ["tenant.auth0.com ", "user@tenant.auth0.com", "tenant.auth0.com/x"] {
        let error = build(&[("AUTH0_DOMAIN", odd), auth0[1]]).unwrap_err().to_string();
        assert!(error.contains("AUTH0_DOMAIN"), "{error}");
    }
    let url = [("AUTH0_DOMAIN", "https://tenant.auth0.com/"), auth0[1]];
    assert_eq!(build(&url).unwrap().health(), auth.health());
}

#[test]
fn what_is_missing_is_named() {
    let error = |variables: &[(&str, &str)]| build(variables).unwrap_err().to_string();
    assert_eq!(error(&[]), "JWT_ISSUER is not set");
    assert_eq!(error(&BASE[..1]), "JWT_AUDIENCE is not set");
}

#[test]
fn a_value_that_does_not_parse_names_its_variable() {
    for (name, value) in [
        ("JWT_ALGORITHMS", "RS256,none"),
        ("JWT_ALGORITHMS", "HS256"),
        ("JWT_ALGORITHMS", "RS256,HS256"),
        ("JWT_ALGORITHMS", ""),
        ("JWT_ALGORITHMS", "RS256,,ES256"),
        ("JWT_LEEWAY", "abc"),
        ("JWT_LEEWAY", "-1"),
        ("JWT_LEEWAY", "1.5"),
        ("JWT_LEEWAY", "+5"),
        ("JWT_LEEWAY", "601"),
        ("JWT_TOKEN_CACHE", "20000000"),
        ("JWT_KEY_CACHE_TTL", "0"),
        ("JWT_KEY_CACHE_TTL", "NaN"),
        ("JWT_NEGATIVE_CACHE_TTL", "0"),
        ("JWT_REFRESH_MIN_INTERVAL", "0"),
        ("JWT_STALE_TTL", "99999999999"),
        ("JWT_FETCH_TIMEOUT", "0"),
        ("JWT_TOKEN_CACHE", "many"),
        ("JWT_JWKS_URI", "http://issuer.example/jwks"),
        ("JWT_JWKS_URI", "file:///etc/passwd"),
        ("JWT_COOKIE", "a b"),
        ("JWT_COOKIE", ""),
        ("JWT_HEADER", "a b"),
        ("JWT_HEADER", ""),
        ("JWT_HEADER", "X-A,X-B"),
        ("JWT_HEADER", "DPoP"),
        ("JWT_HEADER", "Proxy-Authorization"),
        ("JWT_COOKIE_ORIGINS", "https://app.example"),
        ("REDIS_URL", "http://secret.example"),
        ("JWT_CACHE_INTEGRITY_KEY", "an integrity key of enough bytes, alone"),
        ("JWT_DPOP_URL", "http://api.example"),
        ("JWT_DPOP_URL", "https://api.example,"),
        ("JWT_DPOP_NONCE_SECRET", "0123456789abcdef0123456789abcdef"),
        ("JWT_MTLS_PROXIES", "proxy.internal"),
        ("JWT_MTLS_PROXIES", "10.0.0.1,0.0.0.0/0"),
        ("JWT_MTLS_FIELD", "Client-Cert"),
        ("JWT_ROOT_CERTIFICATES", "no certificate"),
        ("JWT_PROXY", "https://proxy.example"),
        ("JWT_ALLOW_HTTP", ""),
        ("JWT_ALLOW_HTTP", "*"),
        ("JWT_ALLOW_HTTP", "keycloak,*.internal"),
        ("JWT_ALLOW_HTTP", "http://keycloak:8080"),
        ("JWT_ALLOW_HTTP", "keycloak/realms"),
        ("JWT_ALLOW_HTTP", "keycloak,"),
        ("JWT_JWKS_BEARER_TOKEN", ""),
        ("JWT_JWKS_BEARER_TOKEN", "Bearer sekret"),
        ("JWT_JWKS_BEARER_TOKEN_FILE", ""),
        ("JWT_JWKS_HEADER", ""),
        ("JWT_JWKS_HEADER", "X-API-Key"),
        ("JWT_JWKS_HEADER", "X-API-Key:"),
        ("JWT_JWKS_HEADER", "X API: sekret"),
        ("JWT_JWKS_HEADER", "Host: sekret"),
        ("JWT_JWKS_HEADER", "Accept: sekret"),
        ("JWT_SEED_KEYS", "{}"),
        ("JWT_SEED_KEYS", r#"{"keys":[]}"#),
        ("JWT_LEEWAY_FILE", "/nowhere/at/all"),
        ("JWT_CLAIMS_MAPPING", "keykloak:my-api"),
        ("JWT_CLAIMS_MAPPING", "keycloak:"),
        ("JWT_CLAIMS_MAPPING", " "),
        ("JWT_ROLES_CLAIM", "roles,,groups"),
        ("JWT_PERMISSIONS_CLAIM", ",permissions"),
        ("JWT_ROLES_DELIMITER", ""),
        ("JWT_ROLES_DELIMITER", ", "),
        ("JWT_ROLES_DELIMITER", "comma"),
        ("JWT_ROLES_DELIMITER", "r"),
        ("JWT_SCOPES_CLAIM", ""),
        ("JWT_NUMERIC_SUBJECT", "yes"),
        ("JWT_NUMERIC_SUBJECT", "TRUE"),
        ("JWT_NUMERIC_SUBJECT", ""),
    ] {
        let error = build(&[BASE[0], BASE[1], (name, value)]).unwrap_err().to_string();
        assert!(error.contains(name.trim_end_matches("_FILE")), "{name}={value}: {error}");
        assert!(value.is_empty() || value.len() < 3 || !error.contains(value), "{error}");
    }
    let cookie = ("JWT_COOKIE", "access");
    let origins = ("JWT_COOKIE_ORIGINS", "https://app.example/");
    let error = build(&[BASE[0], BASE[1], cookie, origins]).unwrap_err();
    assert!(error.to_string().contains("JWT_COOKIE_ORIGINS"), "{error}");
    let header = ("JWT_HEADER", "X-Forwarded-Access-Token");
    let error = build(&[BASE[0], BASE[1], cookie, header]).unwrap_err().to_string();
    assert!(error.contains("JWT_HEADER") && error.contains("JWT_COOKIE"), "{error}");
    let error = build(&[BASE[0], BASE[1], header, origins]).unwrap_err().to_string();
    assert!(error.contains("JWT_COOKIE_ORIGINS"), "{error}");
    for place in ["Authorization", "authorization", "Cookie"] {
        let error = build(&[BASE[0], BASE[1], ("JWT_HEADER", place)]).unwrap_err().to_string();
        assert!(error.contains("JWT_HEADER"), "{error}");
    }
    let proxies = ("JWT_MTLS_PROXIES", "10.0.0.1");
    let error = build(&[BASE[0], BASE[1], proxies, ("JWT_MTLS_FIELD", "a b")]).unwrap_err();
    assert!(error.to_string().contains("JWT_MTLS_FIELD"), "{error}");
    let error = build(&[("JWT_ISSUER", "http://issuer.example"), BASE[1]]).unwrap_err();
    assert!(error.to_string().contains("JWT_ISSUER"), "{error}");
}

#[test]
fn every_variable_has_an_effect_that_builds() {
    let all = [
        BASE[0],
        BASE[1],
        ("JWT_JWKS_URI", "http://127.0.0.1:1/jwks"),
        ("JWT_ALGORITHMS", "RS256, ES256, HS256"),
        SECRET,
        ("JWT_CLIENTS", "web"),
        ("JWT_ACCEPT_ID_TOKENS", "true"),
        ("JWT_TOKEN_TYPES", "vnd.example+jwt"),
        ("JWT_LEEWAY", "0"),
        ("JWT_KEY_CACHE_TTL", "5"),
        ("JWT_NEGATIVE_CACHE_TTL", "5"),
        ("JWT_REFRESH_MIN_INTERVAL", "5"),
        ("JWT_STALE_TTL", "0"),
        ("JWT_FETCH_TIMEOUT", "1"),
        ("JWT_TOKEN_CACHE", "0"),
        ("JWT_CLAIMS_MAPPING", "keycloak:my-api"),
        ("JWT_ROLES_CLAIM", "https://myapp.com/roles, /roles/*/name"),
        ("JWT_PERMISSIONS_CLAIM", "scope, permissions"),
        ("JWT_ROLES_DELIMITER", " "),
        ("JWT_SCOPES_CLAIM", "scopes"),
        ("JWT_NUMERIC_SUBJECT", "true"),
        ("JWT_SINGLE_ROLE_CLAIM", "r"),
        ("JWT_COOKIE", "__Host-access"),
        ("JWT_COOKIE_ORIGINS", "https://app.example, http://localhost:3000"),
        ("JWT_DPOP_URL", "https://api.example/v1, http://localhost:8080"),
        ("JWT_DPOP_NONCE_SECRET", "0123456789abcdef0123456789abcdef"),
        ("JWT_MTLS_PROXIES", "10.0.0.1, 10.1.0.0/16, ::1"),
        ("JWT_MTLS_FIELD", "X-Client-Certificate"),
        ("JWT_RESOURCE", "http://localhost:8080/api"),
        ("JWT_RESOURCE_SCOPES", "read:posts, write:posts"),
        ("JWT_PROXY", "environment"),
        ("JWT_ALLOW_HTTP", "keycloak, auth.internal:8080"),
        ("JWT_JWKS_BEARER_TOKEN", "t"),
    ];
    assert!(build(&all).is_ok());
    let header = all.map(|(name, value)| match name {
        "JWT_COOKIE" => ("JWT_HEADER", "Cf-Access-Jwt-Assertion"),
        _ => (name, value),
    });
    assert!(build(&header).is_ok());
}

const SECRET: (&str, &str) = ("JWT_SECRET", "0123456789abcdef0123456789abcdef");
const PUBLIC_KEY: (&str, &str) = (
    "JWT_PUBLIC_KEY",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
);
const NO_ISSUER: (&str, &str) = ("JWT_ISSUER", "none");
const NO_AUDIENCE: (&str, &str) = ("JWT_AUDIENCE", "none");

#[test]
fn none_needs_something_else_that_binds_a_token() {
    let clients = ("JWT_CLIENTS", "web, cli");
    for good in [
        &[BASE[0], NO_AUDIENCE, clients][..],
        &[BASE[0], BASE[1], clients],
        &[NO_ISSUER, NO_AUDIENCE, SECRET],
        &[NO_ISSUER, NO_AUDIENCE, PUBLIC_KEY],
        &[NO_ISSUER, BASE[1], PUBLIC_KEY, ("JWT_ALGORITHMS", "EdDSA")],
        &[BASE[0], NO_AUDIENCE, SECRET],
        &[NO_ISSUER, NO_AUDIENCE, PUBLIC_KEY, SECRET, ("JWT_ALGORITHMS", "EdDSA,HS256")],
    ] {
        assert!(build(good).is_ok(), "{good:?}: {:?}", build(good).err());
    }
    for (bad, variable, remedy) in [
        (&[BASE[0], NO_AUDIENCE][..], "JWT_AUDIENCE", "JWT_CLIENTS"),
        (&[BASE[0], ("JWT_AUDIENCE", "none,api")], "JWT_AUDIENCE", "none"),
        (&[BASE[0], NO_AUDIENCE, ("JWT_CLIENTS", "a,")], "JWT_CLIENTS", "empty"),
        (&[NO_ISSUER, NO_AUDIENCE], "JWT_ISSUER", "JWT_SECRET"),
        (&[NO_ISSUER, NO_AUDIENCE, clients], "JWT_ISSUER", "JWT_PUBLIC_KEY"),
        (
            &[NO_ISSUER, BASE[1], ("JWT_JWKS_URI", "https://a.example/k")],
            "JWT_ISSUER",
            "JWT_SECRET",
        ),
        (
            &[NO_ISSUER, NO_AUDIENCE, SECRET, ("JWT_ALGORITHMS", "RS256,HS256")],
            "JWT_ISSUER",
            "none",
        ),
    ] {
        let error = build(bad).unwrap_err().to_string();
        assert!(error.starts_with(variable) && error.contains(remedy), "{bad:?}: {error}");
    }
}

#[test]
fn keys_of_the_environment_fit_their_algorithms() {
    let uri = ("JWT_JWKS_URI", "https://issuer.example/keys");
    for good in [
        &[SECRET][..],
        &[SECRET, ("JWT_ALGORITHMS", "HS256")],
        &[SECRET, ("JWT_ALGORITHMS", "ES256,HS256")],
        &[SECRET, ("JWT_ALGORITHMS", "ES256,HS256"), uri],
        &[PUBLIC_KEY],
        &[PUBLIC_KEY, ("JWT_ALGORITHMS", "EdDSA")],
    ] {
        let all = [&BASE[..], good].concat();
        assert!(build(&all).is_ok(), "{good:?}: {:?}", build(&all).err());
    }
    let private = PUBLIC_KEY.1.replace("PUBLIC", "PRIVATE");
    for (bad, variable, remedy) in [
        (&[("JWT_ALGORITHMS", "HS256")][..], "JWT_ALGORITHMS", "JWT_SECRET"),
        (&[("JWT_ALGORITHMS", "ES256,HS256")], "JWT_ALGORITHMS", "JWT_SECRET"),
        (&[SECRET, ("JWT_ALGORITHMS", "RS256")], "JWT_SECRET", "HS256"),
        (
            &[("JWT_SECRET", "secret")],
            "JWT_SECRET",
            "HS256 needs at least 32 bytes; this one has 6",
        ),
        (&[SECRET, ("JWT_ALGORITHMS", "HS512")], "JWT_SECRET", "64 bytes; this one has 32"),
        (&[("JWT_SECRET", PUBLIC_KEY.1)], "JWT_SECRET", "JWT_PUBLIC_KEY"),
        (&[("JWT_PUBLIC_KEY", "no key")], "JWT_PUBLIC_KEY", "malformed"),
        (&[("JWT_PUBLIC_KEY", &private)], "JWT_PUBLIC_KEY", "private"),
        (&[PUBLIC_KEY, ("JWT_ALGORITHMS", "RS256")], "JWT_PUBLIC_KEY", "JWT_ALGORITHMS"),
        (&[PUBLIC_KEY, uri], "JWT_PUBLIC_KEY", "JWT_JWKS_URI"),
        (&[SECRET, uri], "JWT_SECRET", "JWT_ALGORITHMS"),
        (&[SECRET, PUBLIC_KEY], "JWT_SECRET", "JWT_ALGORITHMS"),
        (&[SECRET, uri, ("JWT_ALGORITHMS", "HS256")], "JWT_JWKS_URI", "JWT_ALGORITHMS"),
        (&[("JWT_TOKEN_TYPES", "logout+jwt")], "JWT_TOKEN_TYPES", "another kind"),
        (&[("JWT_ACCEPT_ID_TOKENS", "yes")], "JWT_ACCEPT_ID_TOKENS", "true or false"),
    ] {
        let error = build(&[&BASE[..], bad].concat()).unwrap_err().to_string();
        assert!(error.starts_with(variable) && error.contains(remedy), "{bad:?}: {error}");
        assert!(!error.contains("0123456789"), "{error}");
    }
}

#[test]
fn http_is_for_hosts_that_are_named() {
    let issuer = |url| [("JWT_ISSUER", url), BASE[1]];
    let http = |hosts| ("JWT_ALLOW_HTTP", hosts);
    let [name, audience] = issuer("http://keycloak:8080/realms/x");
    for hosts in ["keycloak", "other, keycloak:8080", "KEYCLOAK"] {
        assert!(build(&[name, audience, http(hosts)]).is_ok(), "{hosts}");
    }
    for hosts in ["keycloak:80", "cloak", "realms"] {
        let error = build(&[name, audience, http(hosts)]).unwrap_err().to_string();
        assert!(error.starts_with("JWT_ISSUER: ") && error.contains("JWT_ALLOW_HTTP"), "{error}");
    }
    let keys = ("JWT_JWKS_URI", "http://keycloak/keys");
    assert!(build(&[BASE[0], BASE[1], keys, http("keycloak")]).is_ok());
    let error = build(&[BASE[0], BASE[1], keys]).unwrap_err().to_string();
    assert!(error.starts_with("JWT_JWKS_URI: ") && error.contains("JWT_ALLOW_HTTP"), "{error}");
}

#[test]
fn a_resource_has_scopes_that_can_be_requested() {
    let resource = ("JWT_RESOURCE", "https://api.example/posts");
    let auth = build(&[BASE[0], BASE[1], resource]).unwrap();
    let url = "https://api.example/.well-known/oauth-protected-resource/posts";
    assert_eq!(auth.resource_metadata_url(), Some(url));
    assert_eq!(build(&BASE).unwrap().resource_metadata_url(), None);
    for (list, scopes) in [
        ("read", "read"),
        ("read write", "read write"),
        ("read,write", "read write"),
        (" read ,\twrite\nall  read ", "read write all"),
        ("https://api.example/.default", "https://api.example/.default"),
    ] {
        let variables = [BASE[0], BASE[1], resource, ("JWT_RESOURCE_SCOPES", list)];
        let auth = build(&variables).unwrap();
        assert_eq!(auth.context.settings().challenge_scopes.as_deref(), Some(scopes), "{list}");
    }
    for list in ["read,,write", "read,", "a\"b", "a\\b", "réad", "a\u{1}b"] {
        let variables = [BASE[0], BASE[1], resource, ("JWT_RESOURCE_SCOPES", list)];
        let error = build(&variables).unwrap_err().to_string();
        assert!(error.starts_with("JWT_RESOURCE_SCOPES: ") && !error.contains(list), "{error}");
    }
    // The document could not name an authorization server.
    let error = build(&[NO_ISSUER, BASE[1], SECRET, resource]).unwrap_err().to_string();
    assert!(error.starts_with("JWT_RESOURCE: needs an issuer"), "{error}");
}

#[test]
fn a_resource_is_a_url_that_clients_can_use() {
    for url in [
        "",
        "api.example",
        "http://api.example",
        "https://api.example?tenant=1",
        "https://api.example#top",
        "https://api.example/{tenant}",
    ] {
        let error = build(&[BASE[0], BASE[1], ("JWT_RESOURCE", url)]).unwrap_err().to_string();
        assert!(error.starts_with("JWT_RESOURCE"), "{url}: {error}");
        assert!(url.is_empty() || !error.contains(url), "{error}");
    }
    for list in ["read:posts", ""] {
        let scopes = ("JWT_RESOURCE_SCOPES", list);
        let error = build(&[BASE[0], BASE[1], scopes]).unwrap_err().to_string();
        assert!(error.starts_with("JWT_RESOURCE_SCOPES"), "{list}: {error}");
    }
}

#[test]
fn an_application_that_adds_settings_gets_the_variable_too() {
    let lookup = |name: &str| match name {
        "JWT_RESOURCE" => Ok("http://api.example".to_owned()),
        name => {
            let found = BASE.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        }
    };
    let error = read(&Environment(&lookup), |issuer| issuer).unwrap_err().to_string();
    assert!(error.starts_with("JWT_RESOURCE: "), "{error}");
}

#[test]
fn fetches_have_one_credential() {
    let token = ("JWT_JWKS_BEARER_TOKEN", "t");
    // The file may be mounted later.
    let file = ("JWT_JWKS_BEARER_TOKEN_FILE", "/nowhere/at/all");
    let header = ("JWT_JWKS_HEADER", "X-API-Key: k: 1");
    for one in [token, file, header] {
        assert!(build(&[BASE[0], BASE[1], one]).is_ok(), "{one:?}");
    }
    for (one, other) in [(token, file), (token, header), (file, header)] {
        let error = build(&[BASE[0], BASE[1], one, other]).unwrap_err().to_string();
        assert!(error.contains("JWT_JWKS_"), "{error}");
    }
}

#[cfg(feature = "redis")]
#[test]
fn a_shared_cache_needs_a_url_and_may_have_a_secret() {
    let url = ("REDIS_URL", "redis://127.0.0.1:1");
    let secret = ("JWT_CACHE_INTEGRITY_KEY", "0123456789abcdef0123456789abcdef");
    assert!(build(&[BASE[0], BASE[1], url]).is_ok());
    assert!(build(&[BASE[0], BASE[1], url, secret]).is_ok());
    let short = build(&[BASE[0], BASE[1], url, (secret.0, "short")]).unwrap_err().to_string();
    assert!(short.contains(secret.0) && !short.contains("short "), "{short}");
}

#[test]
fn a_value_may_be_in_a_file() {
    let folder = std::env::temp_dir().join(format!("jwt-verify-env-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let (issuer, audience) = (file("issuer", "https://issuer.example/\n"), file("aud", "api\r\n"));
    let (empty, large) = (file("empty", "\n"), file("large", &" ".repeat(1024 * 1024 + 1)));
    let files = [("JWT_ISSUER_FILE", issuer.as_str()), ("JWT_AUDIENCE_FILE", &audience)];
    let auth = build(&files).unwrap();
    assert_eq!(auth.health().first().unwrap().0, "https://issuer.example/");
    let both = build(&[BASE[0], files[0], files[1]]).unwrap_err().to_string();
    assert!(both.contains("JWT_ISSUER") && both.contains("_FILE"), "{both}");
    for bad in [&empty, &large] {
        let error = build(&[("JWT_ISSUER_FILE", bad), files[1]]).unwrap_err().to_string();
        assert!(error.contains("JWT_ISSUER"), "{error}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn introspection_needs_its_endpoint_and_a_client() {
    let url = ("JWT_INTROSPECTION_URL", "https://issuer.example/introspect");
    let client = ("JWT_INTROSPECTION_CLIENT_ID", "api");
    let secret = ("JWT_INTROSPECTION_CLIENT_SECRET", "s3cret");
    let with = |more: &[(&'static str, &'static str)]| build(&[&BASE[..], more].concat());
    assert!(with(&[url, client, secret]).is_ok());
    assert!(with(&[("JWT_INTROSPECTION_URL", "discover"), client, secret]).is_ok());
    let cache = ("JWT_INTROSPECTION_CACHE", "0");
    assert!(with(&[url, client, secret, cache, ("JWT_INTROSPECTION_ALWAYS", "true")]).is_ok());
    for (variables, named) in [
        (vec![url, client], "JWT_INTROSPECTION_CLIENT_SECRET is not set"),
        (vec![url, secret], "JWT_INTROSPECTION_CLIENT_ID is not set"),
        (vec![client], "JWT_INTROSPECTION_CLIENT_ID: needs JWT_INTROSPECTION_URL"),
        (vec![secret], "JWT_INTROSPECTION_CLIENT_SECRET: needs JWT_INTROSPECTION_URL"),
        (vec![cache], "JWT_INTROSPECTION_CACHE: needs JWT_INTROSPECTION_URL"),
        (
            vec![("JWT_INTROSPECTION_ALWAYS", "true")],
            "JWT_INTROSPECTION_ALWAYS: needs JWT_INTROSPECTION_URL",
        ),
        (
            vec![url, client, secret, ("JWT_INTROSPECTION_ALWAYS", "yes")],
            "JWT_INTROSPECTION_ALWAYS: ",
        ),
        (
            vec![url, client, secret, ("JWT_INTROSPECTION_CACHE", "3601")],
            "JWT_INTROSPECTION_CACHE: ",
        ),
        (
            vec![("JWT_INTROSPECTION_URL", "http://issuer.example/"), client, secret],
            "JWT_INTROSPECTION_URL: must use https",
        ),
        (vec![("JWT_INTROSPECTION_URL", "introspect"), client, secret], "JWT_INTROSPECTION_URL: "),
    ] {
        let error = with(&variables).unwrap_err().to_string();
        assert!(error.starts_with(named), "{variables:?}: {error}");
    }
    let unnamed = [
        ("JWT_ISSUER", "none"),
        ("JWT_AUDIENCE", "api"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
    ];
    let error = build(&[&unnamed[..], &[url, client, secret]].concat()).unwrap_err().to_string();
    assert!(error.starts_with("JWT_INTROSPECTION_URL: needs an issuer"), "{error}");
}
