//! Questions under way: one for each token, and a bounded number of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// The results to come, by token.
type Running<T> = HashMap<Box<[u8]>, watch::Receiver<Option<T>>>;

/// The questions under way, with results of type `T`. Tokens are compared byte by byte.
#[derive(Debug)]
pub(super) struct Flights<T> {
    running: Mutex<Running<T>>,
    most: usize,
}

/// Result of [`Flights::join_or_start`].
pub(super) enum FlightEntry<T, E> {
    /// It was answered in the meantime.
    Known(T),
    /// There is a question about this token.
    Running(FlightWaiter<T>),
    /// A new question. The caller has to ask it and to end it through the guard.
    Started(FlightWaiter<T>, FlightGuard<T>),
    /// There are too many questions.
    Full,
    /// No question may be asked.
    Refused(E),
}

/// Waits for the result of a question.
#[derive(Debug)]
pub(super) struct FlightWaiter<T>(watch::Receiver<Option<T>>);

/// Ends a question exactly once: with a result, or without one when it is dropped.
#[derive(Debug)]
pub(super) struct FlightGuard<T> {
    flights: Arc<Flights<T>>,
    token: Box<[u8]>,
    result: watch::Sender<Option<T>>,
}

impl<T: Clone> Flights<T> {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { running: Mutex::default(), most })
    }

    /// Joins the question about a token, or starts one if none is known and it is admitted.
    ///
    /// `known` looks for an answer once more: a question ends only after its answer can be found, so
    /// that there is no moment at which a second one would be asked.
    pub(super) fn join_or_start<E>(
        self: &Arc<Self>,
        token: &[u8],
        known: impl FnOnce() -> Option<T>,
        admit: impl FnOnce() -> Result<(), E>,
    ) -> FlightEntry<T, E> {
        let mut running = self.running();
        if let Some(result) = running.get(token) {
            return FlightEntry::Running(FlightWaiter(result.clone()));
        }
        if let Some(answer) = known() {
            return FlightEntry::Known(answer);
        }
        if running.len() >= self.most {
            return FlightEntry::Full;
        }
        if let Err(error) = admit() {
            return FlightEntry::Refused(error);
        }
        let (sender, result) = watch::channel(None);
        running.insert(token.into(), result.clone());
        let guard = FlightGuard { flights: self.clone(), token: token.into(), result: sender };
        FlightEntry::Started(FlightWaiter(result), guard)
    }
}

impl<T> Flights<T> {
    fn running(&self) -> MutexGuard<'_, Running<T>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> FlightWaiter<T> {
    /// Waits for the end of the question. `None` if it ended without a result.
    pub(super) async fn wait(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl<T> FlightGuard<T> {
    pub(super) fn token(&self) -> &[u8] {
        &self.token
    }

    /// Ends the question, and then wakes those who wait.
    pub(super) fn finish(self, result: T) {
        self.release();
        self.result.send_replace(Some(result));
    }

    fn release(&self) {
        let mut running = self.flights.running();
        // Another question about the token may have begun since.
        if running
            .get(&*self.token)
            .is_some_and(|other| other.same_channel(&self.result.subscribe()))
        {
            running.remove(&*self.token);
        }
    }
}

impl<T> Drop for FlightGuard<T> {
    /// The sender is dropped after this, which wakes those who still wait.
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = FlightEntry<u8, ()>;

    fn join(flights: &Arc<Flights<u8>>, token: &str) -> Outcome {
        flights.join_or_start(token.as_bytes(), || None, || Ok(()))
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn one_question_answers_all_who_wait() {
        let flights = Flights::new(2);
        let FlightEntry::Started(first, guard) = join(&flights, "a") else { panic!() };
        let FlightEntry::Running(second) = join(&flights, "a") else { panic!() };
        assert_eq!(guard.token(), b"a");
        guard.finish(7);
        assert_eq!((block_on(first.wait()), block_on(second.wait())), (Some(7), Some(7)));
        assert!(matches!(join(&flights, "a"), FlightEntry::Started(..)));
    }

    #[test]
    fn their_number_is_bounded_and_other_tokens_are_other_questions() {
        let flights = Flights::new(2);
        let (first, second) = (join(&flights, "a"), join(&flights, "b"));
        assert!(matches!((&first, &second), (FlightEntry::Started(..), FlightEntry::Started(..))));
        assert!(matches!(join(&flights, "c"), FlightEntry::Full));
        assert!(matches!(join(&flights, "b"), FlightEntry::Running(_)));
        drop(first);
        assert!(matches!(join(&flights, "c"), FlightEntry::Started(..)));
    }

    #[test]
    fn a_question_without_an_answer_makes_room_and_wakes() {
        let flights = Flights::new(1);
        let FlightEntry::Started(waiter, guard) = join(&flights, "a") else { panic!() };
        drop(guard);
        assert_eq!(block_on(waiter.wait()), None);
        assert!(flights.running().is_empty());
    }

    #[test]
    fn what_is_known_or_not_admitted_is_not_asked() {
        let flights = Flights::new(1);
        let known: Outcome = flights.join_or_start(b"a", || Some(3), || Ok(()));
        assert!(matches!(known, FlightEntry::Known(3)));
        let refused: FlightEntry<u8, &str> = flights.join_or_start(b"a", || None, || Err("later"));
        assert!(matches!(refused, FlightEntry::Refused("later")));
        assert!(flights.running().is_empty());
    }
}
