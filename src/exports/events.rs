//! Rows of `[[events]]`: what each column of a row means, and the columns they are gathered in.

use super::column::{Missing, NumberColumnReader, Row, TextColumn, TimeColumn};
use super::intern::{Interner, hash};
use super::reads::{LastRow, Reads};
use super::reject::{Class, Refusal};
use crate::config::condition::BoundCondition;
use crate::timeline::NO_INDEX;

/// The kind that `returned_if` gives a row.
pub(super) const RETURN: &[u8] = b"return";
/// No basket.
pub(super) const NO_BASKET: u64 = u64::MAX;

/// The columns of an event source, bound to the header of one file.
#[derive(Debug, Clone)]
pub(super) struct EventColumns {
    pub(super) customer: TextColumn,
    pub(super) time: Option<TimeColumn>,
    pub(super) known_at: Option<TimeColumn>,
    pub(super) kind: TextColumn,
    pub(super) item: Option<TextColumn>,
    pub(super) basket: Option<TextColumn>,
    pub(super) quantity: Option<NumberColumnReader>,
    pub(super) price: Option<NumberColumnReader>,
    pub(super) amount: Option<NumberColumnReader>,
    pub(super) discount: Option<NumberColumnReader>,
    pub(super) cost: Option<NumberColumnReader>,
    pub(super) channel: Option<TextColumn>,
    pub(super) score: Option<NumberColumnReader>,
    pub(super) offer: Option<TextColumn>,
    pub(super) numbers: Vec<NumberColumnReader>,
    pub(super) categories: Vec<TextColumn>,
    pub(super) returned_if: Option<BoundCondition>,
    pub(super) missing: Missing,
    pub(super) heads: Heads,
}

/// What the rows of one order share: in a file of order lines it is worked out once an order.
#[derive(Debug, Clone)]
pub(super) struct Heads {
    last: LastRow,
    meaning: Head,
}

/// What the head of an accepted row means; the customer and the time only where the source has columns of them.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    time: i64,
    known_at: Option<i64>,
    is_return: bool,
    kind: u8,
    channel: u16,
    customer: u32,
    basket: u64,
}

impl Heads {
    pub(super) fn new(reads: Reads) -> Heads {
        Heads { last: LastRow::new(reads), meaning: Head::default() }
    }

    /// What the head of the row means, if it is that of the last accepted row.
    #[inline]
    fn repeated(&self, row: &Row) -> Option<Head> {
        self.last.is_repeated(row).then_some(self.meaning)
    }

    /// Keeps what the head of the accepted row means.
    fn keep(&mut self, row: &Row, meaning: Head) {
        self.last.accept(row);
        self.meaning = meaning;
    }
}

/// One worker's texts of an event source.
#[derive(Debug, Default)]
pub(super) struct EventTexts {
    pub(super) customers: Interner,
    pub(super) kinds: Interner,
    pub(super) items: Interner,
    pub(super) channels: Interner,
    pub(super) offers: Interner,
    pub(super) categories: Vec<Interner>,
}

/// The accepted rows of one block, by column; a column that the source does not name stays empty.
#[derive(Debug, Default)]
pub(super) struct EventBatch {
    pub(super) customer: Vec<u32>,
    /// Whether `customer` holds row numbers of the block instead of codes.
    pub(super) customer_is_row: bool,
    /// Seconds, or the row number in the block where the source has no time.
    pub(super) time: Vec<i64>,
    pub(super) known_at: Vec<i64>,
    pub(super) kind: Vec<u8>,
    pub(super) item: Vec<u32>,
    /// Hash of the basket's id: it need only tell apart the baskets of one customer.
    pub(super) basket: Vec<u64>,
    pub(super) quantity: Vec<f32>,
    pub(super) amount: Vec<f64>,
    pub(super) discount: Vec<f32>,
    pub(super) cost: Vec<f32>,
    pub(super) channel: Vec<u16>,
    pub(super) score: Vec<f32>,
    pub(super) offer: Vec<u32>,
    pub(super) numbers: Vec<Vec<f32>>,
    pub(super) categories: Vec<Vec<u32>>,
}

