import { grouped } from '../../grouped.ts'
import type { OutgoingClient } from '../../outgoing/client.ts'
import { OutgoingError } from '../../outgoing/errors.ts'
import type { InputCheck } from '../books/input.ts'

/** In characters. The URL is stored in the form that is sent, which is ASCII. */
export const maxUrlLength = 2_000

const path = ['url']

/**
 * Reads the URL of a webhook, and checks whether its host may be sent to. Adds to `check` what is wrong with it; then it
 * resolves to undefined. The issue does not tell what the host leads to, as that may be what somebody wants to find out.
 */
export async function checkUrl(
  check: InputCheck,
  text: string,
  outgoing: Pick<OutgoingClient, 'check'>,
): Promise<string | undefined> {
  const url = parseUrl(text)
  if (typeof url === 'string') {
    check.issue(path, url)
    return undefined
  }
  try {
    await outgoing.check(url)
    return url.href
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error
    check.issue(path, url.protocol === 'https:' ? aboutHost(url.hostname) : aboutHttp)
    return undefined
  }
}

const aboutHttp =
  'http is possible only to networks that the operator of this service has allowed (WEBHOOK_ALLOWED_NETWORKS), and the host is in ' +
  'none of them. Use https.'

function aboutHost(host: string): string {
  return (
    `${host} cannot be sent to: it does not exist, its name servers do not answer, or it is not on the public Internet. Check ` +
    'the name. The operator of this service can allow private networks (WEBHOOK_ALLOWED_NETWORKS).'
  )
}

/** The URL, or what is wrong with it. */
function parseUrl(text: string): URL | string {
  // The length first: parsing takes as long as the text.
  if (text.length > maxUrlLength) return tooLong(text.length)
  // The parser would leave them out.
  if (/[\s\p{Cc}]/u.test(text)) return 'It contains spaces or control characters. Percent-encode them.'
  if (!URL.canParse(text)) return 'It is not a URL. Write it like "https://example.com/webhooks".'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `It begins with "${url.protocol}". Only https is possible.`
  if (url.username !== '' || url.password !== '')
    return 'It contains a user name or a password. Remove them: the receiver verifies the signature instead.'
  if (text.includes('#')) return 'It contains a fragment, which is never sent. Remove everything from "#" on.'
  return url.href.length > maxUrlLength ? tooLong(url.href.length) : url
}

function tooLong(length: number): string {
  return `It has ${grouped(length)} characters when percent-encoded. At most ${grouped(maxUrlLength)} are allowed.`
}
