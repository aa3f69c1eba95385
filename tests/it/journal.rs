//! The journal under kills and beside other processes.
