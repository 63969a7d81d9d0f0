import manifest from '../package.json';

/** Longhaul's version: of the package, of the image. */
export const VERSION = manifest.version;
