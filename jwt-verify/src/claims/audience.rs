//! The `aud` claim (RFC 7519 §4.1.3).

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};

/// Whom a token is meant for: one string or several.
#[derive(Clone, PartialEq, Eq)]
pub struct Audience(Members);

#[derive(Clone, PartialEq, Eq)]
enum Members {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// Every audience that the token names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let members = match &self.0 {
            Members::One(name) => std::slice::from_ref(name),
            Members::Many(names) => names,
        };
        members.iter().map(String::as_str)
    }

    /// Whether the token names this audience, compared byte by byte.
    pub fn contains(&self, audience: &str) -> bool {
        self.iter().any(|name| name == audience)
    }
}

/// Shows how many audiences there are, not which.
impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audience({})", self.iter().count())
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Members::One(name) => serializer.serialize_str(name),
            Members::Many(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_str<E>(self, name: &str) -> Result<Audience, E> {
                Ok(Audience(Members::One(name.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Audience, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(Audience(Members::Many(names)))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}
