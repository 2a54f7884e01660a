//! Decisions that only the handler of a requirement can make.

use std::{any::TypeId, fmt};

/// A policy of a handler, or an authorizer type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyRef {
    /// Index by which the handler is called.
    pub(super) index: usize,
    pub(super) name: &'static str,
    pub(super) is_authorizer: bool,
    /// Identity of the function, if its type tells.
    function: Option<TypeId>,
}

impl PolicyRef {
    pub(super) fn function(index: usize, name: &'static str, function: Option<TypeId>) -> Self {
        Self { index, name, is_authorizer: false, function }
    }

    pub(super) fn authorizer(index: usize, name: &'static str, of: TypeId) -> Self {
        Self { index, name, is_authorizer: true, function: Some(of) }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Returns `true` if both have the same answer, so that a request calls only one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.index == other.index || (self.function.is_some() && self.function == other.function)
    }
}

/// Omits the type ID, which differs between builds.
impl fmt::Debug for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyRef").field(&self.index).field(&self.name).finish()
    }
}

/// For generated code: the identity of a policy function. Each function has a type of its own, of
/// size zero; function pointers share one type and are distinguished by their index.
#[doc(hidden)]
pub fn function<F: 'static>(_: &F) -> Option<TypeId> {
    (size_of::<F>() == 0).then(TypeId::of::<F>)
}

/// For generated code: the identity of an authorizer type.
#[doc(hidden)]
pub fn authorizer<A: 'static>() -> TypeId {
    TypeId::of::<A>()
}
