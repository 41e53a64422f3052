// How long work is begun in one iteration of the event loop. If more is waiting then, the loop runs through several
// iterations first: it accepts one new connection in each, and what others wait for may take several I/O events.
// The same goes for a single piece of work that ran for `longMs` without waiting for anything.
const sliceMs = 10
const longMs = 2
const iterationsBetween = 16

// Pieces of work that are begun in one iteration.
const maxStarts = 100

// Concurrent operations of a key, so that what has been begun leaves time for others: as many as make `maxRunningBytes` of
// answers, by the average size of its recent ones. Small operations gain from concurrency, as claims are served in groups;
// each large one occupies the event loop once more when it is answered.
const minRunning = 4
const maxRunning = 64
const maxRunningBytes = 256_000
const firstEstimateBytes = 16_000

// An operation that takes longer than this is waiting for something and does not occupy the event loop: it is no longer
// counted as running.
const maxCountedMs = 500

// It still holds memory. These bound all operations of a key that are in flight, running or not; none is begun while
// their requests exceed the bytes.
const maxInFlight = 128
const maxInFlightBytes = 8_000_000

// Of one key, for work that can be rejected: what has not begun, and what has begun and is no longer counted as running.
const maxWaiting = 2_000
const maxWaitingBytes = 32_000_000

// Idle keys whose average answer size is remembered.
const maxIdleQueues = 1_000

const retryAfterMs = 1_000

/** A key has so much work waiting that no more is accepted. */
export class TooMuchWaitingError extends Error {
  /** After how many milliseconds to try again. */
  readonly retryAfterMs = retryAfterMs

  constructor() {
    super(
      'Too many requests with this API key are already waiting. Send fewer at once, and try again after retryAfterMs ' +
        'milliseconds.',
    )
    this.name = 'TooMuchWaitingError'
  }
}

export interface WorkOptions {
  /** Called just before the work begins: whether anybody still waits for it. Always wanted if not given. */
  isWanted?: () => boolean
  /** Bytes that it holds until it has ended. Work without them is never rejected. */
  bytes?: number
  /** Accepts it regardless of what is waiting: for callers that apply back-pressure themselves. */
  isPatient?: boolean
}

interface Job {
  /** The slice in which it was begun. */
  slice: number
  bytes: number
  isWanted: () => boolean
  start: () => void
  drop: () => void
}

/** The work of one key. */
interface KeyQueue {
  key: string
  waiting: Job[]
  waitingBytes: number
  /** Start times of the jobs in flight that are not late, oldest first. */
  running: Map<Job, number>
  /** Jobs in flight for so long that they must be waiting for something. */
  late: Set<Job>
  /** Of all jobs in flight. */
  inFlightBytes: number
  /** Moving average of the size of an answer. */
  answerBytes: number
  /** Moves jobs from `running` to `late`. Set only while other jobs wait to take their places. */
  lateTimer: NodeJS.Timeout | undefined
}

/**
 * Fair scheduling of work on the event loop, by key. Work begins at once where none is waiting, and in order of arrival as
 * long as the event loop keeps up. When it does not, work begins round-robin by key, however much a key has asked for and
 * over however many connections, and the event loop handles I/O in between.
 */
