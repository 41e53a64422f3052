/*
 * The page's own script, run by the browser after GraphiQL and graphql-ws have been loaded.
 *
 * It gives GraphiQL a way to send requests (HTTP, and WebSocket for subscriptions, with the same
 * Authorization), keeps its tabs, and carries what one tab of the guide has made (the id of a pool, of a
 * task) into the tabs opened after it.
 */
;(() => {
  const config = JSON.parse(document.getElementById('config').textContent)
  const guideTabs = new Set(config.guide.tabs.map((tab) => tab.id))

  // ------------------------------------------------------------------ what is kept between visits

  const PREFIX = 'promo-codes:'
  const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))
  const storage = {
    getItem: (key) => localStorage.getItem(PREFIX + key),
    setItem: (key, value) => localStorage.setItem(PREFIX + key, value),
    removeItem: (key) => localStorage.removeItem(PREFIX + key),
    get length() {
      return ownKeys().length
    },
    clear: () => {
      for (const key of ownKeys()) localStorage.removeItem(key)
    },
  }
  const readJson = (key, otherwise) => JSON.parse(storage.getItem(key) ?? 'null') ?? otherwise

  // Tabs kept from another database, or from another version of the guide, have ids that mean nothing here.
  if (storage.getItem('fingerprint') !== config.fingerprint) {
    storage.clear()
    storage.setItem('fingerprint', config.fingerprint)
  }

  // ------------------------------------------------------------------ from one tab to the next

  /** Other windows may have tabs from earlier visits, so a few earlier values stay known. */
  const EARLIER_VALUES = 20

  function offer(values) {
    const offered = readJson('offered', {})
    for (const [name, text] of Object.entries(values)) {
      const others = (offered[name] ?? []).filter((other) => other !== text)
      offered[name] = [...others, text].slice(-EARLIER_VALUES)
    }
    storage.setItem('offered', JSON.stringify(offered))
  }

  /** The variables with what was made last instead of what the page offered before; a person's own stay. */
  function upToDate(variables) {
    const made = readJson('made', {})
    let text = variables
    for (const [name, offered] of Object.entries(readJson('offered', {}))) {
      const newest = made[name] ?? config.guide.fills[name]
      if (newest === undefined) continue
      for (const other of offered) if (other !== newest) text = text.replaceAll(other, newest)
    }
    return text
  }

  function remember(made) {
    const known = Object.entries(made).filter(([, text]) => text !== undefined)
    if (known.length === 0) return
    const values = Object.fromEntries(known)
    offer(values)
    storage.setItem('made', JSON.stringify({ ...readJson('made', {}), ...values }))
  }

  const quoted = (id) => (id === undefined ? undefined : JSON.stringify(id))

  function learnFrom(data) {
    remember({
      format: quoted(data?.createFormat?.format?.id),
      pool: quoted(data?.createPool?.pool?.id),
      task: quoted(data?.generateCodes?.task?.id ?? data?.saveReplenishment?.refill?.id),
    })
  }

  offer(config.guide.fills)

  // ------------------------------------------------------------------ the key

  const NO_KEY = 'Bearer <paste an API key here>'
  const KEPT_KEY = `${PREFIX}authorization`

  // A key that a person has pasted lasts as long as the window, not longer.
  let authorization = config.authorization ?? sessionStorage.getItem(KEPT_KEY) ?? NO_KEY
  let keyIsKnown
  const key = new Promise((resolve) => {
    keyIsKnown = resolve
  })
  if (authorization !== NO_KEY) keyIsKnown()

  const authorizationIn = (headers) =>
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1]

  function keepKey(accepted) {
    if (authorization !== NO_KEY || accepted === undefined) return
    authorization = accepted
    sessionStorage.setItem(KEPT_KEY, accepted)
    keyIsKnown()
  }

  // ------------------------------------------------------------------ requests

  async function post(request, headers) {
    const response = await fetch(config.endpoint, {
      method: 'POST',
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json, application/json',
      },
      body: JSON.stringify(request),
    })
    if (!response.headers.get('content-type')?.includes('json')) {
      throw new Error(`The service answered ${response.status} ${response.statusText}`)
    }
    const result = await response.json()
    const refused = result.errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED')
    if (!refused) keepKey(authorizationIn(headers))
    learnFrom(result.data)
    return result
  }

  /** GraphiQL asks for the schema before anybody can have pasted a key: the answer waits for one. */
  async function introspect(request, headers) {
    const given = authorizationIn(headers)
    if (given === undefined || given === NO_KEY) await key
    const sent = given === undefined || given === NO_KEY ? { Authorization: authorization } : headers
    const result = await post(request, sent)
    const now = await post({ query: '{ eventCursor }' }, sent)
    if (now.data?.eventCursor) remember({ after: `"after": ${quoted(now.data.eventCursor)}` })
    return result
  }

  /** How many results of a subscription stay in sight below the newest one. */
  const EARLIER_RESULTS = 50

  function watch(request, headers) {
    const url = new URL(config.endpoint, location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    return {
      subscribe(observer) {
        // No reconnecting: it would start again from the first cursor and show events twice.
        const client = graphqlWs.createClient({
          url: url.href,
          connectionParams: { authorization: authorizationIn(headers) },
          retryAttempts: 0,
        })
        const earlier = []
        let newest
        const show = (result) => {
          if (newest !== undefined) earlier.unshift(newest)
          earlier.splice(EARLIER_RESULTS)
          newest = result
          observer.next(earlier.length > 0 ? { ...result, earlier } : result)
        }
        const end = () => {
          observer.complete()
          client.dispose()
        }
        client.subscribe(request, {
          next: (result) => {
            keepKey(authorizationIn(headers))
            show(result)
          },
          error: (cause) => {
            show({ errors: errorsOf(cause) })
            end()
          },
          complete: end,
        })
        return { unsubscribe: () => client.dispose() }
      },
    }
  }

  function errorsOf(cause) {
    if (Array.isArray(cause)) return cause
    if (cause instanceof CloseEvent) {
      return [{ message: `The service closed the connection: ${cause.code} ${cause.reason}`.trimEnd() }]
    }
    return [{ message: cause instanceof Error ? cause.message : 'The connection to the service failed' }]
  }

  /**
   * GraphiQL reads the document a little late: just after a change of tab, the operation and the syntax tree
   * that it hands over are the other tab's. The text is right, so what it names goes first.
   */
  function operationMeant({ query, operationName }, document) {
    const text = query.replaceAll(/#.*/g, '')
    const named = [...text.matchAll(/\b(query|mutation|subscription)\s+(\w+)/g)]
    const [, kind, name] =
      named.find(([, , other]) => other === operationName) ?? (named.length === 1 ? named[0] : [])
    if (name !== undefined) return { kind, name }
    const definition = document?.definitions.find(
      (other) => other.operation && (!operationName || other.name?.value === operationName),
    )
    return { kind: definition?.operation, name: operationName }
  }

  function fetcher(request, { headers, documentAST } = {}) {
    if (request.operationName === 'IntrospectionQuery') return introspect(request, headers)
    const { kind, name } = operationMeant(request, documentAST)
    const send = kind === 'subscription' ? watch : post
    return send({ ...request, operationName: name }, headers)
  }

  // ------------------------------------------------------------------ tabs

  /** GraphiQL keeps its tabs under this key, prefixed with its own name. */
  const TABS = 'graphiql:tabState'

  const state = readJson(TABS, {
    activeTabIndex: 0,
    tabs: config.guide.tabs.map(({ id, query, variables }) => {
      const [, name] = /^(?:mutation|subscription) (\w+)/m.exec(query)
      return { id, title: name, operationName: name, query, variables, headers: null, response: null }
    }),
  })
  for (const tab of state.tabs) if (guideTabs.has(tab.id)) tab.variables = upToDate(tab.variables ?? '')
  storage.setItem(TABS, JSON.stringify(state))
  const firstTab = state.tabs[state.activeTabIndex] ?? state.tabs[0]

  const model = (name) => monaco.editor.getModels().find(({ uri }) => uri.path.endsWith(name))

  function replaceText(name, change) {
    const editor = model(name)
    const before = editor?.getValue() ?? ''
    const after = change(before)
    if (after !== before) editor.setValue(after)
  }

  let openTab = firstTab.id
  function onTabChange({ tabs, activeTabIndex }) {
    const { id } = tabs[activeTabIndex]
    if (id === openTab) return
    openTab = id
    // GraphiQL calls this in the middle of its own update, which would overwrite one made right here.
    queueMicrotask(() => {
      if (guideTabs.has(id)) replaceText('variables.json', upToDate)
      replaceText('request-headers.json', (text) => text.replaceAll(NO_KEY, authorization))
    })
  }

  // ------------------------------------------------------------------ GraphiQL

  self.MonacoEnvironment = { globalAPI: true, getWorkerUrl: (_module, label) => config.workers[label] }

  const script = document.createElement('script')
  script.src = config.graphiql
  script.addEventListener('load', () => {
    YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
      title: 'Promo codes',
      logo: document.getElementById('logo').innerHTML,
      fetcher,
      storage,
      // GraphiQL finds the tab that it opens by comparing these with the tabs it has kept.
      query: firstTab.query,
      variables: firstTab.variables,
      headers: JSON.stringify({ Authorization: authorization }, null, 2),
      shouldPersistHeaders: false,
      onTabChange,
      // Otherwise every edit goes into the address and the browser's history.
      onEditQuery: () => {},
    })
  })
  document.head.append(script)
})()
