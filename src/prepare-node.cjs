// Loaded before a program, by `node --require`: says which Node.js it needs while any other can still read this file,
// and keeps what Node.js compiles, so that the next start is quicker. In old JavaScript, for old versions.
'use strict'

var neededVersion = 24

function refuse(lines) {
  process.stderr.write(lines.concat('').join('\n'))
  process.exit(1)
}

if (Number(process.versions.node.split('.')[0]) < neededVersion) {
  refuse([
    'Promo codes needs Node.js 24 or newer, and this is '.concat(process.versions.node, '.'),
    '',
    'On Linux npm brings it along, unless it is told to --omit=optional: run npm ci.',
    'Elsewhere, and in production, get it from https://nodejs.org/en/download, with a version manager',
    '(nvm install 24), or as a container image (node:24).',
  ])
}

var modules = require('node:path').join(__dirname, '../node_modules')

if (!require('node:fs').existsSync(modules))
  refuse(['The packages that the service needs are not there: run npm ci first.'])

require('node:module').enableCompileCache(require('node:path').join(modules, '.cache/node'))
