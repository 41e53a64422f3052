import type { IncomingMessage } from 'node:http'

/** Signs people in to the console, and out. */
export class SignIn {
  /**
   * Signs in the browser that requests the console's page, if it is on this machine and the database is the embedded one.
   * Resolves to the value of a Set-Cookie header for the page's answer; to undefined if the browser may not be signed in,
   * or is signed in already. The caller leaves it out where people choose another key: at /sign-in.
   */
  async signInLocally(_request: IncomingMessage): Promise<string | undefined> {
    return undefined
  }
}
