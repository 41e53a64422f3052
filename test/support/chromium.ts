import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createBrotliDecompress } from 'node:zlib'
import { type Product, project } from '../../src/build/build.ts'
import { replaceFolder } from '../../src/build/folder.ts'

const packed = 'node_modules/@sparticuz/chromium'

/**
 * A headless Chromium for Linux on x64 from an npm package, which contains the libraries and fonts it needs, so that nothing
 * has to be installed. Unpacked (200 MB), it is kept for later runs: that takes seconds.
 */
export const unpackedChromium: Product = {
  name: 'the browser of the tests',
  inputs: [],
  versions: [join(packed, 'package.json')],
  output: 'node_modules/.cache/chromium',
  async make(root) {
    await replaceFolder(join(root, unpackedChromium.output), async (folder) => {
      const from = join(root, packed, 'bin')
      await Promise.all([
        decompress(join(from, 'chromium.br'), join(folder, 'chromium')),
        untar(join(from, 'al2023.tar.br'), join(folder, 'libraries')),
        untar(join(from, 'fonts.tar.br'), join(folder, 'fonts')),
      ])
    })
  },
}

/** Where it is, once it is unpacked. */
export const chromiumFolder = join(project, unpackedChromium.output)

async function decompress(from: string, to: string): Promise<void> {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o700 }))
}

async function untar(archive: string, folder: string): Promise<void> {
  await mkdir(folder)
  await decompress(archive, `${folder}.tar`)
  await promisify(execFile)('tar', ['-xf', `${folder}.tar`, '-C', folder])
}
