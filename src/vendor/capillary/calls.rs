//! Readings: signed, and patient with a busy search engine.

use std::time::Duration;

use super::Capillary;
use super::envelope::Reply;
use crate::vendor::VendorError;
use crate::vendor::asking::Asking;
use crate::vendor::http::Call;

/// The longest pause of our own between two tries of a reading that a busy server refused.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause that is waited for because the server asked for it; after that the refusal is handed on.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

impl Capillary {
    /// Sends a reading until it gets an answer that another try would not change, whatever it is.
    pub(super) async fn ask(&self, call: Call, asking: &Asking) -> Result<Reply, VendorError> {
        let mut signed = self.sign(call.clone(), asking).await?;
        let mut renewed = false;
        let mut tries = 0;
        loop {
            let reply = Reply::of(self.http.read_any(&signed).await?);
            if reply.is_not_signed_in() && !renewed && self.may_sign_again(&signed).await {
                renewed = true;
                signed = self.sign(call.clone(), asking).await?;
                continue;
            }
            let pause = self.pause(tries, &reply);
            if !reply.is_busy() || tries >= self.settings.retries || pause > LONGEST_ASKED {
                return Ok(reply);
            }
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    /// Doubles from try to try, with jitter so that two do not come back at the same moment.
    pub(super) fn pause(&self, tries: u32, reply: &Reply) -> Duration {
        let most = self.busy_pause.saturating_mul(1 << tries.min(6)).min(LONGEST_PAUSE);
        let own = most.mul_f64(0.5 + 0.5 * fastrand::f64());
        reply.answer.retry_after.map_or(own, |asked| asked.max(own))
    }
}
