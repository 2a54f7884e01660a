//! The public names of the library: few in the root, and each once.

use std::collections::BTreeMap;

use super::{read, root, sources};

/// The names that `lib.rs` exports, with the namespace that each is in: empty for the root.
fn exports() -> BTreeMap<String, Vec<String>> {
    let source = read("jwt-verify/src/lib.rs");
    let code: Vec<&str> =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut namespace, mut rest) = (String::new(), code.join("\n"));
    // What is hidden comes last.
    rest.truncate(rest.find("#[doc(hidden)]").unwrap());
    let mut items = rest.as_str();
    while let Some(start) = items.find("pub ") {
        // A line that ends a namespace begins with its brace.
        if items[..start].lines().any(|line| line == "}") {
            namespace.clear();
        }
        items = &items[start + 4..];
        if let Some(module) = items.strip_prefix("mod ") {
            let end = module.find([' ', ';']).unwrap();
            names.entry(module[..end].to_owned()).or_default().push(String::new());
            if module[end..].starts_with(" {") {
                module[..end].clone_into(&mut namespace);
            } else {
                // A module with a file: its own exports.
                let text = read(format!("jwt-verify/src/{}/mod.rs", &module[..end]));
                for name in text.split("\npub use ").skip(1).flat_map(leaves) {
                    names.entry(name).or_default().push(module[..end].to_owned());
                }
            }
        } else if let Some(tree) = items.strip_prefix("use ") {
            for name in leaves(tree) {
                names.entry(name).or_default().push(namespace.clone());
            }
        }
    }
    names
}

/// The last parts of the paths of a `use` item.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.split(';').next().unwrap();
    let parts = tree.split([',', '{', '}']).map(str::trim);
    let names = parts.filter(|part| !part.is_empty() && !part.ends_with("::"));
    names.map(|part| part.rsplit("::").next().unwrap().to_owned()).collect()
}

#[test]
fn the_root_has_few_names() {
    let exports = exports();
    let root: Vec<&String> = exports
        .iter()
        .filter(|(_, namespaces)| namespaces.iter().any(String::is_empty))
        .map(|(name, _)| name)
        .collect();
    assert!(root.iter().any(|name| *name == "JwtAuth") && root.iter().any(|name| *name == "keys"));
    assert!(root.len() <= 63, "{} names: {root:?}", root.len());
}

#[test]
fn each_name_has_one_path() {
    for (name, namespaces) in exports() {
        assert_eq!(namespaces.len(), 1, "{name} is in {namespaces:?}");
    }
}

/// Types that exist twice for two builds, of which each has one.
const TWINS: [&str; 1] = ["SharedCache"];

#[test]
fn a_type_name_stands_for_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources(&root().join("jwt-verify/src")) {
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let line = match line.strip_prefix("pub(") {
                Some(rest) => rest.split_once(") ").map_or("", |(_, item)| item),
                None => line,
            };
            let mut words = line.split(' ');
            if let (Some("struct" | "enum" | "trait" | "type" | "union"), Some(name)) =
                (words.next(), words.next())
            {
                let end = name.find(|c: char| !c.is_alphanumeric()).unwrap_or(name.len());
                places.entry(name[..end].to_owned()).or_default().push(file.display().to_string());
            }
        }
    }
    assert!(places.len() > 200, "{} types", places.len());
    places.retain(|name, files| files.len() > 1 && !TWINS.contains(&name.as_str()));
    assert!(places.is_empty(), "{places:#?}");
}
