//! The thread that serves clients, so that nothing they send or ask for delays the Raft loop.

use std::net::TcpListener;
use std::thread::JoinHandle;
use std::{io, thread};

use anyhow::{Context, Result};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::connections::{self, Endpoints};
use super::limits::RequestLimits;
use crate::core::NodeId;

/// The most threads for requests and answers that are large; see [`super::large`]. As many take turns
/// on a small machine without keeping its other threads waiting for long.
const LARGE_WORK_THREADS: usize = 2;

/// The running thread; it ends when this is dropped.
pub(super) struct ClientThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ClientThread {
    /// Starts it, with a receiver that is ready when it has ended by itself, which is an error.
    pub(super) fn start<E: Endpoints>(
        node: NodeId,
        listener: TcpListener,
        endpoints: E,
        limits: RequestLimits,
        places: usize,
    ) -> Result<(ClientThread, oneshot::Receiver<()>)> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(LARGE_WORK_THREADS)
            .thread_name("large-work")
            .build()
            .context("cannot start the runtime of the clients")?;
        let listener = {
            let _entered = runtime.enter();
            listener.set_nonblocking(true).context("cannot wait for connections")?;
            tokio::net::TcpListener::from_std(listener).context("cannot listen")?
        };
        let (stop, stopped) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    never = connections::serve(&node, listener, endpoints, limits, places) => {
                        match never {}
                    }
                    _ = stopped => {}
                }
            });
            drop(ended);
            // Answers that are still being encoded have nobody left who waits for them.
            runtime.shutdown_background();
        };
        let thread: io::Result<_> = thread::Builder::new().name("clients".into()).spawn(serve);
        let thread = thread.context("cannot start the thread of the clients")?;
        Ok((ClientThread { stop: Some(stop), thread: Some(thread) }, has_ended))
    }
}

impl Drop for ClientThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic there was reported when it happened.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
