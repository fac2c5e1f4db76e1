//! Who may call what. Every method is open to any signed-in person: the answer is that person's desks, or nothing.

use chassis::rpc::{Access, Who};

const PEOPLE: &[Who] = &[Who::Person("*")];

/// One row per method; a method without a row is refused.
pub const TABLE: &[Access] = &[
    Access { method: "/yuchong.notifications.v1.Worklist/ListTasks", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Worklist/CountTasks", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Messages/ListMessages", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Messages/MarkRead", who: PEOPLE },
    Access { method: "/yuchong.notifications.v1.Live/Watch", who: PEOPLE },
];
