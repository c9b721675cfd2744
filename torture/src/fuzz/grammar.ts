import { type World } from '../world.js';

/** The parts of the wire format (docs/wire-format.md), each with operands that are right, or now and then wrong. */
const PLAIN = [0x01, 0x02, 0x03, 0x04];

/** Builds the bytes of values by the rules of the wire format, and breaks a rule now and then. */
export class Grammar {
  readonly #world: World;
  readonly #bytes: number[] = [];
  /** How many bytes may still come. */
  #left: number;

  constructor(world: World) {
    this.#world = world;
    this.#left = world.pick([10, 50, 300]);
  }

  /** A message, of a channel or alone. */
  message(): Buffer {
    if (!this.#errs()) this.#byte(this.#world.pick([0xa1, 0xa1, 0xa1, 0xa0, 0xa2, 0xaf]));
    this.#value(0);
    if (this.#errs()) this.#value(0);
    return Buffer.from(this.#bytes);
  }

  #errs(): boolean {
    return this.#world.between(0, 60) === 0;
  }

  #byte(value: number): void {
    this.#left--;
    this.#bytes.push(value & 255);
  }

  #some(count: number): void {
    for (let n = 0; n < count; n++)
      this.#byte(this.#world.pick([0, 1, 0x61, 0x7f, 0x80, 0xff, this.#world.between(0, 255)]));
  }

