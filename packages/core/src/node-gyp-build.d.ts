declare module 'node-gyp-build' {
  /** Loads the binding below `directory`: one that was built there, or else one of its `prebuilds/`. */
  export default function load(directory: string): unknown;
}
