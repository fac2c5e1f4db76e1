//! 发起联合审核.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
