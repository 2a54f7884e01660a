//! The table in `docs/security/coverage.md` names every id and where it is tested.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Ids without a test, and why.
const ELSEWHERE: [(&str, &str); 22] = [
    ("REV-03, REV-04", "tests/http/remembered.rs, with the cache on, of one entry, and off"),
    (
        "REV-11",
        "a token is revoked by its name, whatever its bytes; other encodings are refused (ENC, SIG)",
    ),
    ("RED-09", "said at `RedisRevocation` and `RedisRefreshStore`: the server must not evict"),
    (
        "RFT-07",
        "the refresh tokens of this library are not bound to a key; they work once (RFT-01, RFT-02)",
    ),
    (
        "RFT-03",
        "a repetition within the time of grace is refused without harm; it never gets the successor",
    ),
    (
        "RFT-04",
        "one script replaces the token; a client whose answer was lost logs in again (said at `RedisRefreshStore`)",
    ),
    (
        "RFT-06",
        "a client cannot ask for anything at a refresh: what is granted is looked up by the application",
    ),
    (
        "RFT-10",
        "there is no revocation endpoint (RFC 7009) among the routes; sessions are ended by their users",
    ),
    (
        "CSR-11",
        "aws-lc compares in constant time; a timing test would say more about the machine than about the code",
    ),
    (
        "DEM-01",
        "an unknown name is held against the hash of nobody's password, which costs the same; a timing test would say more about the machine than about the code",
    ),
    (
        "DEM-05",
        "the contract of the example answers 409 to a name that is taken; nothing else tells whether a name exists",
    ),
    (
        "KQ-07",
        "moduli with the weakness of ROCA are not detected; an issuer that publishes one is broken",
    ),
    (
        "SIG-07, SIG-08",
        "tests/vectors: the PSS and PKCS#1 vectors of Wycheproof through the library's key import, and its JWS vectors",
    ),
    (
        "SIG-11",
        "tags are compared by aws-lc in constant time; a timing test would say more about the machine than about the code",
    ),
    (
        "SIZ-05",
        "slow and large requests are bounded by Actix, before the library sees them; it buffers nothing",
    ),
    (
        "LEK-07",
        "by construction: nothing hands out claims that were not verified, and no event names them",
    ),
    (
        "LEK-08",
        "a panic in a handler is Actix's; the library's own code does not panic on any input (fuzzing, properties)",
    ),
    ("LEK-10", "tests/issuer/observability.rs: nothing of a token is in the rendered metrics"),
    (
        "LEK-11",
        "secrets are overwritten when dropped (zeroize); what the kernel has written elsewhere cannot be tested here",
    ),
    ("LIB-01, LIB-02, LIB-03", "the library does not verify with jsonwebtoken"),
    (
        "LIB-04, LIB-05, LIB-06, LIB-07",
        "tests/http/composition.rs and tests/issuer/single_flight.rs: placement, nesting, connections, clients that hang up",
    ),
    (
        "LIB-08, LIB-09, LIB-10",
        "the CPU that a bad signature costs is that of a good one; the crates are in docs/decisions; tests/fuzz",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every id in the suites, with the files it is in.
fn tested() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for suite in [
        "catalogue",
        "issuer",
        "http",
        "redis",
        "sessions",
        "macros",
        "examples",
        "outsider/corpus/src",
        "outsider/placements/src",
        "../jwt-verify/src/jwks",
        "../jwt-verify/src/http",
    ] {
        for path in files(&folder().join(suite)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(folder()).unwrap().to_str().unwrap();
            let name = format!("tests/{path}").replace("tests/../", "");
            for id in ids(&text) {
                found.entry(id).or_default().insert(name.clone());
            }
        }
    }
    found
}

/// The files of a folder and of those in it, without this one.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if !path.ends_with("coverage.rs") {
            all.push(path);
        }
    }
    all
}

/// Words of three capitals, a hyphen and two digits.
fn ids(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| {
            let (group, number) = word.split_once('-').unwrap_or_default();
            group.len() >= 2
                && group.len() <= 3
                && group.bytes().all(|b| b.is_ascii_uppercase())
                && number.len() == 2
                && number.bytes().all(|b| b.is_ascii_digit())
        })
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

fn table() -> String {
    let mut out = String::from(
        "# Attacks and where they are tested\n\n\
         Each id stands for an attack or a fault with its expected answer. This table is written by the suite\n\
         `catalogue` (`UPDATE_COVERAGE=1 cargo test -p jwt-verify-tests --test catalogue coverage`), which fails when it is\n\
         out of date.\n\n| id | tested in |\n| --- | --- |\n",
    );
    for (id, files) in tested() {
        let files: Vec<String> = files.iter().map(|file| format!("`{file}`")).collect();
        out += &format!("| {id} | {} |\n", files.join(", "));
    }
    out += "\n## Not tested\n\n| ids | why |\n| --- | --- |\n";
    for (group, reason) in ELSEWHERE {
        out += &format!("| {group} | {reason} |\n");
    }
    out
}

#[test]
fn the_table_is_up_to_date() {
    let path = folder().join("../docs/security/coverage.md");
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        std::fs::write(&path, table()).unwrap();
    }
    let is_current = std::fs::read_to_string(&path).unwrap_or_default() == table();
    assert!(is_current, "run it with UPDATE_COVERAGE=1");
}
