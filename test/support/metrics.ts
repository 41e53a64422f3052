/** The metrics of a service, as a monitoring system reads them at one moment. */
export class Scrape {
  readonly text: string
  readonly contentType: string | null

  private constructor(text: string, contentType: string | null) {
    this.text = text
    this.contentType = contentType
  }

  static async of({ metricsUrl }: { metricsUrl: string | undefined }): Promise<Scrape> {
    if (metricsUrl === undefined) throw new Error('The service has no metrics.')
    const answer = await fetch(metricsUrl)
    if (!answer.ok) throw new Error(`The metrics were answered with ${answer.status}.`)
    return new Scrape(await answer.text(), answer.headers.get('content-type'))
  }

  /** The names of all metrics, with those of the series of histograms. */
  get names(): Set<string> {
    const names = new Set<string>()
    for (const [, name = '', type] of this.text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
      for (const suffix of type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''])
        names.add(name + suffix)
    return names
  }

  /** The sum of the series that have these labels; undefined if there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    let sum: number | undefined
    for (const [, found, given = '', value] of this.text.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm)) {
      const fits = Object.entries(labels).every(([label, text]) => given.includes(`${label}="${text}"`))
      if (found === name && fits) sum = (sum ?? 0) + Number(value)
    }
    return sum
  }
}
