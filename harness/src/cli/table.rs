//! A table that is printed row by row.

use crate::printing::out;

/// Prints rows as they come, so that their widths are fixed.
pub struct Table<const N: usize> {
    /// The heads of the columns.
    pub heads: [&'static str; N],
    /// Their widths; what is wider stands out.
    pub widths: [usize; N],
    /// Set for Markdown.
    pub markdown: bool,
}

impl<const N: usize> Table<N> {
    /// Prints the heads.
    pub fn head(&self) {
        self.row(&self.heads.map(String::from));
        if self.markdown {
            self.row(&self.widths.map(|width| "-".repeat(width)));
        }
    }

    /// Prints a row.
    pub fn row(&self, cells: &[String; N]) {
        let padded = cells.iter().zip(self.widths).map(|(cell, width)| format!("{cell:width$}"));
        let cells: Vec<String> = padded.collect();
        if self.markdown {
            out!("| {} |", cells.join(" | "));
        } else {
            out!("{}", cells.join("  ").trim_end());
        }
    }
}
