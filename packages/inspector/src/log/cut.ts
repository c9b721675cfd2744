/** Characters of one text. */
const LONGEST = 1000;

/** Cuts a text that is too long to be shown: an error's message and a child's id may have any length. */
export function cut(text: string): string;
export function cut(text: string | undefined): string | undefined;
export function cut(text: string | undefined): string | undefined {
  return text === undefined || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)} …`;
}

/** Returns data with each text in it cut. */
export function withCutTexts<Data>(data: Data): Data {
  if (typeof data === 'string') return cut(data) as Data;
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) return data.map(withCutTexts) as Data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, withCutTexts(value)])) as Data;
}
