/** An error of the AWS API in the words of the real provider (AWS SDK for Go v2). */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface SdkError extends Error {
  Code?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

/** Rewords an SDK error: `operation error EC2: RunInstances, https response error StatusCode: 400, ... api error C: m`. */
export function apiError(clientName: string, commandName: string, error: SdkError): ApiError {
  const operation = `operation error ${clientName.replace(/Client$/, "")}: ${commandName.replace(/Command$/, "")}`;
  const code = error.Code ?? error.name;
  const status = error.$metadata?.httpStatusCode;
  if (status === undefined) return new ApiError(code, `${operation}, ${error.message}`);
  const request = `https response error StatusCode: ${status}, RequestID: ${error.$metadata?.requestId ?? ""}`;
  return new ApiError(code, `${operation}, ${request}, api error ${code}: ${error.message}`);
}

/** Whether AWS says that the thing asked for is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && /NotFound|^NoSuchEntity/.test(error.code);
}

/** Prefixes an error with what was tried, keeping its code. */
export async function during<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const message = `${what}: ${(error as Error).message}`;
    throw error instanceof ApiError ? new ApiError(error.code, message) : new Error(message);
  }
}
