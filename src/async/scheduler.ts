// How long work is begun in one turn of the event loop. When there is more, the loop goes round a few times before that:
// of new connections it takes in one each time, and what others wait for may come in several steps.
// So it does after a single piece of work that took so long without waiting for anything.
const sliceMs = 10
const longMs = 2
const roundsBetween = 16

// How many pieces of it at most.
const maxStarts = 100

// How many operations of a key are under way at once, so that what has been begun already leaves room for others: as
// many as make these bytes of answers, by what its answers have been like of late. Small ones gain from being many, as
// claims are served together; of large ones each keeps the event loop busy once more when it is answered.
const minRunning = 4
const maxRunning = 64
const maxRunningBytes = 256_000
const firstEstimateBytes = 16_000

// Whatever takes longer than this waits for something, and does not keep the event loop busy: it no longer counts as one
// of those.
const maxCountedMs = 500

// But it holds memory. So many operations of a key are under way at most, whatever they wait for, and no further one is
// begun while they came with as many bytes.
const maxUnderWay = 128
const maxUnderWayBytes = 8_000_000

// Of one key, while work of it is waiting that can be refused: what waits to begin, and what has begun and waits since.
const maxWaiting = 2_000
const maxWaitingBytes = 32_000_000

// Keys whose answers are remembered while they ask for nothing.
const maxIdleLanes = 1_000

const retryAfterMs = 1_000

/** So much work of one key is waiting that no more is let in. */
export class TooMuchWaitingError extends Error {
  /** After how many milliseconds to try again. */
  readonly retryAfterMs = retryAfterMs

  constructor() {
    super(
      'Too many requests with this API key are waiting to be served already. Send fewer at once, and try again after the ' +
        'time that retryAfterMs says.',
    )
    this.name = 'TooMuchWaitingError'
  }
}

export interface WorkOptions {
  /** Whether somebody still waits for it, asked when its turn comes. Without it, always. */
  isWanted?: () => boolean
  /** Bytes that it holds until it has ended. With them, it can be refused. */
  bytes?: number
  /** Whether it is not refused all the same, as whoever brings it waits as well. */
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

/** What has been asked for with one key. */
interface Lane {
  key: string
  waiting: Job[]
  waitingBytes: number
  /** When each job that is under way was started, unless it is late; the oldest is the first. */
  running: Map<Job, number>
  /** Jobs that have been under way for so long that they wait for something. */
  late: Set<Job>
  /** Of all jobs that are under way. */
  underWayBytes: number
  /** Bytes of an answer: a running average. */
  answerBytes: number
  /** Marks running jobs as late when their time is over. Set only while other jobs wait to take their places. */
  patience: NodeJS.Timeout | undefined
}

/**
 * Shares the event loop out by key. Work begins in the order in which it came, as long as there is time for all of it;
 * when there is not, one piece of work of each key begins after the other, whatever a key has asked for and over however
 * many connections, and between them the event loop takes in what has come meanwhile. Work of which there is none
 * waiting begins at once.
 */
export class Scheduler {
  readonly #now: () => number
  readonly #lanes = new Map<string, Lane>()
  /** Those of the lanes that have work waiting which may begin, in the order of their turns. */
  readonly #ready = new Set<Lane>()
  /** How much work waits, of all keys. */
  #waiting = 0
  /** How many pieces of work will be begun by callbacks that are on their way. */
  #coming = 0
  /** When this turn's slice of time began; nothing when there was nothing to begin. */
  #began: number | undefined
  /** How many turns of the event loop are to pass before the next slice. */
  #rounds = 0
  /** Counts slices. */
  #slice = 0

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#lanes.size
  }

