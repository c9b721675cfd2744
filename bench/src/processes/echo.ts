// The task of the pools that take a module's default export.
export default (payload: unknown): unknown => payload;
