// How long the tests wait for what is to come, in milliseconds. These limits end what hangs. They are no measure of speed: a machine
// with other work takes ten times as long as an idle one, so each is far above what a test needs there. A test states a limit of its
// own only if it needs more.

/** For one condition, by `until()`. */
export const WAIT_LIMIT = 60_000;

/** For a program, from its start to its end. */
export const PROGRAM_LIMIT = 200_000;

/** For a whole test: more than for what it waits for, whose errors say more. */
export const TEST_LIMIT = 300_000;
