"use strict";
// How each family of faults is drawn: a colour, a texture and a letter, so that nothing is told by
// colour alone. Kin have one hue: the network is blue, clocks yellow, disks orange…

const FAMILY_TEXTURES = {
  partition: "stripes", packet: "counter-stripes", kill: "solid", pause: "dots", cpu: "horizontal",
  clock: "vertical", disk: "grid", power: "solid", corruption: "cross", leadership: "chevrons",
  membership: "rings", maintenance: "sparse", stop: "counter-stripes",
};

function familyColour(colours, family) {
  return Object.hasOwn(FAMILY_TEXTURES, family) ? colours[family] : colours["other-fault"];
}

/** The texture of a family's bars. */
function familyFill(context, colours, family) {
  const kind = Object.hasOwn(FAMILY_TEXTURES, family) ? FAMILY_TEXTURES[family] : "cross";
  const colour = familyColour(colours, family);
  return kind === "solid" ? colour : texture(context, kind, colour);
}

/** The strokes of one tile of a texture, `size` wide and high. */
const TEXTURES = {
  stripes: { size: 7, lines: (size) => diagonals(size, true, false) },
  "counter-stripes": { size: 7, lines: (size) => diagonals(size, false, true) },
  cross: { size: 7, lines: (size) => diagonals(size, true, true) },
  sparse: { size: 9, lines: (size) => diagonals(size, true, false) },
  horizontal: { size: 4, lines: (size) => [[[-1, size / 2], [size + 1, size / 2]]] },
  vertical: { size: 4, lines: (size) => [[[size / 2, -1], [size / 2, size + 1]]] },
  grid: {
    size: 5,
    lines: (size) => [[[-1, size / 2], [size + 1, size / 2]], [[size / 2, -1], [size / 2, size + 1]]],
  },
  chevrons: { size: 6, lines: (size) => [[[-1, 0], [size / 2, size / 2], [-1, size]]] },
  dots: { size: 5, dot: 1.3 },
  rings: { size: 7, ring: 2 },
};

function diagonals(size, rising, falling) {
  return [-size, 0, size].flatMap((shift) => [
    ...(rising ? [[[shift - 1, size + 1], [shift + size + 1, -1]]] : []),
    ...(falling ? [[[shift - 1, -1], [shift + size + 1, size + 1]]] : []),
  ]);
}

/** A small repeating texture. */
function texture(context, kind, colour) {
  const { size, lines, dot, ring } = TEXTURES[kind];
  const tile = document.createElement("canvas");
  const scale = devicePixelRatio || 1;
  tile.width = tile.height = Math.round(size * scale);
  const pen = tile.getContext("2d");
  pen.scale(tile.width / size, tile.width / size);
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = size < 7 ? 1.2 : 1.6;
  pen.beginPath();
  if (dot || ring) {
    pen.arc(size / 2, size / 2, dot ?? ring, 0, 7);
    if (dot) pen.fill();
  }
  for (const [from, ...rest] of lines?.(size) ?? []) {
    pen.moveTo(...from);
    for (const point of rest) pen.lineTo(...point);
  }
  if (!dot) pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(size / tile.width));
  return pattern;
}

/** The textures of all families that occur, made once for a drawing. */
function familyFills(context, colours, faults) {
  const families = new Set(faults.map((fault) => fault.family));
  return new Map([...families].map((family) => [family, familyFill(context, colours, family)]));
}
