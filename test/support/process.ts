import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface ProgramOptions {
  args?: readonly string[]
  /** Complete: of this process, the program only gets PATH, HOME and Node's compile cache. */
  environment: Record<string, string>
}

/** A process, and what it prints. */
export class Running implements AsyncDisposable {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  readonly ended: Promise<Ended>
  readonly #waiting = new Set<() => void>()

  /** `env` is complete. */
  constructor(
    command: string,
    args: readonly string[],
    options: { cwd: string; env: Record<string, string> },
  ) {
    this.process = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    this.process.stdout?.on('data', (text: Buffer) => this.#read('stdout', text))
    this.process.stderr?.on('data', (text: Buffer) => this.#read('stderr', text))
    this.ended = once(this.process, 'close').then(([code]) => {
      this.#wake()
      return { code: typeof code === 'number' ? code : null, stdout: this.stdout, stderr: this.stderr }
    })
  }

  /** Resolves when standard output matches; rejects when the program ends before. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match !== null) return match
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`The program ended before it printed ${pattern}:\n${this.stdout}\n${this.stderr}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await promise
      this.#waiting.delete(resolve)
    }
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.process.kill(signal)
    return await this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end('SIGTERM')
  }

  #read(stream: 'stdout' | 'stderr', text: Buffer): void {
    this[stream] += text.toString()
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
  }
}

/** A program of the service in a process of its own. */
export class Program extends Running {
  constructor(file: string, { args = [], environment }: ProgramOptions) {
    const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env
    super(process.execPath, [join(root, file), ...args], {
      cwd: root,
      env: { PATH, HOME, NODE_COMPILE_CACHE, ...environment },
    })
  }
}

/** The service as `npm start` runs it, on a free port. */
export class MainProcess extends Program {
  constructor(environment: Record<string, string>) {
    super('src/main.ts', { environment: { PORT: '0', ...environment } })
  }

  /** Resolves when it listens, to its address and the API key that it has printed, if any. */
  async ready(): Promise<{ url: string; key: string | undefined }> {
    const [, url = ''] = await this.prints(/: +(http:\/\/[^/\s]+)\/[\s\S]*Ctrl-C/)
    return { url, key: /pk_[\w-]+/.exec(this.stdout)?.[0] }
  }
}
