//! Skips an optimiser step whose loss is not finite or too large, so that one bad batch cannot spoil the
//! weights. The same hook as loss_guard_cpp and loss_guard_c, in Rust without crates: compare them.
mod grapnel;
#[macro_use]
mod hook;

use grapnel::*;
use hook::{option, Hook, Host, Options, Result};

struct LossGuard {
    host: Host,
    max_loss: f64,
    patience: i64,
    skipped_in_a_row: i64, // a resume counts anew
}

impl Hook for LossGuard {
    fn new(host: Host, options: &Options) -> Result<LossGuard> {
        let (max_loss, patience) = (options.number("max_loss")?, options.integer("patience")?);
        Ok(LossGuard { host, max_loss, patience, skipped_in_a_row: 0 })
    }
}

impl LossGuard {
    /// The gradients are there and the weights are not yet changed: the last chance to say no.
    fn before_optimizer_step(&mut self, at: &grapnel_point_args) -> Result<()> {
        let loss = self.host.number(GRAPNEL_VALUES_OUTPUTS, "loss")?;
        let keep = loss <= self.max_loss; // a NaN compares false
        self.host.update_scalar("train/skipped_step", if keep { 0.0 } else { 1.0 })?;
        if keep {
            self.skipped_in_a_row = 0;
            return Ok(());
        }
        let reason = if loss.is_finite() {
            format!("the loss {:.6} is above max_loss {:.6}", loss, self.max_loss)
        } else {
            "the loss is not finite".to_string()
        };
        self.host.log(GRAPNEL_LOG_WARNING, &format!("iteration {} skipped: {}", at.iter + 1, reason));
        self.host.request_skip_step(&reason)?;
        self.skipped_in_a_row += 1;
        if self.patience > 0 && self.skipped_in_a_row >= self.patience {
            return Err(format!("{} steps in a row were skipped: {}", self.skipped_in_a_row, reason).into());
        }
        Ok(())
    }
}

export_hook!(
    LossGuard,
    name: "LossGuardRust",
    version: "1.0.0",
    author: "Grapnel",
    license: "Apache-2.0",
    summary: "Skips steps whose loss is not finite or above a limit",
    points: [before_optimizer_step],
    options: [
        option(GRAPNEL_KIND_FLOAT, "max_loss\0", "100.0\0", "loss above which a step is skipped\0",
               0.0, f64::INFINITY),
        option(GRAPNEL_KIND_INT, "patience\0", "0\0", "skipped steps in a row that end the run; 0: never\0",
               0.0, f64::INFINITY),
    ],
);
