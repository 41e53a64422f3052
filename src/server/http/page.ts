/**
 * The headers of an HTML page that may contain a secret or act for the user: it loads nothing from other origins, sends nothing
 * there, cannot be framed, and is never stored.
 *
 * @param sources what its Content-Security-Policy allows besides: "script-src 'self'"
 */
export function pageHeaders(sources: readonly string[]): Readonly<Record<string, string>> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': [
      "default-src 'none'",
      ...sources,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  }
}
