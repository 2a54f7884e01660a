//! Type tests for generated code about unmarked functions.

use std::marker::PhantomData;

use actix_web::{FromRequest, Responder};

/// Tests a type with constants: if the bound of an inherent constant is not met, that of
/// [`Otherwise`] applies.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// The results for types that Actix does not accept.
pub trait Otherwise {
    /// False: it is not a future of a responder.
    const RESPONDS: bool = false;
    /// False: it is not an extractor.
    const IS_EXTRACTOR: bool = false;
    /// False: it is not a pointer to a handler.
    const IS_HANDLER: bool = false;
}

impl<T: ?Sized> Otherwise for Probe<T> {}

impl<T: ?Sized + Future<Output: Responder>> Probe<T> {
    /// True if Actix accepts it as the return value of a handler.
    pub const RESPONDS: bool = true;
}

impl<T: FromRequest> Probe<T> {
    /// True if Actix accepts it as an argument of a handler.
    pub const IS_EXTRACTOR: bool = true;
}

impl<T: ?Sized + HandlerPointer> Probe<T> {
    /// True if Actix accepts a value of it as a handler.
    pub const IS_HANDLER: bool = true;
}

/// A pointer to a function that returns a future of a responder.
pub trait HandlerPointer {}

macro_rules! handler_pointers {
    ($($argument:ident)*) => {
        impl<$($argument,)* R: Future<Output: Responder>> HandlerPointer for fn($($argument),*) -> R {}
        impl<$($argument,)* R: Future<Output: Responder>> HandlerPointer
            for dyn Fn($($argument),*) -> R
        {
        }
    };
}

handler_pointers!();
handler_pointers!(A);
handler_pointers!(A B);
handler_pointers!(A B C);
handler_pointers!(A B C D);
handler_pointers!(A B C D E);
handler_pointers!(A B C D E F);
handler_pointers!(A B C D E F G);
handler_pointers!(A B C D E F G H);
handler_pointers!(A B C D E F G H I);
handler_pointers!(A B C D E F G H I J);
handler_pointers!(A B C D E F G H I J K);
handler_pointers!(A B C D E F G H I J K L);
handler_pointers!(A B C D E F G H I J K L M);
handler_pointers!(A B C D E F G H I J K L M N);
handler_pointers!(A B C D E F G H I J K L M N O);
handler_pointers!(A B C D E F G H I J K L M N O P);
