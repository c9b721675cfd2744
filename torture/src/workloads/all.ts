import { HANDLE_PARTS } from './handles.js';
import { PARTS } from './parts.js';
import { type Part } from './work.js';

export const ALL_PARTS: readonly Part[] = [...PARTS, ...HANDLE_PARTS];
