//! Uploads, previews and downloads.

use super::Routes;

/// Routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
