//! stormproof, the library: lab, targets, runner and command line.
