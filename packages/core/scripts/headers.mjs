import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the running Node was installed, if its headers lie beside it; libuv's may be a package of their own. */
export function headersPrefix() {
  const prefix = dirname(dirname(process.execPath));
  const has = (...names) => names.some((name) => existsSync(join(prefix, 'include', name)));
  return has('node/node_api.h') && has('node/common.gypi') && has('node/uv.h', 'uv.h') ? prefix : undefined;
}
