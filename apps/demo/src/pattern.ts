/**
 * Throws SyntaxError for what is no pattern. Case is ignored; a dot matches any byte, a carriage return too, as for grep.
 */
export function compilePattern(source: string): RegExp {
  const pattern = new RegExp(source, 'is');
  // Some are refused as too big, and that only when they are first used.
  pattern.test('');
  return pattern;
}

const LITERAL = String.raw`[A-Za-z0-9 _\-/:;,<>=!@#%&~'"` + '`' + String.raw`]|\.|\\[.[\]()*+?{}|^$\\]`;
// With a colon in front, grep takes it for a mistyped [[:alpha:]].
const CLASS = String.raw`\[\^?(?!:)(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]|[A-Za-z0-9 _/:;,<>=!@#%&~'"(){}.*+?|$])+\]`;
const INTERVAL = String.raw`\{\d{1,2}(?:,(?:\d{1,2})?)?\}`;
const TOKEN = new RegExp(`(?<atom>${LITERAL}|${CLASS})|(?<interval>${INTERVAL})|(?<count>[*+?])|[\\^$|()]|[^]`, 'g');

/**
 * What each token is, as one character: `a` for what may be repeated, `*` and `#` for how often, anchors, bars and
 * parentheses as they are, `!` for what the two languages don't share.
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

/** Something in it must be there: what an empty alternative means is undefined in POSIX. */
const BRANCH = String.raw`(?:\^?(?:a[*#]?|b\*?|c)+\$?|\^\$?|\$)`;
const BRANCHES = String.raw`${BRANCH}(?:\|${BRANCH})*`;
const WHOLE = new RegExp(`^${BRANCHES}$`);
const INNERMOST_GROUPS = new RegExp(String.raw`\(${BRANCHES}\)`, 'g');

/** A group with anchors (`c`) is not repeated, one with an interval (`b`) not by another: grep's time would explode. */
function groupAsAtom(group: string): string {
  if (/[\^$c]/.test(group)) return 'c';
  return /[#b]/.test(group) ? 'b' : 'a';
}

/**
 * Whether the pattern means the same to JavaScript and to `grep -E`: plain ASCII, groups, `|`, single `* + ? {n,m}`,
 * anchors, `.`, simple classes. Outside of that (`\d`, look-around, lazy quantifiers, `[[:alpha:]]`) they differ, or one
 * of them refuses it.
 */
export function isPortable(source: string): boolean {
  let shape = shapeOf(source);
  for (let before = ''; before !== shape;) {
    before = shape;
    shape = shape.replace(INNERMOST_GROUPS, groupAsAtom);
  }
  return WHOLE.test(shape);
}
