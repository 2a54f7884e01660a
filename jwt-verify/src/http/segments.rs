//! The dynamic segments of a request's path, decoded as a handler gets them.

use std::fmt;

use actix_web::{FromRequest as _, HttpRequest, web};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

/// The segment of this name; `None` if the route has none, or several. What `web::Path` gives to the
/// handler is what is given here: a path that is compared in one spelling and used in another would
/// be a way around the comparison.
pub(super) fn segment(request: &HttpRequest, name: &str) -> Option<String> {
    let segments = web::Path::<Segments>::extract(request).into_inner().ok()?.into_inner();
    let mut of_that_name = segments.0.into_iter().filter(|(known, _)| known == name);
    let (_, value) = of_that_name.next()?;
    of_that_name.next().is_none().then_some(value)
}

struct Segments(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Segments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Segments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the segments of a path")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Segments, A::Error> {
                let mut segments = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    segments.push((name, value));
                }
                Ok(Segments(segments))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Actix gives the names of segments away as identifiers only.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a segment")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.to_owned()))
            }
        }

        deserializer.deserialize_identifier(Reader)
    }
}
