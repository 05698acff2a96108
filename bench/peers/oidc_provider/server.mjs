// The peer as its documentation would have it for machines: client_credentials, resource indicators, JWT access tokens
// signed with ES256, its own in-memory store. One line of JSON on stdin says who may ask; one on stdout says where.
// It ends when stdin does.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

process.env.NODE_ENV = 'production';
const { default: Provider, errors } = await import('oidc-provider');

function configuration({ resource, scope, lifetime, basic, key }) {
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope };
  return {
    clients: [
      {
        ...machine,
        client_id: basic.client_id,
        client_secret: basic.secret,
        token_endpoint_auth_method: 'client_secret_basic',
      },
      {
        ...machine,
        client_id: key.client_id,
        jwks: { keys: [key.jwk] },
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: ['client_secret_basic', 'private_key_jwt'],
    jwks: { keys: [{ ...signing, kid: 'bench', alg: 'ES256', use: 'sig' }] },
    scopes: [scope],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(ctx, indicator) {
          if (indicator !== resource) throw new errors.InvalidTarget();
          return {
            scope,
            audience: resource,
            accessTokenTTL: lifetime,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    ttl: { ClientCredentials: lifetime },
  };
}

function serve(told) {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, configuration(told));
    server.on('request', provider.callback());
    process.stdout.write(`${JSON.stringify({ issuer })}\n`);
  });
}

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => serve(JSON.parse(line)));
lines.once('close', () => process.exit(0));
