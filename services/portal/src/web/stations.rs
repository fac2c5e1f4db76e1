//! 信息服务/充电站管理: the operator's stations and connectors.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
