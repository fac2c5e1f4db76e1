//! 系统管理/轮次与参数: rounds and their policies.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