/// A number of single precision.
fn single(reader: &Option<NumberColumnReader>, name: &str, row: &Row, buffer: &mut Vec<u8>) -> Result<f32, Refusal> {
    match reader {
        None => Ok(f32::NAN),
        Some(reader) => narrow(reader.get(row, buffer)?, name),
    }
}

fn narrow(value: f64, name: &str) -> Result<f32, Refusal> {
    let narrowed = value as f32;
    if narrowed.is_infinite() { Err(Refusal::new(Class::OutOfRange, name, value.to_string().as_bytes())) } else { Ok(narrowed) }
}

/// Refuses a text that is not UTF-8.
#[inline]
pub(super) fn check_utf8(row: &Row, column: &TextColumn, text: &[u8]) -> Result<(), Refusal> {
    if row.record.is_utf8 || std::str::from_utf8(text).is_ok() { Ok(()) } else { Err(Refusal::new(Class::Encoding, &column.name, text)) }
}

/// The code of a text; [`NO_INDEX`] where missing.
#[inline]
pub(super) fn code(column: &TextColumn, row: &Row, texts: &mut Interner, buffer: &mut Vec<u8>) -> Result<u32, Refusal> {
    match column.get(row, buffer) {
        None => Ok(NO_INDEX),
        Some(text) => {
            check_utf8(row, column, text)?;
            Ok(texts.intern(text))
        }
    }
}

impl EventColumns {
    /// Whether the export says what was paid.
    fn tells_amounts(&self) -> bool {
        self.amount.is_some() || (self.quantity.is_some() && self.price.is_some())
    }

    /// A batch for the rows of a block.
    pub(super) fn batch(&self) -> EventBatch {
        EventBatch { numbers: vec![Vec::new(); self.numbers.len()], categories: vec![Vec::new(); self.categories.len()], ..EventBatch::default() }
    }

    /// Takes one row into a batch of these columns.
    pub(super) fn take(&mut self, row: &Row, texts: &mut EventTexts, batch: &mut EventBatch, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        // First everything that may refuse the row, so that a batch never holds half of one.
        let repeated = self.heads.repeated(row);
        let (mut time, known_at) = match repeated {
            Some(head) => (head.time, head.known_at),
            None => self.moments(row, buffer)?,
        };
        if self.time.is_none() {
            time = i64::from(row.record.row);
        }
        let quantity = match &self.quantity {
            None => f64::NAN,
            Some(column) => column.get(row, buffer)?,
        };
        let price = match &self.price {
            None => f64::NAN,
            Some(column) => column.get(row, buffer)?,
        };
        let mut amount = match &self.amount {
            None => f64::NAN,
            Some(column) => column.get(row, buffer)?,
        };
        if amount.is_nan() {
            amount = quantity * price;
            if amount.is_infinite() {
                return Err(Refusal::new(Class::NonFinite, "amount", b""));
            }
        }
        let quantity = narrow(quantity, "quantity")?;
        let discount = single(&self.discount, "discount", row, buffer)?.abs();
        let cost = single(&self.cost, "cost", row, buffer)?;
        let score = single(&self.score, "score", row, buffer)?;
        let mut numbers = [0f32; 32];
        let mut more_numbers = Vec::new();
        for (place, column) in self.numbers.iter().enumerate() {
            let value = narrow(column.get(row, buffer)?, "numbers")?;
            match numbers.get_mut(place) {
                Some(slot) => *slot = value,
                None => more_numbers.push(value),
            }
        }
        if !row.record.is_utf8 {
            self.check_texts(row, buffer)?;
        }
        let head = match repeated {
            Some(head) => head,
            None => self.head(row, (time, known_at), texts, buffer)?,
        };
        let customer = if self.customer.is_row_number() {
            batch.customer_is_row = true;
            row.record.row
        } else {
            head.customer
        };
        batch.customer.push(customer);
        batch.time.push(time);
        batch.kind.push(head.kind);
        if self.tells_amounts() {
            // One NaN for all, so that rows without an amount are equal.
            batch.amount.push(if amount.is_nan() {
                f64::NAN
            } else if head.is_return {
                -amount.abs()
            } else {
                amount
            });
        }
        if self.known_at.is_some() {
            batch.known_at.push(known_at.unwrap_or(time));
        }
        if let Some(column) = &self.item {
            batch.item.push(code(column, row, &mut texts.items, buffer)?);
        }
        if self.basket.is_some() {
            batch.basket.push(head.basket);
        }
        if let Some(column) = &self.offer {
            batch.offer.push(code(column, row, &mut texts.offers, buffer)?);
        }
        if self.channel.is_some() {
            batch.channel.push(head.channel);
        }
        for (present, column, value) in [
            (self.quantity.is_some(), &mut batch.quantity, quantity),
            (self.discount.is_some(), &mut batch.discount, discount),
            (self.cost.is_some(), &mut batch.cost, cost),
            (self.score.is_some(), &mut batch.score, score),
        ] {
            if present {
                column.push(value);
            }
        }
        for (column, value) in batch.numbers.iter_mut().zip(numbers.iter().chain(&more_numbers)) {
            column.push(*value);
        }
        if texts.categories.len() < self.categories.len() {
            texts.categories.resize_with(self.categories.len(), Interner::default);
        }
        for ((column, values), texts) in self.categories.iter().zip(&mut batch.categories).zip(&mut texts.categories) {
            values.push(code(column, row, texts, buffer)?);
        }
        if repeated.is_none() {
            self.heads.keep(row, head);
        }
        Ok(())
    }

