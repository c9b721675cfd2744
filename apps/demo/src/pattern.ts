/**
 * Compiles a pattern; throws SyntaxError. Case is ignored. A dot matches any byte, also a carriage return, as for grep.
 */
export function compilePattern(source: string): RegExp {
  const pattern = new RegExp(source, 'is');
  // V8 refuses some patterns as too large only when they are first used.
  pattern.test('');
  return pattern;
}

const LITERAL = String.raw`[A-Za-z0-9 _\-/:;,<>=!@#%&~'"` + '`' + String.raw`]|\.|\\[.[\]()*+?{}|^$\\]`;
// grep takes a class that begins with a colon for a mistyped [[:alpha:]].
const CLASS = String.raw`\[\^?(?!:)(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9 _/:;,<>=!@#%&~'"(){}.*+?|$])+\]`;
const INTERVAL = String.raw`\{\d{1,2}(?:,(?:\d{1,2})?)?\}`;
const TOKEN = new RegExp(`(?<atom>${LITERAL}|${CLASS})|(?<interval>${INTERVAL})|(?<count>[*+?])|[\\^$|()]|[^]`, 'g');

/**
 * Turns each token into one character: `a` may be repeated; `*` and `#` say how often; anchors, bars and parentheses stay;
 * `!` is what the two languages do not share.
 */
function shapeOf(source: string): string {
  return source.replace(TOKEN, (token, ...rest) => {
    const { atom, interval, count } = rest.at(-1) as Record<string, string | undefined>;
    if (atom !== undefined) return 'a';
    if (interval !== undefined) return '#';
    if (count !== undefined) return '*';
    return '^$|()'.includes(token) ? token : '!';
  });
}

/** An alternative must not be empty: POSIX does not define that. */
const BRANCH = String.raw`(?:\^?(?:a[*#]?|b\*?|c)+\$?|\^\$?|\$)`;
const BRANCHES = String.raw`${BRANCH}(?:\|${BRANCH})*`;
const WHOLE = new RegExp(`^${BRANCHES}$`);
const INNERMOST_GROUPS = new RegExp(String.raw`\(${BRANCHES}\)`, 'g');

/** A group with anchors (`c`) is not repeated. A group with an interval (`b`) is not repeated by an interval: grep's time would explode. */
function groupAsAtom(group: string): string {
  if (/[\^$c]/.test(group)) return 'c';
  return /[#b]/.test(group) ? 'b' : 'a';
}

/**
 * Whether the pattern means the same to JavaScript and to `grep -E`: plain ASCII, groups, `|`, single `* + ? {n,m}`,
 * anchors, `.`, simple classes. Other syntax (`\d`, look-around, lazy quantifiers, `[[:alpha:]]`) differs, or one of
 * them refuses it.
 */
export function isPortable(source: string): boolean {
  let shape = shapeOf(source);
  for (let before = ''; before !== shape;) {
    before = shape;
    shape = shape.replace(INNERMOST_GROUPS, groupAsAtom);
  }
  return WHOLE.test(shape);
}
