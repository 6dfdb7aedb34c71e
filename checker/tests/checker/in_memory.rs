//! The way in for those who have operations and no files.

#[path = "../../examples/own_specification.rs"]
mod own_specification;

#[test]
fn the_example_of_a_specification_of_ones_own_works() {
    own_specification::main().expect("its operations return after their calls");
}
