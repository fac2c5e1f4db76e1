//! 成员与登录: the people of a company.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
