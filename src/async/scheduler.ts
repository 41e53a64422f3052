import { afterWait } from '../telemetry/spans.ts'

// Jobs are started for at most `sliceMs` in one iteration of the event loop. If jobs are left then, or if one of them ran
// for `longMs` without waiting for anything, the event loop runs through `iterationsBetween` iterations before the next one
// is started: it accepts one new connection in each, and other work may need several I/O events.
const sliceMs = 10
const longMs = 2
const iterationsBetween = 16

// Jobs that are started in one iteration.
const maxStarts = 100

// Running jobs of a key: as many as produce `maxRunningBytes` of answers, by the average size of the key's recent ones.
// Small operations gain from concurrency, as claims are served in groups; a large one occupies the event loop once more
// when it is answered.
const minRunning = 4
const maxRunning = 64
const maxRunningBytes = 256_000
const firstEstimateBytes = 16_000

// A job that takes longer waits for something and does not occupy the event loop: it no longer counts as running.
const slowAfterMs = 500

// But it holds memory. A key starts no more jobs while it has this many in flight, running or slow, or while they hold this
// many bytes.
const maxInFlight = 128
const maxInFlightBytes = 8_000_000

// Above these, jobs of a key that can be rejected are: waiting and slow jobs, and the bytes of all its jobs.
const maxWaiting = 2_000
const maxWaitingBytes = 32_000_000

// Idle keys whose average answer size is remembered.
const maxIdleQueues = 1_000

/** A key has so much work waiting that no more is accepted. */
export class TooMuchWaitingError extends Error {
  /** After how many milliseconds to try again. */
  readonly retryAfterMs = 1_000

  constructor() {
    super(
      'Too many requests with this API key are already waiting. Send fewer at a time, and try again after retryAfterMs ' +
        'milliseconds.',
    )
    this.name = 'TooMuchWaitingError'
  }
}

export interface WorkOptions {
  /** Called just before the work starts: whether it is still needed. It always is if this is not given. */
  isWanted?: () => boolean
  /** The bytes that the work holds until it has ended. Without them, it is never rejected. */
  bytes?: number
  /** Never rejects the work: for callers that apply back-pressure themselves. */
  isPatient?: boolean
}

interface Job {
  /** The slice in which it was started. */
  slice: number
  bytes: number
  isWanted: () => boolean
  start: () => void
  drop: () => void
}

/** The jobs of one key. */
class KeyQueue {
  readonly key: string
  readonly waiting: Job[] = []
  waitingBytes = 0
  /** Jobs in flight that are not slow, with their start times, oldest first. */
  readonly running = new Map<Job, number>()
  readonly slow = new Set<Job>()
  inFlightBytes = 0
  /** Moving average of the size of an answer. */
  answerBytes = firstEstimateBytes
  /** Moves jobs from `running` to `slow`. Only set while others wait for their places. */
  slowTimer: NodeJS.Timeout | undefined

  constructor(key: string) {
    this.key = key
  }

  get isIdle(): boolean {
    return this.waiting.length === 0 && this.running.size === 0 && this.slow.size === 0
  }

  /** Whether so much is in flight that nothing more is started, even if all of it only waits for something. */
  get isSaturated(): boolean {
    return this.running.size + this.slow.size >= maxInFlight || this.inFlightBytes >= maxInFlightBytes
  }

  get maxRunning(): number {
    return Math.max(minRunning, Math.min(maxRunning, Math.floor(maxRunningBytes / this.answerBytes)))
  }

  /** Whether a job of this size would be too much. */
  isFull(bytes: number): boolean {
    const { waiting, waitingBytes, slow, inFlightBytes } = this
    return waiting.length + slow.size >= maxWaiting || waitingBytes + inFlightBytes + bytes > maxWaitingBytes
  }
}

/**
 * Shares the event loop fairly among keys. Work starts immediately while none waits, and in order of arrival as long as the
 * event loop keeps up. Otherwise it starts round-robin by key, however much a key has waiting and on however many
 * connections, and in slices: after `sliceMs` the event loop first handles I/O, for `iterationsBetween` iterations.
 */
