//! What a batch leaves in the tables, over an engine in memory.

mod crash;
mod erase;
mod scene;
mod write;
