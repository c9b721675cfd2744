const decoder = new TextDecoder('utf-8', { fatal: true });

/** A name of bytes as a person reads it: UTF-8 where it is, and what would disturb a terminal as `\n` or `\xff`. */
export function displayName(latin1: string): string {
  return escapeControls(decode(latin1));
}

function decode(latin1: string): string {
  try {
    return decoder.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1.replace(/[\x80-\xff]/g, hex);
  }
}

function escapeControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return text.replace(/\n/g, '\\n').replace(/[\x00-\x1f\x7f-\x9f]/g, hex);
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
