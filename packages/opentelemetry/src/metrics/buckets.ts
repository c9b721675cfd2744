/** Upper bounds in seconds: those that OpenTelemetry's conventions ask of durations. */
export const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Upper bounds in seconds of processor time: from a short program to a long job. */
export const CPU_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 3600];

const MEBIBYTE = 1024 * 1024;

/** Upper bounds in bytes: powers of two from 1 MiB to 16 GiB. */
export const BYTES = Array.from({ length: 15 }, (_, power) => MEBIBYTE * 2 ** power);
