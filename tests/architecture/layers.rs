//! A module uses only lower layers, and only the top one knows Actix.

use super::{root, sources};

/// The modules of the library from the bottom up; those of one row do not know each other.
const LAYERS: [&[&str]; 9] = [
    &[
        "algorithm",
        "atomic_time",
        "background",
        "clock",
        "defaults",
        "detached",
        "digest",
        "error",
        "expiry",
        "refetch_limiter",
        "jitter",
        "json",
        "lookup",
        "negative_cache",
        "network",
        "secret",
        "log_limiter",
        "log_text",
        "metrics",
        "mix",
        "url",
    ],
    &["claims", "explanation", "key", "token"],
    &["validation"],
    &["api_keys", "dpop", "jwks", "revocation", "store", "token_cache"],
    &["verifier"],
    &["authz", "introspection", "issuing", "security_events"],
    &["http"],
    &["cli"],
    // For the users' suites, and a door for these here that opens to every stage.
    &["testing", "test_hooks"],
];

/// What a row may use of its own row: small, and each for a reason.
const NEIGHBOURS: [(&str, &str); 9] = [
    // What is counted of an outcome is its error's code.
    ("metrics", "error"),
    // Names of members are told apart by a hash.
    ("json", "mix"),
    // A secret that is too short is an error of the configuration.
    ("secret", "error"),
    // A key's numbers are base64url, as a token's segments are.
    ("key", "token"),
    // A key set is kept in a store.
    ("jwks", "store"),
    // Used proofs are on the connections of a store.
    ("dpop", "store"),
    // Revocations are on the connections of a store.
    ("revocation", "store"),
    // API keys are on the connections of a store.
    ("api_keys", "store"),
    // Keys that were found are cached as verified tokens are.
    ("api_keys", "token_cache"),
];

fn layer_of(module: &str) -> usize {
    LAYERS.iter().position(|row| row.contains(&module)).unwrap_or_else(|| {
        panic!(
            "`{module}` is no module of any layer: import a name from the module that owns it, and add a \
             new module to the table"
        )
    })
}

/// The modules that a file takes something from, as its `use crate::…` items and paths say. A name that
/// comes from the crate's root instead of its owner is none of them.
fn used_modules(source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let code = code.split("#[cfg(test)]").next().unwrap();
    let mut used = Vec::new();
    for part in code.split("crate::").skip(1) {
        let part = part.split(';').next().unwrap();
        // Either one path, or a list in braces whose items are paths.
        let items = match part.strip_prefix('{') {
            Some(list) => top_level_items(list),
            None => vec![part],
        };
        for item in items {
            let name: String =
                item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                used.push(name);
            }
        }
    }
    used
}

fn top_level_items(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (index, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&list[start..index]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    items
}

#[test]
fn every_module_uses_only_lower_layers() {
    let folder = root().join("jwt-verify/src");
    let mut wrong = Vec::new();
    for file in sources(&folder) {
        let path = file.strip_prefix(&folder).unwrap();
        let module =
            path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if module == "lib" || path.ends_with("tests.rs") {
            continue;
        }
        for used in used_modules(&std::fs::read_to_string(&file).unwrap()) {
            let allowed = used == module
                || layer_of(&used) < layer_of(&module)
                || NEIGHBOURS.contains(&(module.as_str(), used.as_str()));
            if !allowed {
                wrong.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_top_layer_knows_actix_and_only_the_fetcher_knows_its_client() {
    let folder = root().join("jwt-verify/src");
    for file in sources(&folder) {
        let path = file.strip_prefix(&folder).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let uses = |name: &str| code.iter().any(|line| line.contains(name));
        assert!(
            !uses("actix_web") || path.starts_with("http") || path.starts_with("testing"),
            "{} uses actix_web",
            path.display()
        );
        assert!(!uses("awc::") || path.starts_with("jwks"), "{} uses awc", path.display());
    }
}

#[test]
fn the_table_of_layers_is_complete() {
    let folder = root().join("jwt-verify/src");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        if module != "lib" && !module.contains('.') {
            layer_of(module);
        }
    }
}

#[test]
fn no_file_grows_beyond_what_one_reads_in_a_sitting() {
    for folder in ["jwt-verify/src", "jwt-verify-macros/src", "tests", "examples"] {
        for file in sources(&root().join(folder)) {
            if file
                .components()
                .any(|part| part.as_os_str() == "node_modules" || part.as_os_str() == "target")
            {
                continue;
            }
            let lines = std::fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 600, "{} has {lines} lines", file.display());
        }
    }
}
