import { deserialize, serialize } from '@aiopipe/codec';
import { DEFAULT_LIMITS } from '../message/limits.js';

/** What a caller tells all machines. */
export type Control =
  | { readonly type: 'cancel'; readonly id: string }
  | { readonly type: 'wanted'; readonly target: string; readonly version: string }
  | { readonly type: 'stats'; readonly target: string; readonly version: string };

export function encodeControl(control: Control): Uint8Array {
  return serialize(control);
}

/** Returns what a caller has sent; undefined for anything else. */
export function decodeControl(data: Uint8Array): Control | undefined {
  try {
    const { type, id, target, version } = deserialize(data, { limits: DEFAULT_LIMITS }) as Record<string, unknown>;
    if (type === 'cancel' && typeof id === 'string') return { type, id };
    if ((type === 'wanted' || type === 'stats') && typeof target === 'string' && typeof version === 'string') {
      return { type, target, version };
    }
    return undefined;
  } catch {
    return undefined;
  }
}
