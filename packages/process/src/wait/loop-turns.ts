import { nextTurn } from '@aiopipe/core/internal';

/**
 * Resolves when the loop has taken in what came while it was held up: a timer that is over may find itself before the
 * answer that it waits for, which is there and has not been read yet.
 */
export async function catchUp(): Promise<void> {
  for (let i = 0; i < 3; i++) await nextTurn();
}
