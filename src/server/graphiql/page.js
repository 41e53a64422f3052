/*
 * The page's script, which the browser runs after graphql-ws. It loads GraphiQL, and
 *
 * - sends its requests: over HTTP, over WebSocket for subscriptions, as forms for files, all with the same Authorization;
 * - keeps its tabs between visits;
 * - fills what one tab of the guide has created, such as the id of a pool, into the tabs that are opened after it;
 * - keeps what GraphiQL loses when another tab is opened.
 */
;(() => {
  const config = JSON.parse(document.getElementById('config').textContent)
  const guideTabs = new Set(config.guide.tabs.map((tab) => tab.id))

  // ------------------------------------------------------------------ storage

  const PREFIX = 'promo-codes:'
  /** Whether the page is reloading with the current storage. */
  let leaving = false
  const ownKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX))
  const storage = {
    getItem: (key) => localStorage.getItem(PREFIX + key),
    setItem: (key, value) => {
      if (!leaving) localStorage.setItem(PREFIX + key, value)
    },
    removeItem: (key) => localStorage.removeItem(PREFIX + key),
    get length() {
      return ownKeys().length
    },
    clear: () => {
      for (const key of ownKeys()) localStorage.removeItem(key)
    },
  }
  const readJson = (key, otherwise) => JSON.parse(storage.getItem(key) ?? 'null') ?? otherwise

  // Tabs from another database or another version of the guide have ids that do not exist here.
  if (storage.getItem('fingerprint') !== config.fingerprint) {
    storage.clear()
    storage.setItem('fingerprint', config.fingerprint)
  }

  // ------------------------------------------------------------------ the bar above GraphiQL

  /** Shows a notice until the next run. */
  function say(text) {
    document.getElementById('notice').textContent = text
  }

  /** The files that the answer in a tab links to. */
  const files = new Map()

  function showFiles() {
    const buttons = (files.get(openTab) ?? []).map((file) => {
      const button = document.createElement('button')
      button.type = 'button'
      button.textContent = `Save ${file.name}`
      button.addEventListener('click', () => save(file))
      return button
    })
    document.getElementById('files').replaceChildren(...buttons)
  }

  /** Links to files in an answer: fields whose names end in Url. */
  function filesIn(value, found = []) {
    for (const [key, inner] of Object.entries(value ?? {})) {
      if (typeof inner === 'string' && key.endsWith('Url') && inner.startsWith('/'))
        found.push({ path: inner, name: key.startsWith('rejectedRows') ? 'rejected-rows.csv' : 'codes.csv' })
      else if (typeof inner === 'object') filesIn(inner, found)
    }
    return found.slice(0, 3)
  }

  /** A page keeps a file in memory until it is complete. */
  const MAX_SAVED_BYTES = 256 * 1024 * 1024

  async function save({ path, name, headers }) {
    say(`Downloading ${name}.`)
    const response = await fetch(path, { headers: withUsableKey(headers) }).catch(() => undefined)
    if (response === undefined) return say(UNREACHABLE)
    if (!response.ok) {
      const { errors } = await response.json()
      return say(errors[0].message)
    }
    const pieces = await piecesOf(response.body).catch(() => undefined)
    if (pieces === undefined) return say(`The download of ${name} was interrupted. Press Save ${name} again.`)
    if (pieces === TOO_LARGE)
      return say(`${name} is too large for a page. Download it with curl, as the tab DownloadCodes shows.`)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob(pieces, { type: 'text/csv' }))
    link.download = name
    link.click()
    URL.revokeObjectURL(link.href)
    say(`${name} is in the downloads of your browser.`)
  }

  const TOO_LARGE = Symbol('too large')

  async function piecesOf(body) {
    const pieces = []
    let bytes = 0
    const reader = body.getReader()
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces.push(piece.value)
      bytes += piece.value.length
      if (bytes <= MAX_SAVED_BYTES) continue
      await reader.cancel()
      return TOO_LARGE
    }
    return pieces
  }

  // ------------------------------------------------------------------ from one tab to the next

  /** Values are stored for tabs of earlier visits, which may be open in other windows. */
  const EARLIER_VALUES = 20

  function offer(values) {
    const offered = readJson('offered', {})
    for (const [name, text] of Object.entries(values)) {
      const others = (offered[name] ?? []).filter((other) => other !== text)
      offered[name] = [...others, text].slice(-EARLIER_VALUES)
    }
    storage.setItem('offered', JSON.stringify(offered))
  }

  /** The variables with the latest values in place of those that the page filled in before. The user's own are kept. */
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

  const parsed = (text) => {
    try {
      return JSON.parse(text)
    } catch (error) {
      // The user may leave it so.
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }

  /** Stores input for a tab, filled in when it is next opened. Later changes by the user are kept. */
  function hand(tab, input) {
    const handed = readJson('handed', {})
    storage.setItem('handed', JSON.stringify({ ...handed, [tab]: { ...handed[tab], ...input } }))
  }

  function withHanded(tab, text) {
    const { [tab]: input, ...others } = readJson('handed', {})
    const variables = parsed(text)
    if (input === undefined || variables?.input === undefined) return text
    storage.setItem('handed', JSON.stringify(others))
    return JSON.stringify({ ...variables, input: { ...variables.input, ...input } }, null, 2)
  }

  /** Settings of a Promo Codes section, so that saving them in one tab does not revert those saved in another. */
  function handSettings(tabs, { quantity, autoGenerate, refillThreshold }) {
    if (tabs.includes('guide-save-promo-codes'))
      hand('guide-save-promo-codes', { quantity, autoGenerate, refillThreshold })
    if (tabs.includes('guide-save-and-generate'))
      hand('guide-save-and-generate', { quantity, saveSettings: { autoGenerate, refillThreshold } })
  }

  const SETTINGS_TABS = ['guide-save-and-generate', 'guide-save-promo-codes']
  const inputAtFirst = (tab) => JSON.parse(config.guide.tabs.find(({ id }) => id === tab).variables).input

  function learnFrom(data, tab, { input, shape } = {}) {
    const opened = (id) => (tab === id ? data : undefined)
    const section = opened('guide-promo-codes-section')?.pool
    remember({
      format: quoted(
        data?.createFormat?.format?.id ??
          opened('guide-available-codes')?.format?.id ??
          section?.replenishment?.format?.id,
      ),
      pool: quoted(data?.createPool?.pool?.id ?? section?.id),
      task: quoted(madeTask(data)?.id),
      code: quoted(data?.claimCodes?.codes?.[0]?.code),
      claim: quoted(data?.claimCodes?.claim?.id),
      redemption: quoted(data?.redeemCode?.redemption?.id),
    })
    const first = inputAtFirst('guide-save-promo-codes')
    if (data?.createPool?.pool) handSettings(SETTINGS_TABS, first)
    if (section?.replenishment)
      handSettings(SETTINGS_TABS, {
        ...section.replenishment,
        quantity: section.replenishment.quantity ?? first.quantity,
      })
    if (opened('guide-save-and-generate')?.generateCodes?.task)
      handSettings(['guide-save-promo-codes'], { ...first, ...input.saveSettings, quantity: input.quantity })
    if (opened('guide-save-promo-codes')?.saveReplenishment?.pool)
      handSettings(['guide-save-and-generate'], { ...first, ...input })
    if (opened('guide-preview-format')?.previewFormat?.capacity) hand('guide-create-format', { shape })
  }

  const madeTask = (data) =>
    data?.generateCodes?.task ?? data?.saveReplenishment?.refill ?? data?.uploadCodes?.task ?? undefined

  const rememberCursor = (cursor) => remember({ after: `"after": ${JSON.stringify(cursor)}` })

  offer(config.guide.fills)

  // ------------------------------------------------------------------ the key

  const NO_KEY = 'Bearer <paste an API key here>'
  const KEPT_KEY = `${PREFIX}authorization`

  // A key that the user pastes is kept for this window only.
  let authorization = config.authorization ?? sessionStorage.getItem(KEPT_KEY) ?? NO_KEY
  let keyIsKnown
  const key = new Promise((resolve) => {
    keyIsKnown = resolve
  })
  if (authorization !== NO_KEY) keyIsKnown()

  /** Keys that the service gave to the page. It creates another one at each start. */
  const given = new Set(config.authorization === null ? [] : [config.authorization])

  const authorizationIn = (headers) =>
    Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1]

  function keepKey(accepted) {
    if (authorization !== NO_KEY || accepted === undefined) return
    authorization = accepted
    sessionStorage.setItem(KEPT_KEY, accepted)
    keyIsKnown()
  }

  /** The headers with the current key, if they have one that the service gave to the page before. */
  function withUsableKey(headers) {
    if (!given.has(authorizationIn(headers))) return headers
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization')
    return { ...Object.fromEntries(others), Authorization: authorization }
  }

  let renewing

  /** A replacement for a key that the service gave to the page and that no longer works, if there is one. */
  async function renewedKey(refused) {
    if (!given.has(refused)) return undefined
    if (refused !== authorization) return authorization
    renewing ??= renewKey().finally(() => {
      renewing = undefined
    })
    await renewing
    return refused === authorization ? undefined : authorization
  }

  async function renewKey() {
    const response = await fetch(location.pathname, { headers: { Accept: 'text/html' } }).catch(
      () => undefined,
    )
    if (response === undefined) return
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const now = JSON.parse(page.getElementById('config')?.textContent ?? 'null')
    if (now?.authorization == null) {
      say(
        'The service was restarted and no longer gives this page a key. Reload the page, or paste a key under Headers.',
      )
      return
    }
    authorization = now.authorization
    given.add(authorization)
    replaceText('request-headers.json', withKey)
    if (now.fingerprint !== config.fingerprint)
      say('The service was restarted with other data, or is another version. Reload the page.')
  }

  /** Headers with the current key in place of those that the page filled in before. */
  const withKey = (text) =>
    [NO_KEY, ...given].reduce((headers, old) => headers.replaceAll(old, authorization), text)

  // ------------------------------------------------------------------ requests

  const UNREACHABLE =
    'The service cannot be reached. It has stopped or is restarting: look where it was started, and press run again.'

  const NO_ANSWER = { errors: [{ message: UNREACHABLE }] }
  const LOST_MUTATION = {
    errors: [
      {
        message:
          'The service cannot be reached, so it is not known whether this was carried out. Look where it was started. When ' +
          'it is back, look at the pool or at History before you press run again.',
      },
    ],
  }

  const ACCEPT = 'application/graphql-response+json, application/json'

  /** A request with a file, by the GraphQL multipart request specification. */
  function formOf(request, { path, file }) {
    const form = new FormData()
    form.append('operations', JSON.stringify(request))
    form.append('map', JSON.stringify({ 0: [`variables.${path}`] }))
    form.append('0', file)
    return form
  }

  async function send(request, headers, upload) {
    const response = await fetch(config.endpoint, {
      method: 'POST',
      headers: {
        ...headers,
        ...(upload === undefined && { 'Content-Type': 'application/json' }),
        Accept: ACCEPT,
      },
      body: upload === undefined ? JSON.stringify(request) : formOf(request, upload),
    }).catch(() => undefined)
    if (response === undefined) return NO_ANSWER
    if (!response.headers.get('content-type')?.includes('json')) {
      const answered = `${response.status} ${response.statusText}`.trimEnd()
      return { errors: [{ message: `The answer is ${answered}, which did not come from the API.` }] }
    }
    return await response.json()
  }

  const isRefused = (errors) => errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED') ?? false

  /** Sends a request, and again if the key that the service gave to the page has been replaced. */
  async function post(request, headers, upload) {
    const sent = withUsableKey(headers)
    const result = await send(request, sent, upload)
    if (!isRefused(result.errors)) {
      keepKey(authorizationIn(sent))
      return result
    }
    const renewed = await renewedKey(authorizationIn(sent))
    return renewed === undefined ? result : await send(request, withUsableKey(sent), upload)
  }

  const cursorNow = async (headers) => (await post({ query: '{ eventCursor }' }, headers)).data?.eventCursor

  /** GraphiQL requests the schema before the user can have pasted a key: the answer waits for one. */
  async function introspect(request, headers) {
    const sent = authorizationIn(headers)
    if (sent === undefined || sent === NO_KEY) await key
    const used = sent === undefined || sent === NO_KEY ? { Authorization: authorization } : headers
    const result = await post(request, used)
    // WatchTask starts here, until a task is created.
    if (readJson('made', {}).after === undefined) {
      const cursor = await cursorNow(used)
      if (cursor) rememberCursor(cursor)
    }
    return result
  }

  /** Lets the user choose the file of uploadCodes; null if none was chosen. */
  function chooseFile() {
    return new Promise((resolve) => {
      const input = document.createElement('input')
      input.type = 'file'
      input.addEventListener('change', () => resolve(input.files[0] ?? null))
      input.addEventListener('cancel', () => resolve(null))
      input.click()
    })
  }

  async function ask(request, headers, { kind, tab }) {
    const wantsFile = kind === 'mutation' && request.variables?.input?.file === null
    const file = wantsFile ? await chooseFile() : undefined
    if (file === null)
      return {
        errors: [{ message: 'No file was chosen, so nothing was sent. Press run again and choose one.' }],
      }
    // WatchTask starts here, so that it shows everything of a task of this mutation, however fast that is.
    const before = kind === 'mutation' && guideTabs.has(tab) ? await cursorNow(headers) : undefined
    const result = await post(request, headers, file && { path: 'input.file', file })
    learnFrom(result.data, tab, request.variables)
    if (before && madeTask(result.data)) rememberCursor(before)
    files.set(
      tab,
      filesIn(result.data).map((found) => ({ ...found, headers })),
    )
    return kind === 'mutation' && result === NO_ANSWER ? LOST_MUTATION : result
  }

  // ------------------------------------------------------------------ subscriptions

  /** How many results of a subscription are shown below the newest one. */
  const EARLIER_RESULTS = 50

  /** Running subscriptions, by tab. GraphiQL ends one when another tab is opened; here it continues. */
  const watches = new Map()

  function watch(request, headers, tab) {
    const sameAs = JSON.stringify([request, headers])
    const known = watches.get(tab)
    if (known?.sameAs === sameAs) return known
    known?.close()
    const started = startWatch(request, headers, tab, sameAs)
    watches.set(tab, started)
    return started
  }

  function startWatch(request, headers, tab, sameAs) {
    const url = new URL(config.endpoint, location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const earlier = []
    let newest
    let observer
    let over = false
    let client

    const tell = () => {
      if (observer === undefined) return
      if (newest !== undefined) observer.next(earlier.length > 0 ? { ...newest, earlier } : newest)
      if (!over) return
      observer.complete()
      watches.delete(tab)
    }
    const show = (result) => {
      if (newest !== undefined) earlier.unshift(newest)
      earlier.splice(EARLIER_RESULTS)
      newest = result
      tell()
    }
    const end = () => {
      over = true
      client.dispose()
      tell()
    }

    const connect = (sent) => {
      // A reconnection would start from the first cursor again, and show events twice.
      client = graphqlWs.createClient({
        url: url.href,
        connectionParams: { authorization: sent },
        retryAttempts: 0,
      })
      // What follows a refusal is ignored: the subscription continues with another key, or has ended.
      let refused = false
      const goOn = async (errors) => {
        refused = true
        client.dispose()
        const renewed = await renewedKey(sent)
        if (renewed !== undefined) return connect(renewed)
        show({ errors })
        end()
      }
      const fail = async (errors) => {
        if (refused) return
        if (isRefused(errors)) return await goOn(errors)
        show({ errors })
        if (placeIsLost(errors)) await beginAgain({ Authorization: sent })
      }
      client.subscribe(request, {
        next: (result) => {
          if (result.errors) return void fail(result.errors)
          keepKey(sent)
          show(result)
        },
        error: (cause) => {
          void fail(errorsOf(cause))
          if (!refused) end()
        },
        complete: () => {
          if (!refused) end()
        },
      })
    }
    connect(authorizationIn(withUsableKey(headers)))

    return {
      sameAs,
      close: () => {
        observer = undefined
        client.dispose()
        watches.delete(tab)
      },
      subscribe: (next) => {
        observer = next
        // GraphiQL ignores results until this returns.
        queueMicrotask(tell)
        return {
          unsubscribe: () => {
            observer = undefined
            // GraphiQL only tells after its own update whether another tab was opened.
            queueMicrotask(() => {
              if (openTab === tab && observer === undefined) watches.get(tab)?.close()
            })
          },
        }
      },
    }
  }

  const placeIsLost = (errors) =>
    errors.some(({ extensions }) => ['CURSOR_EXPIRED', 'CURSOR_INVALID'].includes(extensions?.code))

  /** Starts from now, because the events since the last visit are no longer kept. */
  async function beginAgain(headers) {
    const cursor = await cursorNow(headers)
    if (!cursor) return
    rememberCursor(cursor)
    replaceText('variables.json', upToDate)
    say('Earlier events are no longer kept. Press run again to watch from now on.')
  }

  function errorsOf(cause) {
    if (Array.isArray(cause)) return cause
    if (cause instanceof CloseEvent && cause.code === 1001)
      return [{ message: 'The service is stopping or restarting. Press run again in a moment.' }]
    if (cause instanceof CloseEvent && cause.code !== 1006)
      return [{ message: `The service closed the connection: ${cause.code} ${cause.reason}`.trimEnd() }]
    return [{ message: `The connection to the service was lost. ${UNREACHABLE}` }]
  }

  // ------------------------------------------------------------------ operations

  /**
   * Just after a change of tab, GraphiQL passes the operation name and the syntax tree of the other tab. The text is from the
   * open one, so the name in it takes precedence.
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

  /** Answers that arrived while another tab was open, by tab. GraphiQL would show them in that one. */
  const late = new Map()
  let changesOfTab = 0

  async function inItsTab(tab, answer) {
    const changes = changesOfTab
    const result = await answer
    if (changes === changesOfTab) {
      showFiles()
      return result
    }
    late.set(tab, JSON.stringify(result, null, 2))
    showLate()
    return new Promise(() => {})
  }

  function showLate() {
    if (late.has(openTab)) replaceText('response.json', () => late.get(openTab))
    showFiles()
  }

  function fetcher(request, { headers, documentAST } = {}) {
    if (request.operationName === 'IntrospectionQuery') return introspect(request, headers)
    const tab = openTab
    const { kind, name } = operationMeant(request, documentAST)
    const operation = { ...request, operationName: name }
    say('')
    late.delete(tab)
    files.delete(tab)
    if (kind === 'subscription') return watch(operation, headers, tab)
    return inItsTab(tab, ask(operation, headers, { kind, tab }))
  }

  // ------------------------------------------------------------------ tabs

  /** GraphiQL keeps its tabs under this key, prefixed with its own name. */
  const TABS = 'graphiql:tabState'

  const newTab = ({ id, query, variables }) => {
    const [, name] = /^(?:query|mutation|subscription) (\w+)/m.exec(query)
    return { id, title: name, operationName: name, query, variables, headers: null, response: null }
  }

  const state = readJson(TABS, { activeTabIndex: 0, tabs: config.guide.tabs.map(newTab) })
  for (const tab of state.tabs)
    if (guideTabs.has(tab.id)) tab.variables = upToDate(withHanded(tab.id, tab.variables ?? ''))
  storage.setItem(TABS, JSON.stringify(state))
  const firstTab = state.tabs[state.activeTabIndex] ?? state.tabs[0]

  // The variables, which newcomers change, get more of the height until the user moves the divider.
  const DIVISION = 'graphiql:secondaryEditorFlex'
  if (storage.getItem(DIVISION) === null) storage.setItem(DIVISION, '1.4')

  const missing = (tabs) => config.guide.tabs.filter(({ id }) => !tabs.some((tab) => tab.id === id))

  /** The tabs in GraphiQL, which stores them a little later. */
  let tabsNow = state.tabs

  /** Restores the closed tabs of the tour, each after the one that it follows. The others stay. */
  function restoreTour() {
    const tabs = tabsNow.map((tab) => ({ ...tab, headers: null, response: null }))
    const order = config.guide.tabs.map(({ id }) => id)
    for (const tab of missing(tabs)) {
      const before = order.slice(0, order.indexOf(tab.id)).reverse()
      const place = before.map((id) => tabs.findIndex((other) => other.id === id)).find((found) => found >= 0)
      tabs.splice((place ?? -1) + 1, 0, newTab(tab))
    }
    storage.setItem(
      TABS,
      JSON.stringify({ tabs, activeTabIndex: tabs.findIndex(({ id }) => id === openTab) }),
    )
    // GraphiQL may be about to store the tabs that it has.
    leaving = true
    location.reload()
  }

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
    tabsNow = tabs
    for (const tab of [...watches.keys(), ...files.keys(), ...late.keys()]) {
      if (tabs.some((other) => other.id === tab)) continue
      watches.get(tab)?.close()
      files.delete(tab)
      late.delete(tab)
    }
    document.getElementById('restore').hidden = missing(tabs).length === 0
    if (id === openTab) return
    openTab = id
    changesOfTab += 1
    // GraphiQL calls this during its own update, which would overwrite a change made here.
    queueMicrotask(() => {
      // A running subscription keeps its variables.
      if (guideTabs.has(id) && !watches.has(id))
        replaceText('variables.json', (text) => upToDate(withHanded(id, text)))
      replaceText('request-headers.json', withKey)
      showLate()
    })
    // Now GraphiQL's button runs this tab, and does not stop the other.
    setTimeout(() => {
      if (openTab === id && watches.has(id)) document.querySelector('.graphiql-execute-button')?.click()
    })
  }

  // ------------------------------------------------------------------ accessibility

  /**
   * GraphiQL's tabs are list items with two buttons each, which a screen reader cannot present as tabs. Here they are a list
   * of buttons, one of which is current.
   */
  function mendTabs() {
    const list = document.querySelector('.graphiql-tabs')
    if (list === null) return
    setAttribute(list, 'role', 'list')
    setAttribute(list, 'aria-label', 'Tabs')
    const panel = document.getElementById('graphiql-session')
    if (panel !== null) setAttribute(panel, 'role', 'region')
    for (const item of list.children) {
      item.removeAttribute('aria-selected')
      setAttribute(item, 'role', 'listitem')
      const [button, close] = item.querySelectorAll('button')
      if (button === undefined) continue
      if (item.classList.contains('graphiql-tab-active')) setAttribute(button, 'aria-current', 'true')
      else button.removeAttribute('aria-current')
      if (close !== undefined) setAttribute(close, 'aria-label', `Close ${button.textContent}`)
    }
  }

  /** Labels the list of kinds of operations in GraphiQL's explorer. */
  function mendExplorer() {
    for (const list of document.querySelectorAll('.graphiql-plugin select'))
      setAttribute(list, 'aria-label', 'Kind of operation')
  }

  function setAttribute(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value)
  }

  /** Below this width the editors have no room for line numbers. */
  const NARROW = 1100

  /** Wraps long lines, and lets the Tab key leave the editors. */
  function mendEditors() {
    const adapt = () => {
      const narrow = innerWidth < NARROW
      for (const editor of monaco.editor.getEditors())
        editor.updateOptions({
          wordWrap: 'on',
          wrappingIndent: 'same',
          lineNumbers: narrow ? 'off' : 'on',
          folding: !narrow,
          fontSize: narrow ? 13 : 15,
        })
    }
    adapt()
    addEventListener('resize', adapt)
    monaco.editor.getEditors()[0].trigger('page', 'editor.action.toggleTabFocusMode', null)
  }

  /**
   * Gives comments more contrast in the dark theme, and lets the editors follow when the system changes from light to dark
   * while the page is open.
   */
  function mendThemes() {
    const { defineTheme } = monaco.editor
    monaco.editor.defineTheme = (name, theme) => {
      const rules = theme.base === 'vs-dark' ? [{ token: 'comment', foreground: '#8fc373' }] : []
      defineTheme(name, { ...theme, rules: [...theme.rules, ...rules] })
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
      const chosen = ['graphiql-dark', 'graphiql-light'].some((theme) =>
        document.body.classList.contains(theme),
      )
      if (!chosen) monaco.editor.setTheme(matches ? 'graphiql-DARK' : 'graphiql-LIGHT')
    })
  }

  function mend() {
    mendTabs()
    new MutationObserver(mendTabs).observe(document.querySelector('.graphiql-sessions'), {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ['role', 'aria-selected', 'class'],
    })
    new MutationObserver(mendExplorer).observe(document.querySelector('.graphiql-plugin'), {
      subtree: true,
      childList: true,
    })
  }

  // ------------------------------------------------------------------ GraphiQL

  self.MonacoEnvironment = { globalAPI: true, getWorkerUrl: (_module, label) => config.workers[label] }

  if (navigator.userAgent.includes('Mac OS')) document.getElementById('indents').textContent = 'Ctrl+Shift+M'

  const restore = document.getElementById('restore')
  restore.hidden = missing(state.tabs).length === 0
  restore.addEventListener('click', restoreTour)

  /** Calls `then` once GraphiQL has rendered what it needs. */
  function whenDrawn(isThere, then) {
    if (isThere()) then()
    else requestAnimationFrame(() => whenDrawn(isThere, then))
  }

  const script = document.createElement('script')
  script.src = config.graphiql
  script.addEventListener('load', () => {
    mendThemes()
    YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), {
      title: 'Promo codes',
      fetcher,
      storage,
      // GraphiQL finds the tab to open by comparing these with its stored tabs.
      query: firstTab.query,
      variables: firstTab.variables,
      headers: JSON.stringify({ Authorization: authorization }, null, 2),
      shouldPersistHeaders: false,
      onTabChange,
      // By default every edit changes the URL and the browser's history.
      onEditQuery: () => {},
    })
    whenDrawn(() => document.querySelector('.graphiql-tabs')?.children.length > 0, mend)
    whenDrawn(() => monaco.editor.getEditors().length === 4, mendEditors)
  })
  document.head.append(script)
})()
