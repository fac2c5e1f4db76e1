//! Identifiers, each its own type, so that one cannot stand for another. They are made by the unit of work.

use std::fmt;

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// An operator (company).
    OperatorId
    /// A person who signs in.
    UserId
    /// A session of a person; not the token that opens it.
    SessionId
    /// An export that was begun.
    ExportId
    /// A file kept by the documents service.
    FileId
}
