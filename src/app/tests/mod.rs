//! Message tables: a state, messages, and the state and effects that are expected.

mod asking;
mod assigning;
mod campaigns;
mod leaving;
mod loading;
mod looking;
mod marking;
mod operations;
mod plan_files;
mod several;
mod taking_back;
