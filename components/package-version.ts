/**
 * The package's version; a test compares it with package.json.
 *
 * It is an input of every dynamic resource. Pulumi reads and deletes such a resource with the code that its state
 * holds, so a new version of this package has to get into the state before its fixes count; see each `diff`.
 */
export const PACKAGE_VERSION = "0.1.0";
