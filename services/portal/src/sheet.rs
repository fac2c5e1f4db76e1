//! A list as a workbook: the rows of the list with typed cells, and a sheet that says what they are. Rows are written as they
//! come and kept on disk, so that a long list needs no more memory than a short one. Source: ui, section 10.

use prost_types::Timestamp;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use tokio::sync::mpsc;

use crate::{format, pipe::Pipe};

/// Rows of one workbook: what a sheet holds below its titles. Decision 23.
pub const ROWS_MAX: usize = 1_048_575;

/// Asia/Shanghai is this far ahead, all year.
const SHANGHAI_SECS: i64 = 8 * 3600;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words, whatever they begin with.
    Text(String),
    /// Fen, shown in yuan with two digits.
    Money(i64),
    /// A count.
    Count(i64),
    /// Watts, shown in kW; watt-hours, shown in kWh.
    Power(i64),
    /// YYYY-MM-DD; anything else stays words.
    Day(String),
    /// An instant, shown in Asia/Shanghai to the second; empty for none.
    Moment(Option<Timestamp>),
}

/// Words; what stands for nothing on a page is an empty cell.
pub fn text(value: impl Into<String>) -> Cell {
    let value = value.into();
    Cell::Text(if value == format::EMPTY { String::new() } else { value })
}

