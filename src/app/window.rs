//! A part of a long list that lives elsewhere (in the journal): the rows around the cursor, asked for as it moves.

/// Rows from `offset` on, of a list of `total`.
#[derive(Clone, Debug)]
pub struct Window<T> {
    /// `None` until something has arrived.
    total: Option<usize>,
    offset: usize,
    rows: Vec<T>,
    /// The offset that was asked for and has not arrived.
    asked: Option<usize>,
    /// Something has changed since it was asked for.
    again: bool,
}

/// Rows that are asked for at a time: some screens full.
pub const WINDOW: usize = 200;

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { total: None, offset: 0, rows: Vec::new(), asked: None, again: false }
    }
}

impl<T> Window<T> {
    pub fn len(&self) -> usize {
        self.total.unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nothing has arrived yet.
    pub fn is_loading(&self) -> bool {
        self.total.is_none()
    }

    /// A row, where it is here.
    pub fn get(&self, at: usize) -> Option<&T> {
        self.rows.get(at.checked_sub(self.offset)?)
    }

    /// Where in the whole list the first row that fits is, of those that are here.
    pub fn position(&self, fits: impl FnMut(&T) -> bool) -> Option<usize> {
        self.rows.iter().position(fits).map(|at| self.offset + at)
    }

    /// The offset to ask for so that the rows `top` to `top + height` come, `None` when they are here or on the way.
    pub fn wish(&mut self, top: usize, height: usize) -> Option<usize> {
        if self.asked.is_some() {
            return None;
        }
        let end = (top + height).min(self.total.unwrap_or(usize::MAX));
        let here = self.total.is_some() && top >= self.offset && end <= self.offset + self.rows.len();
        if here && !std::mem::take(&mut self.again) {
            return None;
        }
        self.again = false;
        let offset = top.saturating_sub(WINDOW / 4);
        self.asked = Some(offset);
        self.asked
    }

    /// The rows have changed: they are asked for again, and stay until the new ones come.
    pub fn outdate(&mut self) {
        self.again = true;
    }

    /// Rows have arrived. Those that were not asked for are left out.
    pub fn arrived(&mut self, offset: usize, total: usize, rows: Vec<T>) {
        if self.asked == Some(offset) {
            *self = Self { total: Some(total), offset, rows, asked: None, again: self.again };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_asked_for_once_and_again_when_they_changed() {
        let mut window = Window::<usize>::default();
        assert!(window.is_loading());
        assert_eq!(window.wish(0, 20), Some(0));
        assert_eq!(window.wish(0, 20), None);
        window.outdate();
        assert_eq!(window.wish(0, 20), None, "one question at a time");
        window.arrived(7, 1000, vec![1]);
        assert!(window.is_loading(), "nobody asked for these");
        window.arrived(0, 1000, (0..200).collect());
        assert_eq!(window.get(199), Some(&199));
        assert_eq!(window.wish(0, 20), Some(0), "they changed while they were on the way");
        window.arrived(0, 1000, (0..200).collect());
        assert_eq!(window.wish(150, 20), None);
        assert_eq!(window.wish(195, 20), Some(145));
        window.arrived(145, 1000, (145..345).collect());
        assert_eq!(window.get(214), Some(&214));
        assert_eq!(window.get(3), None);
    }

    #[test]
    fn the_end_of_a_short_list_is_not_asked_for_for_ever() {
        let mut window = Window::<usize>::default();
        window.wish(0, 50);
        window.arrived(0, 3, vec![1, 2, 3]);
        assert_eq!(window.wish(0, 50), None);
        let mut empty = Window::<usize>::default();
        empty.wish(0, 50);
        empty.arrived(0, 0, Vec::new());
        assert_eq!(empty.wish(0, 50), None);
    }
}
