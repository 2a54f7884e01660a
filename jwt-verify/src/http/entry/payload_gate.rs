//! A body that is not read before the caller is known to be allowed.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{dev::Payload, error::PayloadError, web::Bytes};
use futures_core::Stream;

/// Opens the body that it was closed in front of when it is dropped.
///
/// Actix asks all arguments of a handler for their futures before it waits for the first, and then
/// polls them side by side. An argument that has to wait for a decision therefore leaves a closed
/// body for those behind it.
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

/// When the decision is there, whatever it is: an application may go on without an argument that was
/// refused, as under an `Option`, and then waits for its body.
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
