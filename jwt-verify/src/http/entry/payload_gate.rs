//! A gate that keeps the body unread before the authorization decision.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{dev::Payload, error::PayloadError, web::Bytes};
use futures_core::Stream;

/// Opens the closed body when it is dropped.
///
/// Actix creates the futures of all arguments of a handler before it awaits the first, and then
/// polls them concurrently. An argument with a pending decision therefore leaves a closed body for
/// those behind it.
pub(crate) struct PayloadGate(Rc<GateState>);

#[derive(Default)]
struct GateState {
    is_open: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl PayloadGate {
    /// Puts a closed gate in front of the body.
    pub(crate) fn close(payload: &mut Payload) -> Self {
        let state = Rc::new(GateState::default());
        if !matches!(payload, Payload::None) {
            let body = GatedPayload { state: state.clone(), body: payload.take() };
            *payload = Payload::Stream { payload: Box::pin(body) };
        }
        Self(state)
    }
}

/// Opens the body after any decision: an application may run its handler without a refused
/// argument, as under an `Option`, and then waits for its body.
impl Drop for PayloadGate {
    fn drop(&mut self) {
        self.0.is_open.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

struct GatedPayload {
    state: Rc<GateState>,
    body: Payload,
}

impl Stream for GatedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.state.is_open.get() {
            return Pin::new(&mut this.body).poll_next(context);
        }
        this.state.waker.replace(Some(context.waker().clone()));
        Poll::Pending
    }
}