export class Scheduler {
  readonly #now: () => number
  readonly #queues = new Map<string, KeyQueue>()
  /** Queues that may start a job, in round-robin order. */
  readonly #ready = new Set<KeyQueue>()
  /** Waiting jobs of all keys. */
  #waiting = 0
  /** Scheduled calls of `#startScheduled`. */
  #scheduled = 0
  /** When the slice of this iteration was opened; undefined between slices. */
  #sliceBegan: number | undefined
  /** Changes whenever a slice is opened or closed. */
  #slice = 0
  /** Iterations of the event loop to wait before the next slice. */
  #pause = 0

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#queues.size
  }

  /**
   * Runs `work` as soon as fair scheduling allows, and settles as it does. Resolves to undefined without running it if it
   * is no longer wanted by then. Only the time until it first waits for something is shared.
   *
   * Rejects with a TooMuchWaitingError if the key has too much waiting, `bytes` is given and `isPatient` is not.
   */
  run<T>(key: string, work: () => Promise<T> | T, options: WorkOptions = {}): Promise<T | undefined> {
    const { bytes, isPatient = bytes === undefined, isWanted = () => true } = options
    const queue = this.#queues.get(key) ?? new KeyQueue(key)
    this.#queues.set(key, queue)
    if (!isPatient && queue.isFull(bytes ?? 0)) return Promise.reject(new TooMuchWaitingError())
    const begin = afterWait("wait for the key's share", work)
    return new Promise((resolve, reject) => {
      const job: Job = {
        slice: 0,
        bytes: bytes ?? 0,
        isWanted,
        start: () => {
          // Starts the work synchronously, and turns an exception into a rejection.
          new Promise<T>((started) => started(begin()))
            .then(resolve, reject)
            .finally(() => this.#ended(queue, job))
        },
        drop: () => resolve(undefined),
      }
      queue.waiting.push(job)
      queue.waitingBytes += job.bytes
      this.#waiting += 1
      this.#updateReady(queue)
      if (this.#sliceBegan === undefined && this.#scheduled === 0 && this.#pause === 0) {
        this.#openSlice()
        this.#startNext()
      }
      this.#scheduleStarts()
    })
  }

  /** Records the size of an answer to a key, in bytes. */
  weigh(key: string, bytes: number): void {
    const queue = this.#queues.get(key)
    if (queue !== undefined) queue.answerBytes += (bytes - queue.answerBytes) / 8
  }

  // Each job is started by a separate callback. The microtasks of a callback run before the next one, so that the time
  // that they take counts towards the slice.
  #scheduleStarts(): void {
    if (this.#ready.size === 0 || this.#pause > 0) return
    while (this.#scheduled < Math.min(this.#waiting, maxStarts)) {
      this.#scheduled += 1
      setImmediate(this.#startScheduled)
    }
  }

  /** Starts a job, or ends the slice if its time is over. */
  readonly #startScheduled = (): void => {
    this.#scheduled -= 1
    if (this.#pause > 0) return
    this.#openSlice()
    if (this.#now() - (this.#sliceBegan ?? 0) >= sliceMs) {
      this.#pause = iterationsBetween
      return
    }
    this.#startNext()
    this.#scheduleStarts()
  }

  /** Opens the slice of this iteration, unless it is open. */
  #openSlice(): void {
    if (this.#sliceBegan !== undefined) return
    this.#sliceBegan = this.#now()
    this.#slice += 1
    setImmediate(this.#closeSlice)
  }

  /** Closes the slice of the previous iteration. Runs before the calls of `#startScheduled` that were scheduled in it. */
  readonly #closeSlice = (): void => {
    this.#sliceBegan = undefined
    this.#slice += 1
    if (this.#pause > 0) setImmediate(this.#passIteration)
    else if (this.#scheduled > 0) this.#openSlice()
  }

  readonly #passIteration = (): void => {
    this.#pause -= 1
    if (this.#pause > 0) setImmediate(this.#passIteration)
    else this.#scheduleStarts()
  }

  /** Starts a job of the first queue that is ready, if there is one, and moves the queue to the end of the order. */
  #startNext(): void {
    const [queue] = this.#ready
    if (queue === undefined) return
    this.#ready.delete(queue)
    this.#startNextOf(queue)
    this.#updateReady(queue)
  }

  #startNextOf(queue: KeyQueue): void {
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
    queue.slow.delete(job)
    queue.inFlightBytes -= job.bytes
    // It has run in one go if the slice is still the same.
    if (started !== undefined && job.slice === this.#slice && this.#now() - started >= longMs)
      this.#pause = iterationsBetween
    this.#updateReady(queue)
    this.#scheduleStarts()
  }

  /** Adds a queue to the round-robin order if it may start a job. */
  #updateReady(queue: KeyQueue): void {
    if (queue.waiting.length === 0) this.#forgetIdle(queue)
    // Until one of its jobs has ended.
    else if (queue.isSaturated) return
    else if (queue.running.size < queue.maxRunning) this.#ready.add(queue)
    else queue.slowTimer ??= this.#startSlowTimer(queue)
  }

  #startSlowTimer(queue: KeyQueue): NodeJS.Timeout {
    const [oldest = 0] = queue.running.values()
    return setTimeout(
      () => {
        queue.slowTimer = undefined
        for (const [job, started] of queue.running) {
          if (this.#now() - started < slowAfterMs) break
          queue.running.delete(job)
          queue.slow.add(job)
        }
        this.#updateReady(queue)
        this.#scheduleStarts()
      },
      Math.max(0, Math.ceil(oldest + slowAfterMs - this.#now())),
    ).unref()
  }

  /**
   * Forgets the idle queues that have not been used for the longest time, apart from `maxIdleQueues`. Not an LRU, which would
   * also remove queues in use.
   */
  #forgetIdle(queue: KeyQueue): void {
    if (!queue.isIdle) return
    this.#queues.delete(queue.key)
    this.#queues.set(queue.key, queue)
    for (const [key, each] of this.#queues) {
      if (this.#queues.size <= maxIdleQueues) return
      if (each.isIdle) this.#queues.delete(key)
    }
  }
}