  #varint(value: number): void {
    let rest = this.#errs() ? this.#world.pick([0, 2 ** 31, 2 ** 32, 2 ** 53 - 1, value + 1, 127, 128]) : value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#byte((rest % 128) + 128);
    this.#byte(rest);
  }

  /** A count that mostly fits the bytes that are left. */
  #count(most: number): number {
    return this.#world.between(0, Math.max(0, Math.min(most, this.#left >> 2)));
  }

  #string(): void {
    if (this.#errs()) {
      this.#value(9);
      return;
    }
    const length = this.#count(6);
    const form = this.#world.between(0, 2);
    if (form === 0) this.#byte(0x80 + length);
    else {
      this.#byte(form === 1 ? 0x0e : 0x0f);
      this.#varint(length);
    }
    for (let n = 0; n < (form === 2 ? 2 * length : length); n++) this.#byte(this.#world.pick([0x61, 0x62, 0x5f, 0x64]));
  }

  #word(text: string): void {
    this.#byte(0x80 + text.length);
    for (const character of text) this.#byte(character.charCodeAt(0));
  }

  #number(): void {
    const form = this.#world.between(0, 4);
    if (form === 0) this.#byte(this.#world.between(0x40, 0x7f));
    else if (form === 1) this.#byte(this.#world.between(0xf0, 0xff));
    else if (form === 2) {
      const size = this.#world.between(0, 5);
      this.#byte(0x05 + size);
      this.#some([1, 2, 4][size % 3] as number);
    } else if (form === 3) {
      this.#byte(0x0b);
      this.#some(8);
    } else this.#byte(0x40);
  }

  #values(count: number, depth: number): void {
    for (let n = 0; n < count; n++) this.#value(depth + 1);
  }

  #pairs(count: number, depth: number, key: () => void): void {
    for (let n = 0; n < count; n++) {
      key();
      this.#value(depth + 1);
    }
  }

  #value(depth: number): void {
    if (this.#left < 0 || depth > 12) {
      this.#byte(this.#world.pick(PLAIN));
      return;
    }
    const string = () => {
      this.#string();
    };
    const n = this.#count(8);
    const tagged = (tag: number, ...rest: (() => void)[]) => {
      this.#byte(this.#errs() ? this.#world.between(0, 255) : tag);
      for (const part of rest) part();
    };
    const count =
      (value = n) =>
      () => {
        this.#varint(value);
      };
    const raw = (length: number) => () => {
      this.#some(length);
    };
    const values =
      (length = n) =>
      () => {
        this.#values(length, depth);
      };
    const pairs =
      (key = string) =>
      () => {
        this.#pairs(n, depth, key);
      };
    const value = values(1);
    const parts: (() => void)[] = [
      () => {
        this.#byte(this.#world.pick(PLAIN));
      },
      () => {
        this.#number();
      },
      string,
      () => {
        tagged(0x0c, raw(8));
      },
      () => {
        tagged(0x0d, raw(1), count(), raw(n));
      },
      () => {
        tagged(0x10, count(this.#world.between(0, 5)));
      },
      () => {
        tagged(0x11, string);
      },
      () => {
        tagged(0x12, () => {
          this.#word(this.#world.pick(['iterator', 'asyncIterator', 'dispose', 'toStringTag', 'nothing']));
        });
      },
      () => {
        tagged(0x13, raw(8));
      },
      () => {
        tagged(0x14, string, string, () => {
          this.#number();
        });
      },
      () => {
        tagged(0x15, () => {
          this.#word(this.#world.pick(['http://a/', 'x:', 'no']));
        });
      },
      () => {
        tagged(0x16, string);
      },
      () => {
        tagged(this.#world.pick([0x17, 0x19]), count(), raw(n));
      },
      () => {
        tagged(0x18, count(n + this.#world.between(0, 3)), count(), raw(n));
      },
      () => {
        tagged(0x1a, count(0));
      },
      () => {
        const width = [1, 1, 2, 2, 4, 4, 8, 4, 8][n] as number;
        tagged(0x1b, raw(1), count(), raw(n * width));
      },
      () => {
        tagged(this.#world.pick([0x20, 0x21]), count(), pairs());
      },
      () => {
        const start = this.#bytes.length;
        tagged(
          0x22,
          () => {
            const at = this.#bytes.length;
            this.#byte(0);
            this.#varint(n);
            for (let key = 0; key < n; key++)
              this.#word(`${String(this.#world.pick(['k', '1', '__proto__', 'length']))}${String(key)}`);
            this.#bytes[at] = (this.#bytes.length - at - 1) & 127;
            if (this.#errs()) this.#bytes[start + 1] = 7;
          },
          values(),
        );
      },
      () => {
        tagged(this.#world.pick([0x23, 0xc0, 0xc1]), values(this.#world.between(0, 3)));
      },
      () => {
        tagged(0x24, count(), values());
      },
      () => {
        tagged(0xb0 + n, values());
      },
      () => {
        tagged(
          0x25,
          count(n + 2),
          count(),
          pairs(
            this.#world.between(0, 1) === 0
              ? string
              : () => {
                  this.#number();
                },
          ),
        );
      },
      () => {
        tagged(0x26, count(), values(2 * n));
      },
      () => {
        tagged(0x27, count(), values());
      },
      () => {
        tagged(0x28, value);
      },
      () => {
        // A bit for each part that follows.
        const bits = this.#world.between(0, 31);
        const many = [1, 2, 4, 8, 16].filter((bit) => (bits & bit) !== 0).length;
        tagged(
          0x29,
          () => {
            this.#byte(this.#world.between(0, 9));
            this.#byte(bits);
          },
          count(),
          values(many),
          pairs(),
        );
      },
      () => {
        tagged(
          0x2a,
          () => {
            this.#byte(this.#world.between(0, 7));
          },
          count(),
          string,
          string,
          values(this.#world.between(0, 3)),
          pairs(),
        );
      },
      () => {
        tagged(
          0x2b,
          () => {
            this.#byte(this.#world.between(0, 13));
          },
          count(this.#world.between(0, 8)),
          count(this.#world.between(0, 8)),
          () => {
            this.#byte(0x17);
            this.#varint(16);
            this.#some(16);
          },
        );
      },
      () => {
        tagged(
          0x2c,
          () => {
            this.#word(this.#world.pick(['torture/Point', 'torture/Loop', 'unknown']));
          },
          value,
        );
      },
      () => {
        tagged(0x2d, count(this.#world.between(0, 1)), value);
      },
      () => {
        tagged(0x2e, count(), value, pairs());
      },
    ];
    this.#world.pick(parts)();
  }
}
