const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Shows a name of bytes: as UTF-8 if it is valid, otherwise its bytes as `\xff`. Characters that disturb a terminal or are
 * invisible are escaped. A backslash is doubled, so that no two names look the same.
 */
export function displayName(latin1: string): string {
  const doubled = latin1.replaceAll('\\', '\\\\');
  try {
    return displayText(decoder.decode(Buffer.from(doubled, 'latin1')));
  } catch {
    return displayText(doubled.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`));
  }
}

/** Shows a program's text: control and format characters are escaped. */
export function displayText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escape);
}

function escape(character: string): string {
  if (character === '\n') return '\\n';
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
