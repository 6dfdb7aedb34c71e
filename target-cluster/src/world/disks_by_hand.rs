//! The disks of a world that is driven by hand: damaged, replaced, and after a power failure.

use super::by_hand::World;
use crate::core::{Incarnation, NodeId};
use crate::storage::MemoryDisk;

impl World {
    /// Numbers the disks of the nodes, which start on them anew.
    pub fn number_disks(&mut self) {
        for (number, id) in (1_u64..).zip(self.names()) {
            self.wipe(&id);
            let host = self.hosts.get_mut(&id).expect("it is one of the nodes");
            host.options.incarnation = Some(number.into());
            self.start(&id);
        }
        self.trace.clear();
    }

    /// The node ends, and the bytes of its log change.
    pub fn damage(&mut self, id: &NodeId, change: impl Fn(&mut Vec<u8>)) {
        self.stop(id, |disk| {
            disk.damage(change);
            "ends, and its log is damaged".to_string()
        });
    }

    /// The node ends, and its machine gets an empty disk.
    pub fn wipe(&mut self, id: &NodeId) {
        self.stop(id, |disk| {
            *disk = MemoryDisk::default();
            "ends, and its disk is replaced by an empty one".to_string()
        });
        let host = self.hosts.get_mut(id).expect("it is one of the nodes");
        host.options.incarnation = host.options.incarnation.map(Incarnation::of_next_disk);
    }

    /// The node ends, and the bytes of its newest snapshot change.
    pub fn damage_snapshot(&mut self, id: &NodeId, change: impl Fn(&mut Vec<u8>)) {
        self.stop(id, |disk| {
            let newest = disk.file_names().filter(|name| name.starts_with("snapshot-")).max();
            if let Some(newest) = newest.map(String::from) {
                disk.damage_file(&newest, change);
            }
            "ends, and its newest snapshot is damaged".to_string()
        });
    }

    /// The machine loses power: effects not executed are not, and of what was written and not
    /// synced only those sectors stay for which `survives` says so.
    pub fn crash(&mut self, id: &NodeId, sector: usize, survives: impl FnMut() -> bool) {
        self.stop(id, |disk| {
            let unsynced = disk.unsynced();
            let kept = disk.crash(sector, survives);
            format!("crashes, {kept} of {unsynced} bytes stay")
        });
    }
}
