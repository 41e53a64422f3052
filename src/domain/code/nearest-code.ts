import { unguarded } from '../../codefile/formula-guard.ts'
import { looseForm, loosePlainForm } from '../../codespace/loose-form.ts'
import { plainForm, typedForm } from '../../codespace/typed-form.ts'
import type { Code, CodeText } from './code.ts'
import { type FoundCodes, maxAlike, originKey } from './find-codes.ts'

/** A text that is looked up, and the codes of formats that it may stand for, whether they have been generated or not. */
export interface LookUp {
  text: string
  readings: readonly string[]
  distanceTo: (code: string) => number
  generated: Candidate<CodeText>[]
}

/** A code that a text may stand for, and how far the text is from it. */
interface Candidate<Of extends CodeText> {
  code: Of
  distance: number
}

// How far a text is from a code that it may stand for. The nearest one is meant.
const distances = {
  /** It is the code. */
  exact: 0,
  /** It is the code as files of this service show it, with an apostrophe before what looks like a formula. */
  inFile: 1,
  /** It is the code except for case, spaces and dashes. */
  plain: 2,
  /** One of its other readings is: two more for each reading before it. */
  pasted: 3,
  /** As `plain`, except for characters that people mix up, or for punctuation and accents. */
  far: 1_000,
  /** As `plain`, except for both. */
  farthest: 1_001,
}

/** The code that a text stands for: the nearest one, unless several are equally near. */
export function nearestCode(
  { readings, distanceTo, generated }: LookUp,
  found: FoundCodes,
): Code | undefined {
  const candidates: Candidate<Code>[] = []
  for (const { code, distance } of generated) {
    const inPool = found.generated.get(originKey(code))
    if (inPool !== undefined) candidates.push({ code: { ...code, ...inPool }, distance })
  }
  const uploaded: { code: Code | null; distance: number }[] = []
  for (const form of new Set(readings.map(looseForm)))
    for (const [written, code] of found.uploaded.get(form) ?? []) {
      const distance = distanceTo(written)
      uploaded.push({ code, distance })
      if (code !== null) candidates.push({ code, distance })
    }
  const least = Math.min(...candidates.map(({ distance }) => distance))
  const [meant, another] = candidates.filter(({ distance }) => distance === least)
  if (meant === undefined || another !== undefined) return undefined
  // Others that are as near may not have been read. Codes written exactly so always are; of those that differ in case,
  // spaces and dashes alone, up to maxAlike are, however many others there are.
  const near = uploaded.filter(({ distance }) => least >= distances.far || distance <= least)
  return least <= distances.inFile || near.length < maxAlike ? meant.code : undefined
}

/** Tells how far a text is from a code that has the same loose form as one of its readings. */
export function distanceFrom(text: string, readings: readonly string[]): (code: string) => number {
  const { exact, inFile, plain, pasted, far, farthest } = distances
  const fileText = unguarded(text)
  const plainForms = readings.map(plainForm)
  const typedForms = new Set(readings.map(typedForm))
  const loosePlainForms = new Set(readings.map(loosePlainForm))
  return (code) => {
    if (text === code) return exact
    if (fileText === code) return inFile
    const at = plainForms.indexOf(plainForm(code))
    if (at === 0) return plain
    if (at > 0) return pasted + 2 * at + (readings[at] === code ? 0 : 1)
    return typedForms.has(typedForm(code)) || loosePlainForms.has(loosePlainForm(code)) ? far : farthest
  }
}
