//! 数据互联互通: credentials, connection state, evidence for each connector.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
