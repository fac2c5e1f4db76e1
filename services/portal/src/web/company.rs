//! 账号头像/企业资料/编辑: the operator's own profile.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
