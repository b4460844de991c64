/** What a customer's site does to sign somebody in, in three languages. docs/customer-sign-in.md has the same lines; tests run them. */

export type Language = 'python' | 'node' | 'php';

export const LANGUAGES: readonly { id: Language; label: string }[] = [
  { id: 'node', label: 'Node.js' },
  { id: 'python', label: 'Python' },
  { id: 'php', label: 'PHP' },
];

const TEXTS: Record<Language, string> = {
  node: `const { randomUUID } = require('node:crypto');
const jwt = require('jsonwebtoken'); // npm install jsonwebtoken

function portalToken(email, name) {
  return jwt.sign({ email, name, jti: randomUUID() }, process.env.STEWARD_SECRET, {
    algorithm: 'HS256',
    keyid: '{kid}',
    audience: '{audience}',
    expiresIn: 120,
  });
}`,
  python: `import os
import time
import uuid

import jwt  # pip install PyJWT


def portal_token(email, name):
    now = int(time.time())
    claims = {
        "aud": "{audience}",
        "email": email,
        "name": name,
        "iat": now,
        "exp": now + 120,
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(claims, os.environ["STEWARD_SECRET"], algorithm="HS256", headers={"kid": "{kid}"})`,
  php: `use Firebase\\JWT\\JWT; // composer require firebase/php-jwt

function portal_token(string $email, string $name): string
{
    $now = time();
    $claims = [
        'aud' => '{audience}',
        'email' => $email,
        'name' => $name,
        'iat' => $now,
        'exp' => $now + 120,
        'jti' => bin2hex(random_bytes(16)),
    ];
    return JWT::encode($claims, getenv('STEWARD_SECRET'), 'HS256', '{kid}');
}`,
};

const FORM = `<form method="post" action="{audience}">
  <input type="hidden" name="token" value="…">
  <button>My requests</button>
</form>`;

export interface Of {
  kid: string;
  audience: string;
}

const filled = (text: string, { kid, audience }: Of) => text.replaceAll('{kid}', kid).replaceAll('{audience}', audience);

export const signing = (language: Language, of: Of): string => filled(TEXTS[language], of);
export const form = (of: Of): string => filled(FORM, of);
