/**
 * Runs a step of a dynamic provider so that its failure is a plain `Error` with the message alone. Pulumi prints what
 * `diff`, `read` and `delete` throw as `${error}: ${error.stack}`, and its serialiser takes both from our own error
 * classes: the user would read `[object Object]: undefined`.
 */
export async function withPlainErrors<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const plain = new Error((error as Error).message);
    plain.stack = "";
    throw plain;
  }
}
