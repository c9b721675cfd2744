/** The version of the format: the first byte of a message that starts with empty tables. No tag is 0xa0 to 0xaf. */
export const VERSION = 0xa1;

/**
 * The first byte of each value. Leaves are below `Object`; what holds other values is from there to 0x3f, or is
 * one of the short forms of arrays and objects. `docs/wire-format.md` says what follows each.
 */
export const enum Tag {
  Undefined = 0x01,
  Null = 0x02,
  True = 0x03,
  False = 0x04,
  Uint8 = 0x05,
  Uint16 = 0x06,
  Uint32 = 0x07,
  Negative8 = 0x08,
  Negative16 = 0x09,
  Negative32 = 0x0a,
  Float64 = 0x0b,
  BigInt64 = 0x0c,
  BigInt = 0x0d,
  Latin1 = 0x0e,
  Utf16 = 0x0f,
  Reference = 0x10,
  Symbol = 0x11,
  WellKnownSymbol = 0x12,
  Date = 0x13,
  RegExp = 0x14,
  Url = 0x15,
  UrlSearchParams = 0x16,
  ArrayBuffer = 0x17,
  ResizableArrayBuffer = 0x18,
  Buffer = 0x19,
  Handle = 0x1a,
  Numbers = 0x1b,

  Object = 0x20,
  NullObject = 0x21,
  NewShape = 0x22,
  Shape = 0x23,
  Array = 0x24,
  SparseArray = 0x25,
  Map = 0x26,
  Set = 0x27,
  Boxed = 0x28,
  Error = 0x29,
  DomException = 0x2a,
  View = 0x2b,
  NewClass = 0x2c,
  Class = 0x2d,
  WithProperties = 0x2e,

  /** 0x40 to 0x7f: the numbers 0 to 63. */
  SmallInt = 0x40,
  /** 0x80 to 0x9f: a Latin-1 string of 0 to 31 characters. */
  ShortLatin1 = 0x80,
  /** 0xb0 to 0xbf: an array of 0 to 15 elements. */
  ShortArray = 0xb0,
  /** 0xc0 to 0xef: an object of a shape numbered 0 to 47. */
  ShortShape = 0xc0,
  /** 0xf0 to 0xff: the numbers -1 to -16. */
  SmallNegative = 0xf0,
}

export const enum Short {
  Int = 64,
  Latin1 = 32,
  Array = 16,
  Shape = 48,
}

/** How the elements of an array of numbers are written: by the number that a view of such elements has. */
export const enum NumberType {
  Int8 = 0,
  Int16 = 3,
  Int32 = 5,
  Float64 = 8,
}

/** The own parts of an Error that its enumerable properties do not show: a bit each, sent in this order. */
export const enum ErrorPart {
  Name = 1,
  Message = 2,
  Stack = 4,
  Cause = 8,
  Errors = 16,
}

/** Bounds of the tables that outlive a message. Both sides obey them, so a table cannot grow for ever. */
export const enum TableLimit {
  Shapes = 2048,
  /** Bytes of the key lists, all shapes together. */
  ShapeBytes = 262_144,
  /** An object with more keys than this is taken for a dictionary, and sent with its keys. */
  KeysOfShape = 128,
  /** The same for an object whose keys have more characters than this in all. */
  KeyCharacters = 4096,
  /** Bytes of one definition. 128 keys of 4096 characters in all take at most 8704. */
  DefinitionBytes = 16_384,
  Classes = 1024,
  /** Characters of a registered class's name. */
  ClassName = 256,
}

/** Characters of a symbol's key. A symbol stays in memory for as long as the thread that knows it. */
export const LONGEST_SYMBOL_KEY = 1024;

/** Levels that are walked by plain recursion; below them an explicit stack takes over, so no input overflows the stack. */
export const RECURSION_LIMIT = 200;

/** How deep values may nest by default. It bounds the memory of the explicit stack: about 200 bytes a level. */
export const DEFAULT_DEPTH = 1_000_000;