/// Title of a column, and its width in letters.
pub type Column = (&'static str, f64);
/// Rows as they were read.
pub type Rows = Vec<Vec<Cell>>;

/// A workbook that is being written.
pub struct Sheet {
    workbook: Workbook,
    formats: Formats,
    row: u32,
}

struct Formats {
    head: Format,
    words: Format,
    money: Format,
    count: Format,
    power: Format,
    day: Format,
    moment: Format,
}

/// Writes whatever comes until the channel ends.
///
/// # Errors
/// The temporary file cannot be written.
pub fn write(name: &str, columns: &[Column], mut from: mpsc::Receiver<Rows>) -> Result<Sheet, XlsxError> {
    let mut sheet = Sheet::new(name, columns)?;
    while let Some(rows) = from.blocking_recv() {
        for row in rows {
            sheet.add(&row)?;
        }
    }
    Ok(sheet)
}

impl Sheet {
    /// With the titles of its columns.
    ///
    /// # Errors
    /// The temporary file cannot be made.
    pub fn new(name: &str, columns: &[Column]) -> Result<Sheet, XlsxError> {
        let formats = Formats {
            head: Format::new().set_bold(),
            words: Format::new().set_quote_prefix(),
            money: Format::new().set_num_format("#,##0.00"),
            count: Format::new().set_num_format("0"),
            power: Format::new().set_num_format("#,##0.###"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        };
        let mut workbook = Workbook::new();
        let list = workbook.add_worksheet_with_constant_memory()?;
        list.set_name(name)?.set_freeze_panes(1, 0)?;
        for (at, (title, width)) in (0..).zip(columns) {
            list.set_column_width(at, *width)?.write_string_with_format(0, at, *title, &formats.head)?;
        }
        Ok(Sheet { workbook, formats, row: 0 })
    }

    /// Rows so far.
    pub fn rows(&self) -> u32 {
        self.row
    }

    /// One more row.
    ///
    /// # Errors
    /// The temporary file cannot be written.
    pub fn add(&mut self, cells: &[Cell]) -> Result<(), XlsxError> {
        self.row += 1;
        let list = self.workbook.worksheet_from_index(0)?;
        for (at, cell) in (0..).zip(cells) {
            self.formats.put(list, (self.row, at), cell)?;
        }
        Ok(())
    }

    /// The sheet that says what the rows are: names and words.
    ///
    /// # Errors
    /// None that rows could cause.
    pub fn explain(&mut self, lines: &[(&str, String)]) -> Result<(), XlsxError> {
        let note = self.workbook.add_worksheet();
        note.set_name("说明")?.set_column_width(0, 16.0)?.set_column_width(1, 80.0)?;
        for (row, (name, words)) in (0..).zip(lines) {
            note.write_string_with_format(row, 0, *name, &self.formats.head)?;
            self.formats.put(note, (row, 1), &Cell::Text(words.clone()))?;
        }
        Ok(())
    }

    /// Sends the workbook on its way.
    ///
    /// # Errors
    /// The browser has left; the temporary file cannot be read.
    pub fn send(mut self, mut to: Pipe) -> Result<(), XlsxError> {
        self.workbook.save_to_writer(&mut to)?;
        Ok(to.close()?)
    }
}

impl Formats {
    fn put(&self, sheet: &mut Worksheet, (row, at): (u32, u16), cell: &Cell) -> Result<(), XlsxError> {
        match cell {
            Cell::Text(words) => put_words(self, sheet, (row, at), words)?,
            Cell::Money(fen) => {
                sheet.write_number_with_format(row, at, *fen as f64 / 100.0, &self.money)?;
            }
            Cell::Count(count) => {
                sheet.write_number_with_format(row, at, *count as f64, &self.count)?;
            }
            Cell::Power(watts) => {
                sheet.write_number_with_format(row, at, *watts as f64 / 1000.0, &self.power)?;
            }
            Cell::Day(day) => match ExcelDateTime::parse_from_str(day) {
                Ok(date) if day.len() == 10 => {
                    sheet.write_datetime_with_format(row, at, date, &self.day)?;
                }
                Ok(_) | Err(_) => put_words(self, sheet, (row, at), day)?,
            },
            Cell::Moment(Some(instant)) => {
                // What a person in Shanghai reads off the clock.
                if let Ok(shown) = ExcelDateTime::from_timestamp(instant.seconds + SHANGHAI_SECS) {
                    sheet.write_datetime_with_format(row, at, shown, &self.moment)?;
                }
            }
            Cell::Moment(None) => {}
        }
        Ok(())
    }
}

/// Words that a program might take for a formula carry the mark that they are words.
fn put_words(
    formats: &Formats,
    sheet: &mut Worksheet,
    (row, at): (u32, u16),
    words: &str,
) -> Result<(), XlsxError> {
    // A cell holds 32,767 characters.
    let words: String = words.chars().filter(|letter| !letter.is_control()).take(32_000).collect();
    if words.starts_with(['=', '+', '-', '@']) {
        sheet.write_string_with_format(row, at, words, &formats.words)?;
    } else if !words.is_empty() {
        sheet.write_string(row, at, words)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader as _, Xlsx};

    use super::*;

    fn read(rows: Rows) -> Xlsx<Cursor<Vec<u8>>> {
        let (to, from) = mpsc::channel(1);
        let columns: &[Column] = &[("一", 10.0), ("二", 10.0), ("三", 10.0)];
        let writing = std::thread::spawn(move || write("表", columns, from));
        to.blocking_send(rows).expect("it listens");
        drop(to);
        let mut sheet = writing.join().expect("it ends").expect("rows");
        sheet.explain(&[("筛选条件", "=1+1".to_owned())]).expect("a note");
        let mut bytes = Vec::new();
        sheet.workbook.save_to_writer(&mut bytes).expect("a workbook");
        Xlsx::new(Cursor::new(bytes)).expect("it can be read")
    }

    #[test]
    fn cells_keep_their_kind_and_words_never_become_formulas() {
        let hostile = ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(1)"];
        let mut rows: Rows = hostile.iter().map(|words| vec![text(*words)]).collect();
        let instant = Timestamp { seconds: 1_767_225_600, nanos: 0 };
        rows.push(vec![
            Cell::Money(-123_456_789),
            Cell::Day("2026-01-31".into()),
            Cell::Moment(Some(instant)),
        ]);
        rows.push(vec![Cell::Count(7), Cell::Power(7_500), Cell::Day("未知".into())]);
        rows.push(vec![text(format::EMPTY), Cell::Moment(None), text("甲\u{7}乙")]);
        let mut book = read(rows);
        assert_eq!(book.sheet_names(), ["表", "说明"]);
        let list = book.worksheet_range("表").expect("a sheet");
        for (row, words) in (1..).zip(hostile) {
            assert_eq!(list.get_value((row, 0)), Some(&Data::String(words.to_owned())));
        }
        assert!(book.worksheet_formula("表").expect("a sheet").is_empty());
        assert_eq!(list.get_value((5, 0)), Some(&Data::Float(-1_234_567.89)));
        let date = |row, at| match list.get_value((row, at)) {
            Some(Data::DateTime(date)) => format!("{:.3}", date.as_f64()),
            other => format!("{other:?}"),
        };
        // Days since 1899-12-30.
        assert_eq!(date(5, 1), "46053.000");
        assert_eq!(date(5, 2), "46023.333");
        assert_eq!(list.get_value((6, 1)), Some(&Data::Float(7.5)));
        assert_eq!(list.get_value((6, 2)), Some(&Data::String("未知".to_owned())));
        assert_eq!(list.get_value((7, 2)), Some(&Data::String("甲乙".to_owned())));
        let note = book.worksheet_range("说明").expect("a note");
        assert_eq!(note.get_value((0, 1)), Some(&Data::String("=1+1".to_owned())));
    }
}
