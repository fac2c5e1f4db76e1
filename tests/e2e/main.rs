//! What the platform does, told by behaviour: one file for each.
