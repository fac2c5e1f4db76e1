//! The rules of accounts, pure: no I/O, no clock, no randomness. What is taken already is asked of the store elsewhere.

pub mod division;
pub mod field;
pub mod ids;
pub mod legacy;
pub mod licence;
pub mod lifecycle;
pub mod lockout;
pub mod members;
pub mod operator;
pub mod password;
pub mod provinces;
pub mod refusal;
pub mod registration;
pub mod reset;
pub mod roles;
pub mod seat;
pub mod second_factor;
pub mod session;
pub mod texts;
pub mod totp;
pub mod trail;
pub mod uscc;
