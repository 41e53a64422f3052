import type { Logger } from 'pino'
import type { LogLevel } from '../../src/config.ts'
import { openLog } from '../../src/log.ts'

/** A line of a log, as it was written. */
export interface LogLine {
  msg: string
  level: number
  requestId?: string
  [name: string]: unknown
}

/** A log that keeps its lines. */
export class LogLines {
  readonly log: Logger
  /** All lines, as text. */
  text = ''
  readonly #waiting = new Set<() => void>()

  constructor(level: LogLevel) {
    this.log = openLog(
      { level },
      {
        write: (line) => {
          this.text += line
          for (const wake of this.#waiting) wake()
        },
      },
    )
  }

  get lines(): LogLine[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }

  /** The first line that fits, which may still have to come. */
  async line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find(fits)
      if (found !== undefined) return found
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await promise
      this.#waiting.delete(resolve)
    }
  }
}
