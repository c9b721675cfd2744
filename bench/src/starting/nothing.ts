// What a child is started on that has nothing to do.
export {};
