//! What all clients share: one place where requests are sent, timed out, classified and described.
