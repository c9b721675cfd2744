/** Throws SyntaxError for what is no pattern. Case is ignored; a dot matches any byte, a carriage return too, as for grep. */
export function compilePattern(source: string): RegExp {
  return new RegExp(source, 'is');
}

const ATOM = String.raw`(?:[A-Za-z0-9 _\-/:;,<>=!@#%&~'"` + '`' + String.raw`]|\\[.[\]()*+?{}|^$\\]|\.|CLASS)`;
const CLASS = String.raw`\[\^?(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9 _/:;,<>=!@#%&~'"(){}.*+?|$])+\]`;
const COUNT = String.raw`(?:[*+?]|\{\d{1,2}(?:,\d{0,2})?\})?`;

/**
 * Whether the pattern means the same to JavaScript and to `grep -E`: plain ASCII, groups, `|`, single `* + ? {n,m}`,
 * anchors, `.`, simple classes. Outside of that (`\d`, look-around, lazy quantifiers, `[[:alpha:]]`) they differ, or one
 * of them refuses it.
 */
export function isPortable(source: string): boolean {
  const piece = new RegExp(`^(?:${ATOM.replace('CLASS', CLASS)}${COUNT})+`);
  let rest = source;
  let depth = 0;
  // An alternative must hold something: what an empty one means is undefined in POSIX.
  let isEmpty = true;
  while (rest !== '') {
    const matched = piece.exec(rest)?.[0];
    if (matched !== undefined) {
      isEmpty = false;
      rest = rest.slice(matched.length);
    } else if (rest.startsWith('(') && !rest.startsWith('(?')) {
      depth++;
      isEmpty = true;
      rest = rest.slice(1);
    } else if (rest.startsWith(')') && depth > 0 && !isEmpty) {
      depth--;
      rest = rest.slice(1);
      rest = rest.slice(new RegExp(`^${COUNT}`).exec(rest)?.[0].length ?? 0);
    } else if (rest.startsWith('|') && !isEmpty) {
      isEmpty = true;
      rest = rest.slice(1);
    } else if (rest.startsWith('^') && isEmpty) {
      rest = rest.slice(1);
    } else if (/^\$(?:[|)]|$)/.test(rest) && !isEmpty) {
      rest = rest.slice(1);
    } else {
      return false;
    }
  }
  return depth === 0 && !isEmpty;
}
