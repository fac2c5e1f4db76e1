//! What the platform does, told by behaviour: one file for each.
mod city;
mod county;
mod dead_letters;
mod decisions;
mod drafts;
mod invoices;
mod joint_review;
mod legacy;
mod province;
mod races;
mod registration;
mod requests;
mod scope;
mod settings;
mod trace;
mod uploads;
mod walk;
