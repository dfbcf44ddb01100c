import * as pulumi from "@pulumi/pulumi";

/**
 * Waits for a look-up. A failure becomes one line: the stack trace that Pulumi shows of any other error says nothing
 * to whoever has no network or no credentials.
 * @param what is looked up, as the error names it
 * @throws RunError with AWS's words
 */
export async function lookUp<T>(what: string, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    const words = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
    throw new pulumi.RunError(
      `AWS did not answer the look-up of ${what}; are the credentials, aws:region and the network right? ${words}`,
    );
  }
}
