//! The list of the bugs, in two parts: every fact about one stands in them.

use serde::Serialize;

use super::about::Description;
use super::agreement::agreement;
use super::listing::bugs;
use super::service::service;
use super::{Group, Kind, Reach};

agreement!(service);
