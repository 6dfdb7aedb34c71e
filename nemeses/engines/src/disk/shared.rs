//! The state that a mount shares with the owner of its disk.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use fuser::Errno;

use super::interceptor::RequestInterceptor;
use super::translate::errno;
use super::watches::Watches;
use crate::order::Gatekeeper;
use faults::disk_image::{Image, Refusal};

/// The state that the mount shares with the owner of the disk.
pub(super) struct Shared {
    pub(super) powered: Mutex<Powered>,
    pub(super) interceptor: RequestInterceptor,
    pub(super) watches: Watches,
    /// The node, and who keeps the order of the run.
    pub(super) keeper: OnceLock<(String, Arc<dyn Gatekeeper>)>,
}

/// The image, and who may change it. Under one lock, so that nothing becomes durable after the
/// power was seen to be off.
pub(super) struct Powered {
    pub(super) image: Image,
    pub(super) on: bool,
    /// Counts mounts.
    pub(super) mount: u64,
}

impl Shared {
    pub(super) fn powered(&self) -> MutexGuard<'_, Powered> {
        self.powered.lock().expect("a change of the image does not panic")
    }

    /// Acts on the image, unless the power is off or `mount` is not the mount of today. The flag
    /// says whether the error is a fault's.
    pub(super) fn act<T>(
        &self,
        mount: u64,
        act: impl FnOnce(&mut Image) -> Result<T, Refusal>,
    ) -> Result<T, (Errno, bool)> {
        let mut powered = self.powered();
        if !powered.on || powered.mount != mount {
            return Err((Errno::EIO, true));
        }
        let is_fault = |refusal| matches!(refusal, Refusal::NoSpace | Refusal::WritesLost);
        act(&mut powered.image).map_err(|refusal| (errno(refusal), is_fault(refusal)))
    }
}
