import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import pg from 'pg'

/**
 * A pooler in front of a database, which accepts everybody. It assigns a few sessions of the database to its clients, for a
 * transaction or as long as the client is connected, as PgBouncer does with these values of pool_mode.
 */
export interface Pooler extends AsyncDisposable {
  /** The address of the database through the pooler. */
  readonly url: string
}

/** An authenticated session of the database, on the level of its protocol. */
class Session {
  readonly stream: Duplex
  readonly #client: pg.Client
  onMessages: (bytes: Buffer) => void = () => undefined

  private constructor(client: pg.Client) {
    this.#client = client
    this.stream = client.connection.stream
    this.stream.removeAllListeners('data')
    this.stream.on('data', (bytes) => this.onMessages(bytes))
  }

  static async open(url: string): Promise<Session> {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => undefined)
    await client.connect()
    return new Session(client)
  }

  async close(): Promise<void> {
    const closed = once(this.stream, 'close')
    await this.#client.end()
    await closed
  }
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
const authenticated = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1')
const answered = new Set(['Q', 'S'])

export async function openPooler(
  databaseUrl: string,
  mode: 'session' | 'transaction',
  size: number,
): Promise<Pooler> {
  const sessions = new Set<Session>()
  const free: Session[] = []
  const waiting: ((session: Session) => void)[] = []
  const clients = new Set<Socket>()
  const replaced: Promise<void>[] = []
  let room = size

  const open = async (): Promise<Session> => {
    const session = await Session.open(databaseUrl)
    sessions.add(session)
    return session
  }
  const acquire = async (): Promise<Session> => {
    const session = free.pop()
    if (session !== undefined) return session
    if (room === 0) return await new Promise((resolve) => waiting.push(resolve))
    room -= 1
    return await open()
  }
  const release = (session: Session): void => {
    session.onMessages = () => undefined
    const next = waiting.shift()
    if (next === undefined) free.push(session)
    else next(session)
  }
  /** Replaces the session of a client that has left, with the state that it left there. */
  const replace = async (session: Session): Promise<void> => {
    sessions.delete(session)
    await session.close()
    if (server.listening) release(await open())
  }

  const server = createServer((client) => {
    let session: Promise<Session> | undefined
    let unanswered = 0
    clients.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => {
      clients.delete(client)
      const left = session?.then(replace)
      if (left !== undefined) replaced.push(left)
    })
    const onAnswer = (held: Session, bytes: Buffer, ends: readonly string[]) => {
      client.write(bytes)
      unanswered -= ends.length
      if (mode === 'session' || unanswered > 0 || ends.at(-1) !== 'I') return
      session = undefined
      release(held)
    }
    const pass = (type: string, message: Buffer): void => {
      if (type === 'X') {
        client.end()
        return
      }
      if (answered.has(type)) unanswered += 1
      session ??= acquire()
      void session.then((held) => {
        if (client.destroyed) return
        const split = splitter(0)
        held.onMessages = (bytes) => {
          const messages = split(bytes)
          const ends = messages
            .filter((message) => message[0] === 0x5a)
            .map((message) => message.toString('latin1', 5, 6))
          onAnswer(held, Buffer.concat(messages), ends)
        }
        held.stream.write(message)
      })
    }
    const split = splitter(1)
    client.on('data', (bytes) => {
      for (const message of split(bytes)) {
        if (message[0] === 0) client.write(authenticated)
        else pass(message.toString('latin1', 0, 1), message)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const client of clients) client.destroy()
      await closed
      // Clients that still wait get a session that is closed right afterwards.
      for (const resolve of waiting) resolve(await open())
      await Promise.all(replaced)
      await Promise.all([...sessions].map((session) => session.close()))
    },
  }
}

/** Splits bytes into messages, of which the first `untyped` have no type byte in front of their length. */
function splitter(untyped: number): (bytes: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0)
  let left = untyped
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const messages: Buffer[] = []
    for (;;) {
      const start = left > 0 ? 0 : 1
      if (rest.length < start + 4) return messages
      const end = start + rest.readUInt32BE(start)
      if (rest.length < end) return messages
      messages.push(rest.subarray(0, end))
      rest = rest.subarray(end)
      if (left > 0) left -= 1
    }
  }
}
