/** One entry of an error's `data`: whom it is about and what is wrong. */
export interface ErrorDetail {
  user: string;
  errors?: string[];
  warnings?: string[];
}

/** An answer of the API that is not a success: status code and the JSON body `{"message", "data"}`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly data?: ErrorDetail[],
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  /** What goes over the wire. */
  body(): { message: string; data?: ErrorDetail[] } {
    return this.data ? { message: this.message, data: this.data } : { message: this.message };
  }
}

/** The words of the real service for tags that the policy does not define or the caller may not give. */
export function tagsNotPermitted(tags: readonly string[]): ApiError {
  return new ApiError(400, `requested tags [${tags.join(" ")}] are invalid or not permitted`);
}
