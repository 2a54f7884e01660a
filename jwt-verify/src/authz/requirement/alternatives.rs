//! Scopes that a client has to request.

use std::collections::HashSet;

use super::{IncludingNames, Names, Requirement, Term};
use crate::defaults::MOST_ALTERNATIVES;

impl Requirement {
    /// Returns the alternative sets of permissions and scopes that open the route. An alternative
    /// that needs none is an empty set. Names that are forbidden are ignored.
    ///
    /// If there are too many alternatives, returns one set that satisfies all of them: too much
    /// rather than too little.
    pub(crate) fn scope_alternatives(&self) -> Vec<Vec<&str>> {
        match self.ways(None) {
            Some(ways) if !ways.is_empty() => once_each(ways),
            // No alternative at all differs from an alternative without names, but there is nothing
            // to name.
            Some(_) => vec![Vec::new()],
            None => vec![self.names()],
        }
    }

    /// Returns the same sets, and behind them those with names that include others, for each issuer.
    /// Of those, a set that contains another one says nothing new. If there are too many, they are
    /// left out: the first ones are enough in any case.
    pub(crate) fn scope_alternatives_with<'a>(
        &'a self,
        including: &'a [IncludingNames],
    ) -> Vec<Vec<&'a str>> {
        let mut alternatives = self.scope_alternatives();
        let own = alternatives.len();
        for names in including {
            let larger = self.ways(Some(names)).unwrap_or_default();
            let contains = |way: &[&str], other: &[&str]| {
                other.len() < way.len() && other.iter().all(|name| way.contains(name))
            };
            let is_new = |way: &&Vec<&str>| !larger.iter().any(|other| contains(way, other));
            alternatives.extend(larger.iter().filter(is_new).cloned());
        }
        let mut alternatives = once_each(alternatives);
        if alternatives.len() > MOST_ALTERNATIVES {
            alternatives.truncate(own);
        }
        alternatives
    }

    /// Returns every alternative, with the names that include others if they are known; `None` if
    /// there are too many.
    fn ways<'a>(&'a self, including: Option<&'a IncludingNames>) -> Option<Vec<Vec<&'a str>>> {
        let permissions = self.permissions.iter().map(|names| {
            self.ways_of(names, |name| including.into_iter().flat_map(|it| it.of_permission(name)))
        });
        let scopes = self.scopes.iter().map(|names| {
            self.ways_of(names, |name| including.into_iter().flat_map(|it| it.of_scope(name)))
        });
        let lists = permissions.chain(scopes);
        let nested = self.terms.iter().filter_map(|term| match term {
            Term::All(nested) => Some(nested.ways(including)),
            Term::Any(alternatives) => {
                let mut each = alternatives.iter().map(|way| way.ways(including));
                Some(each.try_fold(Vec::new(), |mut all, ways| {
                    all.extend(ways?);
                    (all.len() <= MOST_ALTERNATIVES).then_some(all)
                }))
            }
            Term::Not(_) | Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => None,
        });
        lists.chain(nested).try_fold(vec![Vec::new()], |ways, more| product(&ways, &more?))
    }

    fn ways_of<'a, I: Iterator<Item = &'a str>>(
        &self,
        names: &'a Names,
        larger: impl Fn(&'a str) -> I,
    ) -> Option<Vec<Vec<&'a str>>> {
        let one_of = |name: &'a str| {
            std::iter::once(name).chain(larger(name)).map(|name| vec![name]).collect::<Vec<_>>()
        };
        let each: Vec<_> = names.iter().map(|name| one_of(name)).collect();
        if self.all && each.iter().all(|one| one.len() == 1) && !each.is_empty() {
            Some(vec![each.into_iter().flatten().flatten().collect()])
        } else if self.all && !each.is_empty() {
            each.into_iter().try_fold(vec![Vec::new()], |ways, more| product(&ways, &more))
        } else {
            Some(each.into_iter().flatten().collect())
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