  /**
   * Runs `work` for a key when its turn has come, and resolves to what it resolves to: to nothing if by then nobody
   * wants it any more. What it does before it waits for something for the first time is shared out.
   *
   * Rejects with a TooMuchWaitingError when the key has too much waiting, unless `bytes` is left out or the work is patient.
   */
  run<T>(key: string, work: () => Promise<T> | T, options: WorkOptions = {}): Promise<T | undefined> {
    const { bytes, isPatient = bytes === undefined, isWanted = always } = options
    const lane = this.#laneOf(key)
    if (!isPatient && isFull(lane, bytes ?? 0)) return Promise.reject(new TooMuchWaitingError())
    return new Promise((resolve, reject) => {
      const job: Job = {
        slice: 0,
        bytes: bytes ?? 0,
        isWanted,
        start: () => {
          // Not as a function that is async, so that it begins in this very moment.
          new Promise<T>((started) => started(work()))
            .then(resolve, reject)
            .finally(() => this.#ended(lane, job))
        },
        drop: () => resolve(undefined),
      }
      lane.waiting.push(job)
      lane.waitingBytes += job.bytes
      this.#waiting += 1
      this.#consider(lane)
      if (this.#began === undefined && this.#coming === 0 && this.#rounds === 0) {
        this.#openSlice()
        this.#startFirst()
      }
      this.#advance()
    })
  }

  /** Tells of the length of an answer to a key, in bytes. */
  weigh(key: string, bytes: number): void {
    const lane = this.#lanes.get(key)
    if (lane !== undefined) lane.answerBytes += (bytes - lane.answerBytes) / 8
  }

  /** Sees to it that what waits will be begun. */
  #advance(): void {
    if (this.#ready.size === 0 || this.#rounds > 0) return
    while (this.#coming < Math.min(this.#waiting, maxStarts)) {
      this.#coming += 1
      setImmediate(this.#begin)
    }
  }

  /**
   * Begins one piece of work, if there is time left in this slice. It is a callback of its own for each: so what the work
   * goes on with in promises is over before the next, and has taken its time from it.
   */
  readonly #begin = (): void => {
    this.#coming -= 1
    if (this.#rounds > 0) return
    this.#openSlice()
    if (this.#now() - (this.#began ?? 0) >= sliceMs) {
      this.#rounds = roundsBetween
      return
    }
    this.#startFirst()
    this.#advance()
  }

  /** Begins the next piece of work of the key whose turn it is. */
  #startFirst(): void {
    const [lane] = this.#ready
    if (lane === undefined) return
    // To the end of the order.
    this.#ready.delete(lane)
    this.#startNext(lane)
    this.#consider(lane)
  }

  /** Each turn of the event loop has a slice, for as long as there is anything to begin. */
  #openSlice(): void {
    if (this.#began !== undefined) return
    this.#began = this.#now()
    this.#slice += 1
    setImmediate(this.#closeSlice)
  }

  /** In the next turn, before all that will be begun in that. */
  readonly #closeSlice = (): void => {
    this.#began = undefined
    this.#slice += 1
    if (this.#rounds > 0) setImmediate(this.#goRound)
    else if (this.#coming > 0) this.#openSlice()
  }

  readonly #goRound = (): void => {
    this.#rounds -= 1
    if (this.#rounds > 0) setImmediate(this.#goRound)
    else this.#advance()
  }

  #startNext(lane: Lane): void {
    for (let job = lane.waiting.shift(); job !== undefined; job = lane.waiting.shift()) {
      lane.waitingBytes -= job.bytes
      this.#waiting -= 1
      if (job.isWanted()) {
        job.slice = this.#slice
        lane.running.set(job, this.#now())
        lane.underWayBytes += job.bytes
        job.start()
        return
      }
      job.drop()
    }
  }

  #ended(lane: Lane, job: Job): void {
    const started = lane.running.get(job)
    lane.running.delete(job)
    lane.late.delete(job)
    lane.underWayBytes -= job.bytes
    if (started !== undefined && job.slice === this.#slice && this.#now() - started >= longMs)
      this.#rounds = roundsBetween
    this.#consider(lane)
    this.#advance()
  }

  /** Gives a lane its place in the order, if work of it may begin. */
  #consider(lane: Lane): void {
    if (lane.waiting.length === 0) this.#rest(lane)
    // Considered again when something has ended.
    else if (isSaturated(lane)) return
    else if (lane.running.size < maxRunningOf(lane)) this.#ready.add(lane)
    else lane.patience ??= this.#noteLate(lane)
  }

  #noteLate(lane: Lane): NodeJS.Timeout {
    const [oldest = 0] = lane.running.values()
    return setTimeout(
      () => {
        lane.patience = undefined
        for (const [job, started] of lane.running) {
          if (this.#now() - started < maxCountedMs) break
          lane.running.delete(job)
          lane.late.add(job)
        }
        this.#consider(lane)
        this.#advance()
      },
      Math.max(0, Math.ceil(oldest + maxCountedMs - this.#now())),
    ).unref()
  }

  #laneOf(key: string): Lane {
    const known = this.#lanes.get(key)
    const lane = known ?? {
      key,
      waiting: [],
      waitingBytes: 0,
      running: new Map<Job, number>(),
      late: new Set<Job>(),
      underWayBytes: 0,
      answerBytes: firstEstimateBytes,
      patience: undefined,
    }
    if (known === undefined) this.#lanes.set(key, lane)
    return lane
  }

  /** Of lanes that have nothing to do, those that were used last are kept. */
  #rest(lane: Lane): void {
    if (!isIdle(lane)) return
    this.#lanes.delete(lane.key)
    this.#lanes.set(lane.key, lane)
    for (const [key, each] of this.#lanes) {
      if (this.#lanes.size <= maxIdleLanes) return
      if (isIdle(each)) this.#lanes.delete(key)
    }
  }
}

function isFull({ waiting, waitingBytes, late, underWayBytes }: Lane, bytes: number): boolean {
  return waiting.length + late.size >= maxWaiting || waitingBytes + underWayBytes + bytes > maxWaitingBytes
}

/** Whether so much is under way that nothing more is begun, even if all of it only waits for something. */
function isSaturated({ running, late, underWayBytes }: Lane): boolean {
  return running.size + late.size >= maxUnderWay || underWayBytes >= maxUnderWayBytes
}

function isIdle({ waiting, running, late }: Lane): boolean {
  return waiting.length === 0 && running.size === 0 && late.size === 0
}

function maxRunningOf({ answerBytes }: Lane): number {
  return Math.max(minRunning, Math.min(maxRunning, Math.floor(maxRunningBytes / answerBytes)))
}

function always(): boolean {
  return true
}
