import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from './temporary.ts'

/** Whether Prometheus and its promtool are on this machine: Debian's package has both. */
export const hasPrometheus = ['prometheus', 'promtool'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
)

/** What the API of Prometheus answers. */
interface ApiAnswer<Data> {
  status: 'success' | 'error'
  error?: string
  data: Data
}

export interface Alert {
  state: 'pending' | 'firing'
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** A Prometheus that scrapes a service every second, with the alert rules of a file. */
export class Prometheus implements AsyncDisposable {
  readonly #url: string
  readonly #process: ChildProcess
  readonly #folder: AsyncDisposable

  private constructor(url: string, process: ChildProcess, folder: AsyncDisposable) {
    this.#url = url
    this.#process = process
    this.#folder = folder
  }

  static async start({ metricsUrl, rules }: { metricsUrl: string; rules: string }): Promise<Prometheus> {
    const folder = await temporaryFolder()
    const configuration = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [
        { job_name: 'promo-codes', static_configs: [{ targets: [new URL(metricsUrl).host] }] },
      ],
    }
    // JSON is YAML.
    const file = join(folder.path, 'prometheus.yaml')
    await writeFile(file, JSON.stringify(configuration))
    const options = ['config.file', 'storage.tsdb.path', 'web.listen-address'] as const
    const values = [file, join(folder.path, 'data'), '127.0.0.1:0']
    const child = spawn(
      'prometheus',
      options.map((option, i) => `--${option}=${values[i]}`),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    let log = ''
    // It goes on being read, or Prometheus would wait for that.
    child.stderr.on('data', (text: Buffer) => {
      log += text.toString()
      const [, address] = /"Listening on" address=(\S+)/.exec(log) ?? []
      if (address !== undefined && log.includes('Server is ready')) resolve(`http://${address}`)
    })
    child.once('exit', () => reject(new Error(`Prometheus ended:\n${log}`)))
    return new Prometheus(await promise, child, folder)
  }

  /** The labels and the values of what a query finds now. Rejects with the reason if it is no query. */
  async query(query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const { result } = await this.#get<{
      result: { metric: Record<string, string>; value: [number, string] }[]
    }>(`query?${new URLSearchParams({ query })}`)
    return result
  }

  async alerts(): Promise<Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('alerts')).alerts
  }

  async #get<Data>(path: string): Promise<Data> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`)
    const { status, error, data } = (await answer.json()) as ApiAnswer<Data>
    if (status === 'error') throw new Error(error)
    return data
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await ended
    }
    await this.#folder[Symbol.asyncDispose]()
  }
}
