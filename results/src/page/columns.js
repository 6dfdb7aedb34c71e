"use strict";
// Unpacks what columns.rs packs: base64 of LEB128 varints.

/** Decodes one column of `count` whole numbers; `rising` ones are stored as differences. */
function decodeColumn(text, count, rising) {
  const bytes = atob(text);
  const values = new Float64Array(count);
  let at = 0;
  let last = 0;
  for (let row = 0; row < count; row++) {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes.charCodeAt(at++);
      // Not shifts: those would cut numbers at 32 bits.
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) break;
    }
    last = rising ? last + value : value;
    values[row] = last;
  }
  return values;
}
