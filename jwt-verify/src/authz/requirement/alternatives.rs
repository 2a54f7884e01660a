//! Scopes that a client has to request.

use std::collections::HashSet;

use super::{Names, Requirement, Term};
use crate::defaults::MOST_ALTERNATIVES;

impl Requirement {
    /// Returns the alternative sets of permissions and scopes that open the route. An alternative
    /// that needs none is an empty set. Names that are forbidden are ignored.
    ///
    /// If there are too many alternatives, returns one set that satisfies all of them: too much
    /// rather than too little.
    pub(crate) fn scope_alternatives(&self) -> Vec<Vec<&str>> {
        match self.ways() {
            Some(ways) if !ways.is_empty() => once_each(ways),
            // No alternative at all differs from an alternative without names, but there is nothing
            // to name.
            Some(_) => vec![Vec::new()],
            None => vec![self.names()],
        }
    }

    /// Returns every alternative; `None` if there are too many.
    fn ways(&self) -> Option<Vec<Vec<&str>>> {
        let own = [&self.permissions, &self.scopes].into_iter().flatten();
        let lists = own.map(|names| Some(self.ways_of(names)));
        let nested = self.terms.iter().filter_map(|term| match term {
            Term::All(nested) => Some(nested.ways()),
            Term::Any(alternatives) => {
                Some(alternatives.iter().map(Self::ways).try_fold(Vec::new(), |mut all, ways| {
                    all.extend(ways?);
                    (all.len() <= MOST_ALTERNATIVES).then_some(all)
                }))
            }
            Term::Not(_) | Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => None,
        });
        lists.chain(nested).try_fold(vec![Vec::new()], |ways, more| product(&ways, &more?))
    }

    fn ways_of<'a>(&self, names: &'a Names) -> Vec<Vec<&'a str>> {
        let names = names.iter().map(|name| &**name);
        if self.all && names.len() > 0 {
            vec![names.collect()]
        } else {
            names.map(|name| vec![name]).collect()
        }
    }

    /// Returns every name in any alternative.
    fn names(&self) -> Vec<&str> {
        let own = [&self.permissions, &self.scopes].into_iter().flatten().flatten();
        let nested = self.terms.iter().flat_map(|term| match term {
            Term::All(nested) => nested.names(),
            Term::Any(alternatives) => alternatives.iter().flat_map(Self::names).collect(),
            Term::Not(_) | Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => Vec::new(),
        });
        let mut seen = HashSet::new();
        own.map(|name| &**name).chain(nested).filter(|name| seen.insert(*name)).collect()
    }
}

/// Combines each set with each other one; `None` if there are too many.
fn product<'a>(ways: &[Vec<&'a str>], more: &[Vec<&'a str>]) -> Option<Vec<Vec<&'a str>>> {
    if ways.len().saturating_mul(more.len()) > MOST_ALTERNATIVES {
        return None;
    }
    let joined = |way: &Vec<&'a str>, other: &Vec<&'a str>| {
        let mut all = way.clone();
        all.extend(other.iter().filter(|name| !way.contains(name)));
        all
    };
    Some(ways.iter().flat_map(|way| more.iter().map(move |other| joined(way, other))).collect())
}

/// Removes duplicates, in any order of their names.
fn once_each(ways: Vec<Vec<&str>>) -> Vec<Vec<&str>> {
    let mut seen = HashSet::new();
    let mut is_new = |way: &Vec<&str>| {
        let mut names: Vec<String> = way.iter().map(|name| (*name).to_owned()).collect();
        names.sort_unstable();
        seen.insert(names)
    };
    ways.into_iter().filter(|way| is_new(way)).collect()
}
