//! Which scopes a client has to ask for.

use super::{Names, Requirement, Term};

/// More ways than this are not worth a list.
const MOST: usize = 32;

impl Requirement {
    /// The sets of permissions and scopes of which one opens the route, as far as scopes do. What is
    /// only one way of several, or is forbidden, is not counted.
    pub(crate) fn scope_alternatives(&self) -> Vec<Vec<&str>> {
        let own = [&self.permissions, &self.scopes].into_iter().flatten();
        let mut ways = own.fold(vec![Vec::new()], |ways, names| self.each_with(&ways, names));
        for term in &self.terms {
            if let Term::All(nested) = term {
                ways = product(&ways, &nested.scope_alternatives());
            }
        }
        // Not even one way is not the same as none that is needed.
        if ways.is_empty() || ways.len() > MOST { vec![Vec::new()] } else { ways }
    }

    fn each_with<'a>(&'a self, ways: &[Vec<&'a str>], names: &'a Names) -> Vec<Vec<&'a str>> {
        let names = names.iter().map(|name| &**name);
        if self.all {
            product(ways, &[names.collect()])
        } else {
            product(ways, &names.map(|name| vec![name]).collect::<Vec<_>>())
        }
    }
}

fn product<'a>(ways: &[Vec<&'a str>], more: &[Vec<&'a str>]) -> Vec<Vec<&'a str>> {
    let joined = |way: &Vec<&'a str>, other: &Vec<&'a str>| {
        let mut all = way.clone();
        all.extend(other.iter().filter(|name| !way.contains(name)));
        all
    };
    ways.iter()
        .flat_map(|way| more.iter().map(move |other| joined(way, other)))
        .take(MOST + 1)
        .collect()
}
