// Signs and verifies, as Atlassian's own library does, what the test on standard input asks for.
import { generateKeyPairSync } from 'node:crypto'
import { text } from 'node:stream/consumers'
import jwt from 'atlassian-jwt'

const { secret, claims, requests, install, tokens } = JSON.parse(await text(process.stdin))
const hash = ({ method, url }) => jwt.createQueryStringHash(jwt.fromMethodAndUrl(method, url), false, '')
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const installed = { ...claims, aud: install.audience, qsh: hash(install) }

console.log(
  JSON.stringify({
    hashes: requests.map(hash),
    signed: requests.map((request) => jwt.encodeSymmetric({ ...claims, qsh: hash(request) }, secret, 'HS256')),
    install: jwt.encodeAsymmetric(installed, privateKey, 'RS256', { kid: install.kid }),
    publicKey,
    verified: tokens.map((token) => jwt.decodeSymmetric(token, secret, 'HS256')),
  }),
)
