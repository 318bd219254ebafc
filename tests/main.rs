//! What a user gets, in sentences; every file here runs the built binaries or the library on real or simulated data.
