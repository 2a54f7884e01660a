use jwt_verify::require;

#[require]
async fn handler(
    _a0: String,
    _a1: String,
    _a2: String,
    _a3: String,
    _a4: String,
    _a5: String,
    _a6: String,
    _a7: String,
    _a8: String,
    _a9: String,
    _a10: String,
    _a11: String,
    _a12: String,
    _a13: String,
    _a14: String,
    _a15: String,
) -> &'static str {
    "x"
}

fn main() {}
