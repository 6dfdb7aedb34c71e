//! The bundled Raft key-value service.
