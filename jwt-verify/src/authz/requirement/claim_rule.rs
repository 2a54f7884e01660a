//! Comparison of a claim with a value.

use std::borrow::Cow;

use serde_json::Value;

use super::{evaluate::EvalContext, number};
use crate::{
    claims::{ClaimPath, Claims},
    json::Json,
};

/// A claim and the value that it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClaimRule {
    pub(super) claim: ClaimPath,
    pub(super) comparison: Comparison,
    pub(super) operand: Operand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equals,
    Contains,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operand {
    Value(Value),
    /// A segment of the request's path, by its parameter.
    Segment(Cow<'static, str>),
}

/// The route has no path parameter of this name.
pub(super) struct NoSuchSegment<'a>(pub(super) &'a str);

impl ClaimRule {
    pub(super) fn equals(claim: &str, operand: Operand) -> Self {
        Self { claim: ClaimPath::new(claim), comparison: Comparison::Equals, operand }
    }

    pub(super) fn contains(claim: &str, operand: Operand) -> Self {
        Self { claim: ClaimPath::new(claim), comparison: Comparison::Contains, operand }
    }

    pub(super) fn is_met(
        &self,
        claims: &Claims,
        context: &dyn EvalContext,
    ) -> Result<bool, NoSuchSegment<'_>> {
        let found = self.claim.find_any(claims);
        match &self.operand {
            Operand::Value(value) => Ok(self.compare(found, &|claim| same(claim, value))),
            Operand::Segment(name) => {
                let segment = context.segment(name).ok_or(NoSuchSegment(name))?;
                if context.is_open(&segment) {
                    return Ok(self.compare(found, &|_| true));
                }
                Ok(self.compare(found, &|claim| is_written(claim, &segment)))
            }
        }
    }

    fn compare(&self, found: Option<Json<'_>>, is_it: &dyn Fn(Scalar<'_>) -> bool) -> bool {
        let Some(claim) = found else { return false };
        let mut elements = claim.elements();
        // Where an issuer may send a subject as a number, its digits are its name.
        let digits = claim.as_digits().filter(|_| self.claim.is_subject());
        match self.comparison {
            _ if digits.is_some_and(|digits| is_it(Scalar::Text(digits))) => true,
            _ if !claim.is_array() => Scalar::of(claim).is_some_and(is_it),
            Comparison::Contains => elements.filter_map(Scalar::of).any(is_it),
            // A single audience may be a string or a list (RFC 7519 §4.1.3).
            Comparison::Equals if self.claim.is_audience() => {
                let only = (elements.next(), elements.next());
                matches!(only, (Some(only), None) if Scalar::of(only).is_some_and(is_it))
            }
            Comparison::Equals => false,
        }
    }
}

/// A value that can be compared.
#[derive(Clone, Copy)]
enum Scalar<'a> {
    Text(&'a str),
    /// As spelled in the document.
    Number(&'a str),
    Bool(bool),
}

impl<'a> Scalar<'a> {
    fn of(value: Json<'a>) -> Option<Self> {
        let text = value.as_str().map(Self::Text);
        text.or_else(|| value.as_bool().map(Self::Bool))
            .or_else(|| value.is_number().then(|| Self::Number(value.raw())))
    }
}

fn same(claim: Scalar<'_>, value: &Value) -> bool {
    match (claim, value) {
        (Scalar::Text(claim), Value::String(value)) => claim == value,
        (Scalar::Bool(claim), Value::Bool(value)) => claim == *value,
        (Scalar::Number(claim), Value::Number(value)) => number::is_same(claim, value),
        _ => false,
    }
}

/// Returns `true` if a path segment spells this value.
fn is_written(claim: Scalar<'_>, segment: &str) -> bool {
    match claim {
        Scalar::Text(text) => text == segment,
        Scalar::Number(number) => number::is_spelled(number, segment),
        Scalar::Bool(_) => false,
    }
}

/// For generated code: a value to compare a claim with. A number is an `i64`.
#[doc(hidden)]
pub fn literal<T: Literal>(value: T) -> T {
    value
}

/// A value that `claim(…)` accepts.
#[doc(hidden)]
pub trait Literal: Into<Value> {}

impl Literal for &'static str {}
impl Literal for bool {}
impl Literal for i64 {}
