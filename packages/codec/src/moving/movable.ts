import { HANDLE, isHandle, type Move } from '@aiopipe/core/internal';
import { isNodeObject, moveOfNodeObject } from './node-objects.js';

/** Whether a value is a handle: one of ours, by its brand, or a socket or server of Node's, by its class. */
export function isMovable(value: unknown): value is object {
  return isHandle(value) || isNodeObject(value);
}

/** Returns how a handle moves. Throws a Refusal for an object of Node's that can never move, such as a TLS socket. */
export function moveOf(handle: object): Move {
  return isHandle(handle) ? handle[HANDLE]() : moveOfNodeObject(handle);
}
