//! barometer
