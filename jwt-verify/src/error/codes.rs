//! Enums whose variants have stable names, each declared beside its variant. A variant may hold a
//! detail, which its name does not depend on.

/// Declares an enum and its method `code`.
macro_rules! codes {
    (
        $(#[$about:meta])+
        $visibility:vis enum $codes:ident {
            $($(#[$attribute:meta])* $name:ident $(($detail:ty))? => $code:literal,)+
        }
    ) => {
        $(#[$about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visibility enum $codes {
            $($(#[$attribute])* $name $(($detail))?,)+
        }

        impl $codes {
            /// Returns a stable name, for logs and metrics.
            $visibility const fn code(self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)+ }
            }
        }
    };
}

pub(crate) use codes;
