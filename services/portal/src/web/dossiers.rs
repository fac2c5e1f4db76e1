//! 信息服务/建设补贴/建设补贴管理: materials, invoices, their submission and the supplement.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
