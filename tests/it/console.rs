//! The web console, as browsers reach it: the real program over real HTTP, in front of a real database.

mod acts;
mod browser;
mod desk;
mod figures;
mod guidance;
mod pages;
mod refusals;
mod safety;
mod search;
mod strangers;