export class Scheduler {
  readonly #now: () => number
  readonly #queues = new Map<string, KeyQueue>()
  /** Queues with work that may begin, in round-robin order. */
  readonly #ready = new Set<KeyQueue>()
  /** Jobs that wait, of all keys. */
  #waiting = 0
  /** Calls of `#begin` that are scheduled. */
  #scheduled = 0
  /** When the slice of this iteration began; undefined if nothing has been begun in it. */
  #began: number | undefined
  /** Iterations of the event loop to pass before the next slice. */
  #pause = 0
  /** Changes with every beginning and end of a slice. */
  #slice = 0

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#queues.size
  }

  /**
   * Runs `work` as soon as fair scheduling allows, and settles as it does; resolves to undefined, without running it, if
   * nobody wants it any more by then. Only the time until it first waits for something is shared out.
   *
   * Rejects with a TooMuchWaitingError when the key has too much waiting, if `bytes` is given and `isPatient` is not.
   */
  run<T>(key: string, work: () => Promise<T> | T, options: WorkOptions = {}): Promise<T | undefined> {
    const { bytes, isPatient = bytes === undefined, isWanted = always } = options
    const queue = this.#queueOf(key)
    if (!isPatient && isFull(queue, bytes ?? 0)) return Promise.reject(new TooMuchWaitingError())
    return new Promise((resolve, reject) => {
      const job: Job = {
        slice: 0,
        bytes: bytes ?? 0,
        isWanted,
        start: () => {
          // Starts synchronously, and turns an exception into a rejection.
          new Promise<T>((started) => started(work()))
            .then(resolve, reject)
            .finally(() => this.#ended(queue, job))
        },
        drop: () => resolve(undefined),
      }
      queue.waiting.push(job)
      queue.waitingBytes += job.bytes
      this.#waiting += 1
      this.#consider(queue)
      if (this.#began === undefined && this.#scheduled === 0 && this.#pause === 0) {
        this.#openSlice()
        this.#startFirst()
      }
      this.#advance()
    })
  }

  /** Records the size of an answer to a key, in bytes. */
  weigh(key: string, bytes: number): void {
    const queue = this.#queues.get(key)
    if (queue !== undefined) queue.answerBytes += (bytes - queue.answerBytes) / 8
  }

  /** Schedules calls of `#begin` for what waits. */
  #advance(): void {
    if (this.#ready.size === 0 || this.#pause > 0) return
    while (this.#scheduled < Math.min(this.#waiting, maxStarts)) {
      this.#scheduled += 1
      setImmediate(this.#begin)
    }
  }

  /**
   * Begins one job, if the slice has time left. Each has its own callback, so that the microtasks it causes run before the
   * next one and count towards the slice.
   */
  readonly #begin = (): void => {
    this.#scheduled -= 1
    if (this.#pause > 0) return
    this.#openSlice()
    if (this.#now() - (this.#began ?? 0) >= sliceMs) {
      this.#pause = iterationsBetween
      return
    }
    this.#startFirst()
    this.#advance()
  }

  /** Begins the next job of the first queue in round-robin order. */
  #startFirst(): void {
    const [queue] = this.#ready
    if (queue === undefined) return
    this.#ready.delete(queue)
    this.#startNext(queue)
    this.#consider(queue)
  }

  /** Begins the slice of this iteration, unless it has begun. */
  #openSlice(): void {
    if (this.#began !== undefined) return
    this.#began = this.#now()
    this.#slice += 1
    setImmediate(this.#closeSlice)
  }

  /** Runs in the next iteration, before the calls of `#begin` that were scheduled after it. */
  readonly #closeSlice = (): void => {
    this.#began = undefined
    this.#slice += 1
    if (this.#pause > 0) setImmediate(this.#passIteration)
    else if (this.#scheduled > 0) this.#openSlice()
  }

  readonly #passIteration = (): void => {
    this.#pause -= 1
    if (this.#pause > 0) setImmediate(this.#passIteration)
    else this.#advance()
  }

  #startNext(queue: KeyQueue): void {
    for (let job = queue.waiting.shift(); job !== undefined; job = queue.waiting.shift()) {
      queue.waitingBytes -= job.bytes
      this.#waiting -= 1
      if (job.isWanted()) {
        job.slice = this.#slice
        queue.running.set(job, this.#now())
        queue.inFlightBytes += job.bytes
        job.start()
        return
      }
      job.drop()
    }
  }

  #ended(queue: KeyQueue, job: Job): void {
    const started = queue.running.get(job)
    queue.running.delete(job)
    queue.late.delete(job)
    queue.inFlightBytes -= job.bytes
    if (started !== undefined && job.slice === this.#slice && this.#now() - started >= longMs)
      this.#pause = iterationsBetween
    this.#consider(queue)
    this.#advance()
  }

  /** Adds a queue to the round-robin order, if work of it may begin. */
  #consider(queue: KeyQueue): void {
    if (queue.waiting.length === 0) this.#rest(queue)
    // Considered again when something has ended.
    else if (isSaturated(queue)) return
    else if (queue.running.size < maxRunningOf(queue)) this.#ready.add(queue)
    else queue.lateTimer ??= this.#noteLate(queue)
  }

  #noteLate(queue: KeyQueue): NodeJS.Timeout {
    const [oldest = 0] = queue.running.values()
    return setTimeout(
      () => {
        queue.lateTimer = undefined
        for (const [job, started] of queue.running) {
          if (this.#now() - started < maxCountedMs) break
          queue.running.delete(job)
          queue.late.add(job)
        }
        this.#consider(queue)
        this.#advance()
      },
      Math.max(0, Math.ceil(oldest + maxCountedMs - this.#now())),
    ).unref()
  }

  #queueOf(key: string): KeyQueue {
    const known = this.#queues.get(key)
    const queue = known ?? {
      key,
      waiting: [],
      waitingBytes: 0,
      running: new Map<Job, number>(),
      late: new Set<Job>(),
      inFlightBytes: 0,
      answerBytes: firstEstimateBytes,
      lateTimer: undefined,
    }
    if (known === undefined) this.#queues.set(key, queue)
    return queue
  }

  /** Keeps the idle queues that were used most recently. */
  #rest(queue: KeyQueue): void {
    if (!isIdle(queue)) return
    this.#queues.delete(queue.key)
    this.#queues.set(queue.key, queue)
    for (const [key, each] of this.#queues) {
      if (this.#queues.size <= maxIdleQueues) return
      if (isIdle(each)) this.#queues.delete(key)
    }
  }
}

function isFull({ waiting, waitingBytes, late, inFlightBytes }: KeyQueue, bytes: number): boolean {
  return waiting.length + late.size >= maxWaiting || waitingBytes + inFlightBytes + bytes > maxWaitingBytes
}

/** Whether so much is in flight that nothing more is begun, even if all of it is only waiting. */
function isSaturated({ running, late, inFlightBytes }: KeyQueue): boolean {
  return running.size + late.size >= maxInFlight || inFlightBytes >= maxInFlightBytes
}

function isIdle({ waiting, running, late }: KeyQueue): boolean {
  return waiting.length === 0 && running.size === 0 && late.size === 0
}

function maxRunningOf({ answerBytes }: KeyQueue): number {
  return Math.max(minRunning, Math.min(maxRunning, Math.floor(maxRunningBytes / answerBytes)))
}

function always(): boolean {
  return true
}
