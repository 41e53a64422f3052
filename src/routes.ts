import { quoted } from './quoted.ts'

// All paths of the service: builds links, finds the route of a request, and reads its query parameters. Every part of the
// service can import it.

// In the order in which they are tried: the busiest first, and those that more paths match last.
const paths = {
  graphql: '/graphql',
  session: '/session',
  health: '/health',
  ready: '/ready',
  schema: '/schema.graphql',
  consoleFile: '/console/*',
  graphiqlFile: '/graphiql/*',
  codesUpload: '/pools/:id/codes',
  codesFile: '/pools/:id/codes.csv',
  rejectedRowsFile: '/tasks/:id/rejected.csv',
  signIn: '/sign-in',
  // The addresses of screens, which the page itself tells apart: src/console/app.tsx.
  console: [
    '/',
    '/(?:pools|formats|codes|activity|keys|webhooks)',
    '/(?:pools|formats|tasks|webhooks)/:id',
    '/pools/:id/[a-z-]+',
  ],
} as const

export type RouteName = keyof typeof paths

/** The path of the API, over HTTP and WebSocket. */
export const graphqlPath = paths.graphql

export const healthPath = paths.health

/** The schema of the API in SDL. */
export const schemaPath = paths.schema

/** The path of the console's first page. */
export const consolePath = '/'

export const signInPath = paths.signIn

/** The file of a pool's codes. `parameters` say which codes, in which form. `poolId` is a global id. */
export function codesPath(poolId: string, parameters: Record<string, string>): string {
  return `${paths.codesFile.replace(':id', poolId)}?${new URLSearchParams(parameters)}`
}

/** The file of the rejected rows of an upload. `taskId` is a global id. */
export function rejectedRowsPath(taskId: string): string {
  return paths.rejectedRowsFile.replace(':id', taskId)
}

/** The path of a file of GraphiQL. `matchRoute` gives back `name` as the id. */
export function graphiqlPath(name: string): string {
  return paths.graphiqlFile.replace('*', name)
}

// Not URLPattern: it takes 12 µs for a usual path and 340 µs for a hostile one, these take 1 and 30. It also resolves "..", so
// that a resource would have many addresses.
const patterns = Object.entries(paths).flatMap(([name, path]) =>
  [path].flat().map((form) => [name as RouteName, patternOf(form)] as const),
)

function patternOf(path: string): RegExp {
  return new RegExp(
    `^${path.replace('.', '\\.').replace(':id', '(?<id>[^/]+)').replace('*', '(?<file>.+)')}$`,
  )
}

/**
 * The route of a path, and the part that matched `:id`, decoded, or `*`, as it is. An id that cannot be decoded stays as it
 * is: no id has a "%".
 */
export function matchRoute(path: string): { name: RouteName; id: string } | undefined {
  for (const [name, pattern] of patterns) {
    const match = pattern.exec(path)
    if (match !== null) return { name, id: match.groups?.['file'] ?? decode(match.groups?.['id'] ?? '') }
  }
  return undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}

/** Makes the error for an invalid parameter. `message` is a sentence that names it. */
export type InvalidParameter = (name: string, message: string) => Error

/** The query parameters of a URL. */
export class Parameters {
  readonly #given: URLSearchParams
  readonly #invalid: InvalidParameter

  /**
   * @param search the query string, with or without its question mark
   * @throws what `invalid` makes, for parameters that are not `known`, because a typo would go unnoticed, unless
   *   `allowUnknown`, and for repeated ones. Old names, in `former`, are accepted, and not offered.
   */
  constructor(
    search: string,
    known: readonly string[],
    invalid: InvalidParameter,
    { allowUnknown = false, former = [] }: { allowUnknown?: boolean; former?: readonly string[] } = {},
  ) {
    this.#given = new URLSearchParams(search)
    this.#invalid = invalid
    for (const name of this.#given.keys()) {
      const isKnown = known.includes(name) || former.includes(name)
      if (!isKnown && !allowUnknown)
        throw invalid(name, `There is no parameter ${quoted(name)}: there are ${known.join(', ')}.`)
      if (isKnown && this.#given.getAll(name).length > 1)
        throw invalid(name, `${name} is given more than once.`)
    }
  }

  text(name: string): string | undefined {
    return this.#given.get(name) ?? undefined
  }

  /** @throws unless it is "true", "false" or not given */
  flag(name: string): boolean | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (value !== 'true' && value !== 'false') throw this.invalid(name, 'is true or false')
    return value === 'true'
  }

  /** The error for an invalid value. `rule` says what is valid, as in "is true or false". */
  invalid(name: string, rule: string): Error {
    const value = this.text(name)
    return this.#invalid(name, `${name} ${rule}${value === undefined ? '' : `, not ${quoted(value)}`}.`)
  }
}
