import type { ListenOptions, Server } from 'node:net'

/**
 * Lets a server listen, on a port (0 lets the system choose) or on that of another server. Resolves to the port. Rejects with the
 * system's error if it cannot.
 */
export async function listen(server: Server, on: ListenOptions | Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(on, resolve)
  await promise
  server.off('error', reject)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return address.port
}
