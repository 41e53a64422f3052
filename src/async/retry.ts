/**
 * Runs `work` until it resolves, at most `maxAttempts` times, and rejects with the error of the last attempt. Runs it again
 * only after an error for which `isTransient` holds. `work` gets the number of the attempt, from 1 on.
 */
export async function retry<T>(
  maxAttempts: number,
  work: (attempt: number) => Promise<T>,
  isTransient: (error: unknown) => boolean,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (attempt === maxAttempts || !isTransient(error)) throw error
    }
  }
}
