//! 系统管理/全部账号: officials, their roles and credentials.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
