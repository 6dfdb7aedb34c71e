//! The bytes of a history: of a file or of standard input, compressed or not.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The first bytes of what gzip wrote.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The first bytes of what zstd wrote.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Returns whether a path stands for standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file or standard input; the length is 0 if it is not known.
///
/// # Errors
/// When the file cannot be opened.
pub fn open(path: &Path) -> io::Result<(Box<dyn Read>, u64)> {
    if is_standard_input(path) {
        return Ok((Box::new(io::stdin()), 0));
    }
    let file = File::open(path)?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    Ok((Box::new(file), length))
}

/// The text of an input that may be compressed, as its first bytes say.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn uncompressed<'a>(mut input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::new();
    (&mut input).take(ZSTD.len() as u64).read_to_end(&mut head)?;
    let (is_gzip, is_zstd) = (head.starts_with(GZIP), head == ZSTD);
    let input = BufReader::new(io::Cursor::new(head).chain(input));
    Ok(if is_gzip {
        let ended = Rc::default();
        let input = Watched { input, ended: Rc::clone(&ended) };
        Box::new(Named { form: "gzip", input: MultiGzDecoder::new(input), ended })
    } else if is_zstd {
        let ended = Rc::default();
        let input = Watched { input, ended: Rc::clone(&ended) };
        Box::new(Named { form: "zstd", input: Zstd::new(BufReader::new(input)), ended })
    } else {
        Box::new(input)
    })
}

/// A compressed input whose errors say so.
struct Named<R> {
    form: &'static str,
    input: R,
    ended: Rc<Cell<bool>>,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer).map_err(|error| {
            let form = self.form;
            match error.kind() {
                ErrorKind::Interrupted => error,
                _ if self.ended.get() => {
                    io::Error::new(ErrorKind::UnexpectedEof, format!("the {form} file is cut off"))
                }
                kind => io::Error::new(kind, format!("the {form} file is damaged: {error}")),
            }
        })
    }
}

/// A compressed input that notes that it has ended.
struct Watched<R> {
    input: R,
    ended: Rc<Cell<bool>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.ended.set(self.ended.get() || count == 0 && !buffer.is_empty());
        Ok(count)
    }
}

/// The frames of a zstd file, one behind the other, as compressed files that were joined have them.
struct Zstd<R> {
    input: R,
    frame: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(input: R) -> Zstd<R> {
        Zstd { input, frame: FrameDecoder::new(), in_frame: false }
    }

    /// Begins the next frame; false at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.frame.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = (&mut self.input).take(length.into());
                    if io::copy(&mut { skipped }, &mut io::sink())? < length.into() {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Checks a frame that was read to its end.
    fn check_frame(&self) -> io::Result<()> {
        match (self.frame.get_checksum_from_data(), self.frame.get_calculated_checksum()) {
            (Some(expected), Some(found)) if expected != found => {
                Err(io::Error::other("its checksum is wrong"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let one_block = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.frame.decode_blocks(&mut self.input, one_block);
                decoded.map_err(io::Error::other)?;
            }
            let count = self.frame.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.check_frame()?;
            self.in_frame = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let mut input = uncompressed(bytes).map_err(|error| error.to_string())?;
        input.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).expect("memory takes it");
        writer.finish().expect("memory takes it")
    }

    fn zstd(text: &str) -> Vec<u8> {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(text.as_bytes(), level)
    }

    #[test]
    fn files_are_read_as_their_first_bytes_say() {
        for text in ["", "{", "{\"index\":0}\n"] {
            assert_eq!(read(text.as_bytes()).as_deref(), Ok(text));
            assert_eq!(read(&gzip(text)).as_deref(), Ok(text));
            assert_eq!(read(&zstd(text)).as_deref(), Ok(text));
        }
        let joined = |compress: fn(&str) -> Vec<u8>| [compress("one,"), compress("two")].concat();
        assert_eq!(read(&joined(gzip)).as_deref(), Ok("one,two"));
        assert_eq!(read(&joined(zstd)).as_deref(), Ok("one,two"));
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7][..], &zstd("x")].concat();
        assert_eq!(read(&[zstd("y"), skippable].concat()).as_deref(), Ok("yx"));
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_an_error() {
        let text: String = (0..2000).map(|number| format!("{}\n", number * 7919 % 1000)).collect();
        for (form, bytes) in [("gzip", gzip(&text)), ("zstd", zstd(&text))] {
            assert_eq!(read(&bytes).as_deref(), Ok(&*text));
            for length in (4..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
                let expected = format!("the {form} file is cut off");
                assert_eq!(read(&bytes[..length]), Err(expected), "{length} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let mut bytes = gzip("{\"index\":0,\"time\":0}\n");
        let middle = bytes.len() - 6;
        bytes[middle] ^= 0x55;
        assert!(read(&bytes).is_err_and(|error| error.contains("damaged")), "{:?}", read(&bytes));
    }
}