    /// When the row happened (0 where the source has no time) and when it became known.
    fn moments(&mut self, row: &Row, buffer: &mut Vec<u8>) -> Result<(i64, Option<i64>), Refusal> {
        let time = match &mut self.time {
            None => 0,
            Some(column) => column.get_needed(row, buffer)?,
        };
        let known_at = self.known_at.as_mut().map_or(Ok(None), |column| column.get(row, buffer))?;
        Ok((time, known_at))
    }

    /// What the row shares with the others of its order.
    fn head(&self, row: &Row, (time, known_at): (i64, Option<i64>), texts: &mut EventTexts, buffer: &mut Vec<u8>) -> Result<Head, Refusal> {
        let is_return = self.returned_if.as_ref().is_some_and(|condition| row.passes(condition, &self.missing));
        let kind = if is_return {
            texts.kinds.intern(RETURN)
        } else {
            let code = code(&self.kind, row, &mut texts.kinds, buffer)?;
            if code == NO_INDEX {
                return Err(Refusal::new(Class::MissingId, &self.kind.name, self.kind.raw(row)));
            }
            code
        };
        let Ok(kind) = u8::try_from(kind) else {
            return Err(Refusal::new(Class::OutOfRange, &self.kind.name, self.kind.raw(row)));
        };
        let channel = match &self.channel {
            None => u16::MAX,
            Some(column) => match code(column, row, &mut texts.channels, buffer)? {
                NO_INDEX => u16::MAX,
                code => {
                    u16::try_from(code).ok().filter(|code| *code != u16::MAX).ok_or_else(|| Refusal::new(Class::OutOfRange, &column.name, column.raw(row)))?
                }
            },
        };
        let customer = if self.customer.is_row_number() {
            NO_INDEX
        } else {
            match self.customer.get(row, buffer) {
                None => return Err(Refusal::new(Class::MissingId, &self.customer.name, self.customer.raw(row))),
                Some(text) => texts.customers.intern(text),
            }
        };
        let basket = self.basket.as_ref().and_then(|column| column.get(row, buffer)).map_or(NO_BASKET, |text| hash(text).min(NO_BASKET - 1));
        Ok(Head { time, known_at, is_return, kind, channel, customer, basket })
    }

    /// Refuses the row if one of its texts is not UTF-8; called only for blocks that are not UTF-8 throughout.
    fn check_texts(&self, row: &Row, buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        let single = [&self.item, &self.basket, &self.channel, &self.offer];
        for column in single.into_iter().flatten().chain([&self.customer, &self.kind]).chain(&self.categories) {
            if let Some(text) = column.get(row, buffer)
                && std::str::from_utf8(text).is_err()
            {
                return Err(Refusal::new(Class::Encoding, &column.name, text));
            }
        }
        Ok(())
    }
}
