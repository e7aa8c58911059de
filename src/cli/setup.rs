//! Commands that set up an installation and check it.

pub(super) mod configuration;
pub(super) mod doctor;
pub(super) mod keys;
pub(super) mod migrate;
pub(super) mod pages;
