//! What people are interrupted with, what waits for the morning, and that nothing is lost or said twice on the way.

mod book;
mod digests;
mod given;
mod placing;
mod properties;
mod surges;
