//! The macro that makes the type of a bug of the list of them.

/// Makes [`Bug`] of the list.
macro_rules! bugs {
    ($(
        $(#[$doc:meta])*
        $bug:ident {
            name: $name:literal,
            group: $group:ident,
            kind: $kind:ident,
            summary: $summary:literal,
            source: $source:literal,
            reach: $reach:ident $(($flags:literal))?,
        }
    )*) => {
        /// One planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[non_exhaustive]
        pub enum Bug {
            $($(#[$doc])* #[serde(rename = $name)] $bug,)*
        }

        impl Bug {
            /// Every bug, in the order in which they are listed.
            pub const ALL: [Bug; [$($name),*].len()] = [$(Bug::$bug),*];

            pub(super) fn description(self) -> Description {
                match self {
                    $(Bug::$bug => Description {
                        name: $name,
                        group: Group::$group,
                        kind: Kind::$kind,
                        summary: $summary,
                        source: $source,
                        reach: Reach::$reach $(($flags))?,
                    },)*
                }
            }
        }
    };
}

pub(super) use bugs;
