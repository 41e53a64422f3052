import fc from 'fast-check'
import { UserError } from '../../../src/domain/books/errors.ts'
import type { Claims } from '../../../src/domain/claim/claim.ts'
import type { Redemptions } from '../../../src/domain/redemption/redeem.ts'
import type { Place } from '../../support/books.ts'
import type { Model } from '../../support/model.ts'

/** The books as one process has them, the model, and what is done to both. */
export interface Run {
  place: Place
  /** The clock of the process, in milliseconds. */
  clock: () => number
  claims: Claims
  redemptions: Redemptions
  model: Model
}

/** Something that is done to the books, and what the model predicts. */
export interface Action<Outcome = unknown> {
  perform: () => Promise<Outcome>
  /** Changes the model. Throws when the outcome is a different one. */
  predict: (now: Model, outcome: Outcome) => void
}

/** A step of a run. Its name is shown when the property fails. */
export class Step {
  readonly #name: string
  /** Chooses what it is done to; undefined if there is nothing. */
  readonly bind: (run: Run) => Action | undefined

  constructor(name: string, bind: (run: Run) => Action | undefined) {
    this.#name = name
    this.bind = bind
  }

  toString(): string {
    return this.#name
  }
}

export function action<Outcome>(
  perform: () => Promise<Outcome>,
  predict: (now: Model, outcome: Outcome) => void,
): Action {
  return { perform, predict: predict as (now: Model, outcome: unknown) => void }
}

/** An item of a list, chosen by any number; undefined if it is empty. */
export function pick<T>(list: readonly T[], choice: number): T | undefined {
  return list[choice % list.length]
}

/** Usually an item for which there is something to do, if there is one. */
export function pickUseful<T>(
  list: readonly T[],
  choice: number,
  isUseful: (item: T) => boolean,
): T | undefined {
  const useful = list.filter(isUseful)
  return pick(useful.length === 0 || choice % 4 === 3 ? list : useful, choice)
}

/** What a promise resolves to, or the code of the UserError that it is rejected with. */
export async function outcomeOf<T>(promise: Promise<T>): Promise<{ value?: T; refused?: string }> {
  try {
    return { value: await promise }
  } catch (error) {
    if (error instanceof UserError) return { refused: error.code }
    throw error
  }
}

export const choice = fc.nat(11)
/** Mostly the first pool, so that much happens to it. */
export const whichPool = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: choice })
export const amount = fc.integer({ min: 1, max: 12 })
export const recipient = fc.constantFrom('Ada', 'Bob', 'Cyd')
export const anyRecipient = fc.option(recipient, { nil: undefined })

/** Mostly none; or some seconds from now, as an offset in milliseconds. */
export function offset(...seconds: number[]) {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...seconds.map((each) => each * 1_000)) },
  )
}

export function timeIn(clock: () => number, ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : clock() + ms
}

export function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
