//! Values derived once from stored fields.

use bincode::{Decode, Encode};
use std::sync::OnceLock;

/// Something computed once from the fields beside it: not stored, and no part of what makes two models equal.
#[derive(Debug, Clone)]
pub(crate) struct Ready<T>(OnceLock<T>);

impl<T> Default for Ready<T> {
    fn default() -> Self {
        Ready(OnceLock::new())
    }
}
impl<T> PartialEq for Ready<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl<T> Encode for Ready<T> {
    fn encode<E: bincode::enc::Encoder>(&self, _: &mut E) -> Result<(), bincode::error::EncodeError> {
        Ok(())
    }
}
impl<T, C> Decode<C> for Ready<T> {
    fn decode<D: bincode::de::Decoder<Context = C>>(_: &mut D) -> Result<Self, bincode::error::DecodeError> {
        Ok(Ready::default())
    }
}
impl<'de, T, C> bincode::BorrowDecode<'de, C> for Ready<T> {
    fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(_: &mut D) -> Result<Self, bincode::error::DecodeError> {
        Ok(Ready::default())
    }
}
impl<T> Ready<T> {
    /// The value, computed at the first call.
    pub fn get(&self, compute: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(compute)
    }
}
