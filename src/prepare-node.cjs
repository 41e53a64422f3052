// Loaded before a program by `node --require`: checks the version of Node.js, and turns on its compile cache, which makes the
// next start faster. It is in old JavaScript, so that old versions can run it.
'use strict'

var neededVersion = 24

function exit(lines) {
  process.stderr.write(lines.concat('').join('\n'))
  process.exit(1)
}

if (Number(process.versions.node.split('.')[0]) < neededVersion) {
  exit([
    'Promo codes needs Node.js 24 or newer, and this is '.concat(process.versions.node, '.'),
    '',
    'On Linux, npm ci installs it, unless with --omit=optional.',
    'Elsewhere, and in production, get it from https://nodejs.org/en/download, with a version manager',
    '(nvm install 24), or as a container image (node:24).',
  ])
}

var modules = require('node:path').join(__dirname, '../node_modules')

if (!require('node:fs').existsSync(modules))
  exit(['The packages of the service are not installed: run npm ci first.'])

require('node:module').enableCompileCache(require('node:path').join(modules, '.cache/node'))
