//! Path parameters of a request, decoded as a handler gets them.

use std::fmt;

use actix_web::{FromRequest as _, HttpRequest, web};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

/// Returns the path parameter of this name; `None` if the route has none, or several. The value is
/// that of `web::Path` in the handler: a path that is compared in one spelling and used in another
/// could bypass the comparison.
pub(crate) fn segment(request: &HttpRequest, name: &str) -> Option<String> {
    let segments = web::Path::<PathParams>::extract(request).into_inner().ok()?.into_inner();
    let mut of_that_name = segments.0.into_iter().filter(|(known, _)| known == name);
    let (_, value) = of_that_name.next()?;
    of_that_name.next().is_none().then_some(value)
}

struct PathParams(Vec<(String, String)>);

impl<'de> Deserialize<'de> for PathParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = PathParams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the segments of a path")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PathParams, A::Error> {
                let mut segments = Vec::new();
                while let Some((ParamName(name), value)) = map.next_entry()? {
                    segments.push((name, value));
                }
                Ok(PathParams(segments))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// Actix exposes the names of path parameters as identifiers only.
struct ParamName(String);

impl<'de> Deserialize<'de> for ParamName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = ParamName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a segment")
            }

            fn visit_str<E>(self, name: &str) -> Result<ParamName, E> {
                Ok(ParamName(name.to_owned()))
            }
        }

        deserializer.deserialize_identifier(Reader)
    }
}
