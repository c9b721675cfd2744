/** The task, as BullMQ's sandboxed workers load it. */
export default function echo({ data }: { readonly data: unknown }): Promise<unknown> {
  return Promise.resolve(data);
}
