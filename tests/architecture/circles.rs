//! The files of a folder import each other in one direction.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{root, sources};

type Name = Vec<String>;

/// The files of a folder of the library by the paths of their modules.
struct Files {
    modules: BTreeMap<Name, String>,
    /// Names that a module exports and does not own, with the path that it has them from.
    exports: BTreeMap<Name, Name>,
}

impl Files {
    fn of(folder: &str) -> Self {
        let top = root().join("jwt-verify/src");
        let mut modules = BTreeMap::new();
        for file in sources(&top.join(folder)) {
            if !file.ends_with("tests.rs") {
                let path = file.strip_prefix(&top).unwrap().with_extension("");
                modules.insert(module_of(&path), code(&std::fs::read_to_string(&file).unwrap()));
            }
        }
        let mut files = Self { modules, exports: BTreeMap::new() };
        for (module, code) in &files.modules {
            for (is_export, path) in imports(code) {
                if let (true, Some(target)) = (is_export, files.absolute(module, &path)) {
                    let mut name = module.clone();
                    name.extend(path.last().cloned());
                    files.exports.insert(name, target);
                }
            }
        }
        files
    }

    /// The path of an import from the crate's root, if it is one of the crate's own.
    fn absolute(&self, module: &Name, path: &[String]) -> Option<Name> {
        let (mut base, mut rest) = (module.clone(), path);
        match path.first()?.as_str() {
            "crate" => return Some(rest[1..].to_vec()),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                let mut name = module.clone();
                name.push(child.to_owned());
                self.modules.get(&name)?;
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The module that owns what a path names.
    fn owner(&self, path: &[String]) -> Option<&Name> {
        for length in (1..=path.len()).rev() {
            let (module, rest) = path.split_at(length);
            let Some((name, _)) = self.modules.get_key_value(module) else { continue };
            let item = rest.first().map(|item| [module, std::slice::from_ref(item)].concat());
            return match item.and_then(|item| self.exports.get(&item)) {
                Some(target) => self.owner(&[target, rest.get(1..).unwrap_or_default()].concat()),
                None => Some(name),
            };
        }
        None
    }

    fn neighbours(&self, module: &Name) -> BTreeSet<&Name> {
        imports(&self.modules[module])
            .filter(|(is_export, _)| !is_export)
            .filter_map(|(_, path)| self.owner(&self.absolute(module, &path)?))
            .filter(|neighbour| *neighbour != module)
            .collect()
    }

    /// Removes again and again what imports nothing that is left. What stays is in a circle, or
    /// imports one.
    fn circles(&self) -> BTreeMap<String, Vec<String>> {
        let mut left: BTreeMap<&Name, BTreeSet<&Name>> =
            self.modules.keys().map(|module| (module, self.neighbours(module))).collect();
        loop {
            let before = left.len();
            let names: BTreeSet<&Name> = left.keys().copied().collect();
            left.retain(|_, neighbours| neighbours.iter().any(|name| names.contains(name)));
            if left.len() == before {
                break;
            }
        }
        let names: BTreeSet<&Name> = left.keys().copied().collect();
        left.into_iter()
            .map(|(module, neighbours)| {
                let inside = neighbours.into_iter().filter(|name| names.contains(name));
                (module.join("::"), inside.map(|name| name.join("::")).collect())
            })
            .collect()
    }
}

fn module_of(path: &Path) -> Name {
    let mut name: Name = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if name.last().is_some_and(|part| part == "mod") {
        name.pop();
    }
    name
}

/// A source without comments and unit tests.
fn code(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines: Vec<&str> =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    lines.join("\n")
}

/// The paths of all `use` items, and whether they are exports.
fn imports(code: &str) -> impl Iterator<Item = (bool, Name)> + '_ {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find("use ") {
        let line = rest[..start].rfind('\n').map_or(0, |end| end + 1);
        let before = rest[line..start].trim();
        let (item, after) = rest[start + 4..].split_once(';').unwrap_or((&rest[start + 4..], ""));
        if before.is_empty() || before.starts_with("pub") {
            let mut paths = Vec::new();
            flatten(&item.split_whitespace().collect::<Vec<_>>().join(" "), &[], &mut paths);
            found.extend(paths.into_iter().map(|path| (!before.is_empty(), path)));
            rest = after;
        } else {
            rest = &rest[start + 4..];
        }
    }
    found.into_iter()
}

fn flatten(tree: &str, prefix: &[String], paths: &mut Vec<Name>) {
    let tree = tree.trim();
    let Some((head, list)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        let parts = path.split("::").map(|part| part.trim().to_owned());
        let mut path: Name = prefix.iter().cloned().chain(parts).collect();
        // `a::{self}` is `a`.
        if path.last().is_some_and(|part| part == "self") && path.len() > 1 {
            path.pop();
        }
        if !path.last().is_some_and(String::is_empty) {
            paths.push(path);
        }
        return;
    };
    let parts = head.split("::").map(str::trim).filter(|part| !part.is_empty());
    let prefix: Name = prefix.iter().cloned().chain(parts.map(str::to_owned)).collect();
    let (mut depth, mut start) = (0, 0);
    let list = &list[..list.rfind('}').unwrap()];
    for (index, character) in list.char_indices().chain([(list.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !list[start..index].trim().is_empty() {
                    flatten(&list[start..index], &prefix, paths);
                }
                start = index + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn files_import_each_other_in_one_direction() {
    for folder in ["http", "jwks"] {
        let circles = Files::of(folder).circles();
        assert!(circles.is_empty(), "these files are in a circle, or import one: {circles:#?}");
    }
}

#[test]
fn a_circle_is_found() {
    let source = |text: &str| code(text);
    let name = |path: &str| path.split("::").map(str::to_owned).collect::<Name>();
    let modules = BTreeMap::from([
        (name("http"), source("pub use a::One;")),
        (name("http::a"), source("use super::b::{self, Two};")),
        (name("http::b"), source("// use super::c;\nuse crate::http::One;")),
        (name("http::c"), source("use super::{a, b::Two};")),
        (name("http::d"), source("use std::fmt;")),
    ]);
    let mut files = Files { modules, exports: BTreeMap::new() };
    files.exports.insert(name("http::One"), name("http::a::One"));
    let circles = files.circles();
    assert_eq!(circles.keys().collect::<Vec<_>>(), ["http::a", "http::b", "http::c"]);
    assert_eq!(circles["http::b"], ["http::a"]);
}
