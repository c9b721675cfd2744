/** The function that a child is started with. */
export const nothing = (): void => undefined;
