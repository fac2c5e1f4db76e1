//! 监管服务/建设补贴/补贴管理: what administrators do with work orders. The list, an order and its members are in `orders`.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
