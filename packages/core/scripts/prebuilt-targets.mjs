/**
 * The systems that the published package has a binary for: the name that zig gives each, and the file, where node-gyp-build looks for it.
 * glibc 2.28 and macOS 11 are what Node 20's own binaries ask for.
 */
export const targets = {
  'linux-x64-glibc': { triple: 'x86_64-linux-gnu.2.28', file: 'linux-x64/aiopipe.glibc.node' },
  'linux-x64-musl': { triple: 'x86_64-linux-musl', file: 'linux-x64/aiopipe.musl.node' },
  'linux-arm64-glibc': { triple: 'aarch64-linux-gnu.2.28', file: 'linux-arm64/aiopipe.glibc.node' },
  'linux-arm64-musl': { triple: 'aarch64-linux-musl', file: 'linux-arm64/aiopipe.musl.node' },
  'darwin-x64': { triple: 'x86_64-macos.11.0', file: 'darwin-x64/aiopipe.node' },
  'darwin-arm64': { triple: 'aarch64-macos.11.0', file: 'darwin-arm64/aiopipe.node' },
};
