//! The reason why claims do not have the shape of an application's type, without their values.

use std::fmt;

use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer,
        MapAccess, Unexpected, Visitor,
        value::{BorrowedStrDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

/// Deserializes claims once more, and returns the reason why that fails: fixed words and names of
/// fields that are written in the type. Texts of the token, and messages that the type makes itself,
/// are left out.
pub(super) fn shape_problem<T: DeserializeOwned>(payload: &str) -> Option<String> {
    let claims: Value = serde_json::from_str(payload).ok()?;
    T::deserialize(ClaimValue(&claims)).err().map(|problem| problem.to_string())
}

/// A reason without anything of the token.
#[derive(Debug)]
struct ShapeProblem {
    kind: Kind,
    /// Innermost field of the type that was being read.
    field: Option<&'static str>,
}

#[derive(Debug)]
enum Kind {
    Missing(&'static str),
    Repeated(&'static str),
    UnknownField,
    UnknownVariant,
    Type,
    Value,
    Length,
    Custom,
}

impl From<Kind> for ShapeProblem {
    fn from(kind: Kind) -> Self {
        Self { kind, field: None }
    }
}

impl fmt::Display for ShapeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Missing(name) => write!(f, "missing field `{name}`"),
            Kind::Repeated(name) => write!(f, "duplicate field `{name}`"),
            Kind::UnknownField => f.write_str("unknown field"),
            Kind::UnknownVariant => f.write_str("unknown variant"),
            Kind::Type => f.write_str("invalid type"),
            Kind::Value => f.write_str("invalid value"),
            Kind::Length => f.write_str("invalid length"),
            Kind::Custom => f.write_str("refused by the type"),
        }?;
        match self.field {
            Some(field) => write!(f, " in `{field}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ShapeProblem {}

impl Error for ShapeProblem {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Kind::Custom.into()
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Kind::Type.into()
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Kind::Value.into()
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Kind::Length.into()
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Kind::UnknownVariant.into()
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Kind::UnknownField.into()
    }

    fn missing_field(field: &'static str) -> Self {
        Kind::Missing(field).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Kind::Repeated(field).into()
    }
}

/// A value of the claims.
#[derive(Clone, Copy)]
struct ClaimValue<'a>(&'a Value);

impl<'de> IntoDeserializer<'de, ShapeProblem> for ClaimValue<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ClaimValue<'de> {
    type Error = ShapeProblem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeProblem> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., Some(number)) => visitor.visit_f64(number),
                _ => Err(Kind::Type.into()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(ClaimValue)))
            }
            Value::Object(members) => visitor.visit_map(FieldAccess::new(members, &[])),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeProblem> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeProblem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeProblem> {
        match self.0 {
            Value::Object(members) => visitor.visit_map(FieldAccess::new(members, fields)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeProblem> {
        // The reason is that of the format's own, which borrows no text.
        let value: Value = self.0.clone();
        value.deserialize_enum(name, variants, visitor).map_err(|_| Kind::UnknownVariant.into())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// Members of an object, with the fields of the type that is made of it.
struct FieldAccess<'a> {
    rest: serde_json::map::Iter<'a>,
    value: Option<(&'a str, &'a Value)>,
    fields: &'static [&'static str],
}

impl<'a> FieldAccess<'a> {
    fn new(members: &'a Map<String, Value>, fields: &'static [&'static str]) -> Self {
        Self { rest: members.iter(), value: None, fields }
    }
}

impl<'de> MapAccess<'de> for FieldAccess<'de> {
    type Error = ShapeProblem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ShapeProblem> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::<ShapeProblem>::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ShapeProblem> {
        let Some((name, value)) = self.value.take() else { return Err(Kind::Custom.into()) };
        seed.deserialize(ClaimValue(value)).map_err(|problem| {
            let here = || self.fields.iter().copied().find(|field| *field == name);
            ShapeProblem { field: problem.field.or_else(here), ..problem }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Employee {
        sub: String,
        department: Option<Department>,
        level: u8,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only read by serde")]
    struct Department {
        name: String,
    }

    #[derive(Deserialize, Default)]
    enum Kind {
        #[default]
        Person,
    }

    #[test]
    fn names_are_those_of_the_type_and_values_are_left_out() {
        for (payload, problem) in [
            (r#"{"sub":"s"}"#, Some("missing field `level`")),
            (r#"{"sub":"s","level":"secret"}"#, Some("invalid type in `level`")),
            (r#"{"sub":"s","level":300}"#, Some("invalid value in `level`")),
            (
                r#"{"sub":"s","level":1,"department":{}}"#,
                Some("missing field `name` in `department`"),
            ),
            (r#"{"sub":"s","level":1,"department":{"name":5}}"#, Some("invalid type in `name`")),
            (r#"{"sub":"s","level":1,"kind":"secret"}"#, Some("unknown variant in `kind`")),
            (r#"{"sub":"s","level":1,"kind":"Person","other":["secret"]}"#, None),
            ("[]", Some("invalid length")),
        ] {
            assert_eq!(shape_problem::<Employee>(payload).as_deref(), problem, "{payload}");
        }
    }
}
