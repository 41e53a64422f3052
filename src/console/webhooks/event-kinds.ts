import { text } from '../text.ts'
import type { EventKind } from './webhooks.ts'

const names: Readonly<Record<EventKind, string>> = text.webhooks.kinds

/** In the order in which they matter to people. */
export const allKinds = Object.keys(names) as readonly EventKind[]

/** A kind of event in words; by its own name if the service is newer than this page. */
export function kindName(kind: EventKind): string {
  return names[kind] ?? kind
}

const others: Readonly<Record<string, string>> = text.webhooks.messages

/** What a message says, by its type, such as "pool.empty". */
export function messageName(type: string): string {
  // The type of a message about an event is its kind, written in another way.
  const kinds: Readonly<Record<string, string>> = names
  return others[type] ?? kinds[type.toUpperCase().replace('.', '_')] ?? type
}
