//! Panics in its callbacks: with a text, out of the standard library, and with something that is no text.
mod grapnel;
#[macro_use]
mod hook;

use grapnel::*;
use hook::{Hook, Host, Options, Result};

struct Panicker {
    host: Host,
}

impl Hook for Panicker {
    fn new(host: Host, _options: &Options) -> Result<Panicker> {
        Ok(Panicker { host })
    }
}

impl Panicker {
    fn before_run(&mut self, _at: &grapnel_point_args) -> Result<()> {
        panic!("thrown on purpose")
    }
    fn before_train(&mut self, at: &grapnel_point_args) -> Result<()> {
        let three = vec![0; 3];
        Err(format!("{}", three[at.iter as usize]).into())
    }
    fn before_val(&mut self, _at: &grapnel_point_args) -> Result<()> {
        std::panic::panic_any(7)
    }
    fn after_run(&mut self, _at: &grapnel_point_args) -> Result<()> {
        self.host.log(GRAPNEL_LOG_INFO, "still here");
        Ok(())
    }
}

export_hook!(
    Panicker,
    name: "PanickerRust",
    version: "1.0.0",
    author: "",
    license: "",
    summary: "Panics in its callbacks",
    points: [before_run, before_train, before_val, after_run],
    options: [],
);
