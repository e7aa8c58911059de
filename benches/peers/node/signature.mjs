// The gateway's signature: each block goes through the private-key operation, without a hash (protocol P6, P7).
import { constants, createPrivateKey, createPublicKey, privateEncrypt, publicDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'

const padding = constants.RSA_PKCS1_PADDING
const PADDING_BYTES = 11

// The values in the byte order of their names, one after the other.
const signedText = (fields) => Buffer.from(Object.keys(fields).sort().map((name) => fields[name]).join(''))

function chunks(bytes, size) {
  const list = []
  for (let from = 0; from < bytes.length; from += size) list.push(bytes.subarray(from, from + size))
  return list
}

const bytesOf = (key) => key.asymmetricKeyDetails.modulusLength / 8

export class Signer {
  constructor(file) {
    this.key = createPrivateKey(readFileSync(file))
  }

  sign(fields) {
    const blocks = chunks(signedText(fields), bytesOf(this.key) - PADDING_BYTES)
    return Buffer.concat(blocks.map((block) => privateEncrypt({ key: this.key, padding }, block))).toString('base64')
  }
}

export class Verifier {
  constructor(file) {
    this.key = createPublicKey(readFileSync(file))
  }

  // Whether `platSign` is of all other fields.
  verifies({ platSign, ...fields }) {
    if (typeof platSign !== 'string') return false
    const size = bytesOf(this.key)
    const texts = chunks(signedText(fields), size - PADDING_BYTES)
    const blocks = chunks(Buffer.from(platSign, 'base64'), size)
    if (texts.length !== blocks.length) return false
    try {
      return texts.every((text, at) => publicDecrypt({ key: this.key, padding }, blocks[at]).equals(text))
    } catch {
      return false
    }
  }
}
