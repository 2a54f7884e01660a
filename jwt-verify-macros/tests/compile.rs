//! What the attribute refuses and how it says so, and what compiles. Each case is compiled in a
//! workspace of its own, which is why it is in this package: it has the fewest dependencies.

#[test]
fn mistakes_are_compile_errors_that_say_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}

#[test]
fn every_kind_of_handler_compiles_without_a_warning() {
    trybuild::TestCases::new().pass("tests/pass/*.rs");
}
