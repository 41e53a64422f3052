import { createServer, type Server } from 'node:net'
import { listen } from '../../listen.ts'

/**
 * A port that is held until a server takes it over, so that no other process gets it in the meantime. Whoever connects
 * before that is cut off.
 */
export class HeldPort {
  readonly port: number
  readonly #holder: Server

  private constructor(holder: Server, port: number) {
    this.#holder = holder
    this.port = port
  }

  /**
   * Rejects with the system's error if this process cannot listen there.
   *
   * @param port 0 lets the system choose
   */
  static async hold(port: number, host: string): Promise<HeldPort> {
    const holder = createServer((connection) => connection.destroy())
    return new HeldPort(holder, await listen(holder, { port, host }))
  }

  /** Lets a server listen on the port from now on. When that server closes, the port is free. */
  async give(server: Server): Promise<void> {
    await listen(server, this.#holder)
  }

  /** Frees the port, unless a server that it was given to has done so. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#holder.close(() => resolve()))
  }
}
