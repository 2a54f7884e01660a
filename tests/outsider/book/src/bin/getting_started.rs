include!(concat!(env!("OUT_DIR"), "/getting_started.rs"));
