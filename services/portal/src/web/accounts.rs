//! 系统管理/账号管理: registrations and profile changes that wait, all companies.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
