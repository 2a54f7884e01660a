//! JSON parsing for tokens and keys: no member may appear twice, at any depth.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a parser choose between refusing duplicates and taking the last
//! one. Two parsers that choose differently read two different tokens, so duplicates are refused.

mod document;
mod names;
mod scan;
mod value;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Number, Value};

#[cfg(feature = "mcp")]
pub(crate) use self::document::JsonText;
pub(crate) use self::{document::JsonDocument, value::Json};

/// Any JSON value without duplicate members.
pub(crate) struct Unique(pub(crate) Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Number(value.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
                Number::from_f64(value)
                    .map(Value::Number)
                    .ok_or_else(|| E::custom("number out of range"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::String(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(Unique(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Map::new();
                while let Some(Text(name)) = map.next_key()? {
                    if members.is_empty() && matches!(name, Cow::Borrowed(NUMBER)) {
                        match map.next_value()? {
                            Digits::Number(number) => return Ok(Value::Number(number)),
                            Digits::Text(text) => {
                                members.insert(name.into_owned(), Value::String(text));
                            }
                        }
                    } else {
                        insert_once(&mut members, name.into_owned(), &mut map)?;
                    }
                }
                Ok(Value::Object(members))
            }
        }

        deserializer.deserialize_any(Any).map(Unique)
    }
}

/// `serde_json` represents every number of a document as an object with this member if any crate of
/// the program enables its feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// Content of such a member. For a number it is an owned string; for an ordinary member of this
/// name it is borrowed or another value.
enum Digits {
    Number(Number),
    Text(String),
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Digits;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the digits of a number")
            }

            fn visit_string<E: serde::de::Error>(self, digits: String) -> Result<Digits, E> {
                digits.parse().map(Digits::Number).map_err(|_| E::custom("no number"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Digits, E> {
                Ok(Digits::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Reads the value of a member without a field, and refuses the name if it appeared before.
pub(crate) fn insert_once<'de, A: MapAccess<'de>>(
    members: &mut Map<String, Value>,
    name: String,
    map: &mut A,
) -> Result<(), A::Error> {
    let Unique(value) = map.next_value()?;
    match members.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("duplicate member")),
    }
}

/// Writes a member, unless there is no value for it.
pub(crate) fn entry<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, value))
}

/// A member's name or a string, borrowed from the document unless it contains escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Str;

        impl<'de> Visitor<'de> for Str {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(value.to_owned()))
            }
        }

        deserializer.deserialize_str(Str).map(Text)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IntoDeserializer, value::BorrowedStrDeserializer};

    use super::*;

    /// Numbers as `serde_json` represents them with its feature `arbitrary_precision`, which cannot
    /// be enabled here alone.
    struct Precise(&'static str);

    impl<'de> Deserializer<'de> for Precise {
        type Error = serde_json::Error;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            visitor.visit_map(Member(Some(self.0)))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
            unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
            ignored_any
        }
    }

    struct Member(Option<&'static str>);

    impl<'de> MapAccess<'de> for Member {
        type Error = serde_json::Error;

        fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
            &mut self,
            seed: K,
        ) -> Result<Option<K::Value>, Self::Error> {
            let name = self.0.map(|_| BorrowedStrDeserializer::new(NUMBER));
            name.map(|name| seed.deserialize(name)).transpose()
        }

        fn next_value_seed<S: serde::de::DeserializeSeed<'de>>(
            &mut self,
            seed: S,
        ) -> Result<S::Value, Self::Error> {
            let digits = self.0.take().unwrap_or_default().to_owned();
            seed.deserialize(digits.into_deserializer())
        }
    }

    #[test]
    fn a_number_is_one_however_serde_json_hands_it_out() {
        for digits in ["0", "1800000000", "-7", "1.5", "18446744073709551615", "1e3"] {
            let Unique(value) = Unique::deserialize(Precise(digits)).unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(digits).unwrap(), "{digits}");
        }
        for digits in ["", "x", "1x", "01", "{}"] {
            assert!(Unique::deserialize(Precise(digits)).is_err(), "{digits}");
        }
        // An ordinary member of this name in a document.
        for text in [
            r#"{"$serde_json::private::Number":"1"}"#,
            r#"{"$serde_json::private::Number":"1\u0031"}"#,
            r#"{"\u0024serde_json::private::Number":"1"}"#,
            r#"{"$serde_json::private::Number":"1","a":2}"#,
            r#"{"a":2,"$serde_json::private::Number":3}"#,
        ] {
            assert!(unique(text).unwrap().is_object(), "{text}");
        }
        let twice = r#"{"$serde_json::private::Number":"1","$serde_json::private::Number":"1"}"#;
        assert!(unique(twice).is_none());
    }

    fn unique(text: &str) -> Option<Value> {
        serde_json::from_str::<Unique>(text).ok().map(|Unique(value)| value)
    }

    #[test]
    fn values_without_duplicates_are_read_as_serde_json_reads_them() {
        for text in [
            "null",
            "true",
            "0",
            "-1",
            "18446744073709551615",
            "1.5",
            "\"a\\u00e9\"",
            "[1,[2]]",
            r#"{"a":1,"b":{"a":2}}"#,
        ] {
            assert_eq!(unique(text), serde_json::from_str(text).ok(), "{text}");
        }
    }

    #[test]
    fn duplicates_are_refused_at_every_depth_and_however_they_are_spelled() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"[[{"a":1,"a":2}]]"#,
            "1e400",
        ] {
            assert!(unique(text).is_none(), "{text}");
        }
    }
}
