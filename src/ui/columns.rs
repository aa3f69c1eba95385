//! The columns of the table and how they share its width.

use crate::domain::Field;

/// What a column wants.
#[derive(Clone, Copy, Debug)]
struct Wish {
    /// Below this many columns it is rather left out.
    least: u16,
    /// With this many it shows nearly everything.
    good: u16,
    /// More than this many would be empty.
    most: u16,
    /// Who is left out last has the lowest number.
    rank: u8,
}

/// A column with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub field: Field,
    pub x: u16,
    pub width: u16,
}

fn wish(field: Field) -> Wish {
    let (least, good, most, rank) = match field {
        Field::Name => (12, 22, 34, 0),
        Field::Owner => (10, 16, 24, 1),
        Field::Status => (9, 10, 14, 2),
        Field::Company => (10, 20, 32, 3),
        Field::Score => (5, 5, 5, 4),
        Field::Created => (4, 4, 4, 5),
        Field::Profile => (6, 12, 20, 6),
        Field::Email => (18, 26, 36, 7),
        Field::Source => (7, 12, 18, 8),
        Field::Updated => (4, 4, 4, 9),
        Field::Campaign => (8, 14, 24, 10),
        Field::List => (8, 14, 24, 11),
        Field::Phone => (10, 16, 18, 12),
        Field::Id => (6, 20, 36, 13),
    };
    Wish { least, good, most, rank }
}

/// The head of a column.
pub fn heading(field: Field) -> &'static str {
    match field {
        Field::Id => "Id",
        Field::Name => "Name",
        Field::Company => "Company",
        Field::Email => "E-mail",
        Field::Phone => "Phone",
        Field::Status => "Status",
        Field::Source => "Source",
        Field::Score => "Score",
        Field::Created => "Age",
        Field::Updated => "Upd",
        Field::Owner => "Owner",
        Field::Campaign => "Campaign",
        Field::List => "List",
        Field::Profile => "Profile",
    }
}

/// The name of a column where there is room for it.
pub fn name(field: Field) -> &'static str {
    match field {
        Field::Created => "Age (since created)",
        Field::Updated => "Updated (how long ago)",
        field => heading(field),
    }
}

/// Numbers stand at the right of their column.
pub fn is_number(field: Field) -> bool {
    matches!(field, Field::Score | Field::Created | Field::Updated)
}

/// Columns between two columns.
const GAP: u16 = 2;

/// Fits `fields` into `width` columns from `x` on: who ranks lowest is left out until the rest has its least, then all
/// grow together.
pub fn fit(fields: &[Field], x: u16, width: u16) -> Vec<Column> {
    let gap = if width < 60 { 1 } else { GAP };
    let mut kept: Vec<(Field, Wish)> = fields.iter().map(|field| (*field, wish(*field))).collect();
    let needs = |kept: &[(Field, Wish)]| {
        kept.iter().map(|(_, wish)| wish.least).sum::<u16>() + gap * (kept.len().max(1) - 1) as u16
    };
    while kept.len() > 1 && needs(&kept) > width {
        let last = kept.iter().enumerate().max_by_key(|(_, (_, wish))| wish.rank).map(|(at, _)| at);
        if let Some(last) = last {
            kept.remove(last);
        }
    }
    let mut widths: Vec<u16> = kept.iter().map(|(_, wish)| wish.least).collect();
    let mut left = width.saturating_sub(needs(&kept));
    for aim in [(|wish: &Wish| wish.good) as fn(&Wish) -> u16, |wish| wish.most] {
        // A column at a time, so that what is scarce is shared evenly.
        loop {
            let mut grown = false;
            for (at, (_, wish)) in kept.iter().enumerate() {
                if left > 0 && widths[at] < aim(wish) {
                    widths[at] += 1;
                    left -= 1;
                    grown = true;
                }
            }
            if !grown {
                break;
            }
        }
    }
    let mut at = x;
    kept.iter()
        .zip(widths)
        .map(|((field, _), wide)| {
            let column = Column { field: *field, x: at, width: wide.min(width) };
            at += wide + gap;
            column
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::leads::USUAL_COLUMNS;
    use strum::IntoEnumIterator;

    #[test]
    fn columns_never_leave_the_table_and_names_stay_longest() {
        let all: Vec<Field> = Field::iter().collect();
        for fields in [USUAL_COLUMNS, &all] {
            for width in 12..300 {
                let columns = fit(fields, 3, width);
                let last = columns.last().unwrap();
                assert!(last.x + last.width <= 3 + width, "{width}: {columns:?}");
                assert!(columns.iter().any(|column| column.field == Field::Name), "{width}");
                assert!(columns.windows(2).all(|pair| pair[0].x + pair[0].width < pair[1].x));
            }
        }
        assert_eq!(fit(USUAL_COLUMNS, 3, 117).len(), USUAL_COLUMNS.len());
    }

    #[test]
    fn a_narrow_table_keeps_who_and_whose() {
        let fields: Vec<Field> = fit(USUAL_COLUMNS, 3, 37).into_iter().map(|column| column.field).collect();
        assert_eq!(fields, [Field::Name, Field::Status, Field::Owner]);
    }
}
