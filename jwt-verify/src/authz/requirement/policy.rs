//! What only the handler can decide that a requirement belongs to.

use std::{any::TypeId, fmt};

/// A policy of a handler, or its authorizer of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyRef {
    /// By which the handler is asked.
    pub(super) index: usize,
    pub(super) name: &'static str,
    pub(super) is_authorizer: bool,
    /// Which function it is, where its type tells.
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

    /// Whether the answer of one is that of the other, so that a request asks once.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.index == other.index || (self.function.is_some() && self.function == other.function)
    }
}

/// Without the number of a type, which is another in each build.
impl fmt::Debug for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyRef").field(&self.index).field(&self.name).finish()
    }
}

/// For generated code: which function a policy is. Each function has a type of its own, without a
/// value in it; pointers to functions share one and are told apart by their place.
#[doc(hidden)]
pub fn function<F: 'static>(_: &F) -> Option<TypeId> {
    (size_of::<F>() == 0).then(TypeId::of::<F>)
}

/// For generated code: which authorizer is asked.
#[doc(hidden)]
pub fn authorizer<A: 'static>() -> TypeId {
    TypeId::of::<A>()
}
