/** The package's version; a test compares it with package.json. What it means for states: `CODE_VERSION`. */
export const PACKAGE_VERSION = "0.1.0";
