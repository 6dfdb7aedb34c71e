//! Complaints about transactions, in the terms of Adya ("Weak consistency", MIT 1999) and of Elle
//! (Kingsbury & Alvaro, PVLDB 14(3), 2020).

mod complain;
mod cycle;
mod parsed;

pub(super) use complain::{complain, complain_of_a_register};
