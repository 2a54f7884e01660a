//! Claims that have no field of their own.

use serde_json::{Map, Value};

/// Members of an object, each under a name of its own.
///
/// A token has a handful, which are found fastest one after the other. A stranger may send one with
/// thousands: beyond a few they are in a map.
#[derive(Clone)]
pub(super) enum Members {
    Few(Vec<(Box<str>, Value)>),
    Many(Map<String, Value>),
}

/// How many are few.
const FEW: usize = 16;

impl Default for Members {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Members {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Few(members) => {
                members.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
            }
            Self::Many(members) => members.get(name),
        }
    }

    /// Adds a member, unless there is one of that name already.
    pub(super) fn add(&mut self, name: String, value: Value) -> Result<(), Duplicate> {
        if let Self::Few(members) = self
            && members.len() == FEW
        {
            let members = std::mem::take(members);
            *self = Self::Many(members.into_iter().map(|(name, v)| (name.into(), v)).collect());
        }
        match self {
            Self::Few(members) => {
                if members.iter().any(|(known, _)| **known == *name) {
                    return Err(Duplicate);
                }
                if members.is_empty() {
                    members.reserve_exact(FEW / 2);
                }
                members.push((name.into(), value));
                Ok(())
            }
            Self::Many(members) => members.insert(name, value).map_or(Ok(()), |_| Err(Duplicate)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let (few, many) = match self {
            Self::Few(members) => (Some(members), None),
            Self::Many(members) => (None, Some(members)),
        };
        let few = few.into_iter().flatten().map(|(name, value)| (&**name, value));
        few.chain(many.into_iter().flatten().map(|(name, value)| (name.as_str(), value)))
    }
}

/// The order does not count.
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.iter().count() == other.iter().count()
            && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

/// There is a member of that name already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Duplicate;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_kept_alike() {
        let mut members = Members::default();
        for number in 0..3 * FEW {
            assert_eq!(members.add(format!("n{number}"), number.into()), Ok(()));
            for known in 0..=number {
                let name = format!("n{known}");
                assert_eq!(members.get(&name), Some(&known.into()));
                assert_eq!(members.clone().add(name, Value::Null), Err(Duplicate));
            }
            assert_eq!(members.get("other"), None);
            assert_eq!(members.iter().count(), number + 1);
        }
    }

    #[test]
    fn the_order_does_not_count() {
        let of = |names: &[&str]| {
            let mut members = Members::default();
            for name in names {
                members.add((*name).to_owned(), (*name).into()).unwrap();
            }
            members
        };
        assert!(of(&["a", "b"]) == of(&["b", "a"]));
        assert!(of(&["a", "b"]) != of(&["a"]) && of(&["a"]) != of(&["b"]));
    }
}
