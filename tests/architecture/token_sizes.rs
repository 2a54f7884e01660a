//! The bytes of keys, signatures and tokens in `docs/benchmarks.md` are those that the library has today.

#[expect(dead_code, reason = "shared with the benchmarks")]
#[path = "../../jwt-verify/benches/keys.rs"]
mod keys;
#[path = "../../jwt-verify/benches/sizes.rs"]
mod sizes;

use sizes::{ALGORITHMS, Sizes};

use super::read;

#[test]
fn the_page_on_benchmarks_has_the_bytes_of_every_algorithm() {
    let page = read("docs/benchmarks.md");
    assert!(page.contains(Sizes::HEAD), "write the head of the table anew:\n{}", Sizes::HEAD);
    for algorithm in ALGORITHMS {
        let row = Sizes::of(algorithm).row();
        assert!(page.contains(&format!("\n{row} | ")), "write this row anew: {row}");
    }
}
