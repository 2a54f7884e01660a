//! Requirements that a request has met on its way.

use std::{
    cell::{Cell, OnceCell, RefCell},
    future::Future,
    pin::Pin,
    rc::Rc,
};

use actix_web::{Error, HttpRequest};

use crate::authz::{Decision, Requirement};
use crate::claims::VerifiedClaims;

/// The requirement of a handler, as the attribute has made it.
pub(crate) struct HandlerDemand {
    pub(crate) name: &'static str,
    pub(crate) requirement: fn() -> &'static Requirement,
    pub(crate) policy: fn(usize, &HttpRequest, &VerifiedClaims) -> PolicyDecision,
}

type PolicyDecision = Pin<Box<dyn Future<Output = Result<Decision, Error>>>>;

/// The requirements that another token of the same stream has to meet, too.
#[derive(Clone, Default)]
pub(crate) struct Demands {
    /// The handler with a requirement that the request has reached.
    pub(crate) handler: Cell<Option<&'static HandlerDemand>>,
    /// Most requests pass one scope with a requirement at most.
    scope: OnceCell<Rc<Requirement>>,
    inner_scopes: OnceCell<Box<RefCell<Vec<Rc<Requirement>>>>>,
}

impl Demands {
    /// Notes the requirement of a scope.
    #[inline]
    pub(crate) fn note_scope(&self, requirement: &Rc<Requirement>) {
        if let Err(requirement) = self.scope.set(requirement.clone()) {
            self.inner_scopes.get_or_init(Box::default).borrow_mut().push(requirement);
        }
    }

    /// Returns the requirements of scopes, from outside.
    pub(crate) fn scopes(&self) -> Vec<Rc<Requirement>> {
        let outer = self.scope.get().cloned().into_iter();
        let inner = self.inner_scopes.get().map(|scopes| scopes.borrow().clone());
        outer.chain(inner.unwrap_or_default()).collect()
    }

    /// Returns the name of the handler, for logs.
    pub(crate) fn handler_name(&self) -> Option<&'static str> {
        self.handler.get().map(|handler| handler.name)
    }
}
