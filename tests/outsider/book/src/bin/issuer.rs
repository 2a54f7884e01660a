include!(concat!(env!("OUT_DIR"), "/issuer.rs"));
