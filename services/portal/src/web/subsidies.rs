//! 监管服务/建设补贴/补贴管理: work orders, experts, spot check.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
