/** What a child is started on. */
export const nothing = (): void => undefined;
