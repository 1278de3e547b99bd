// Two unmodified clients: the password grant, a refresh, introspection and revocation with each.
import assert from 'node:assert/strict';
import { ResourceOwnerPassword } from 'simple-oauth2';
import * as openid from 'openid-client';

const realm = 'http://127.0.0.1:8080/oauth2/realms/root/realms/alpha';
const user = { username: 'demo', password: 'a-user-password-0815' };
const secret = 'a-client-secret-4711';

const simple = new ResourceOwnerPassword({
  client: { id: 'myClient', secret },
  auth: { tokenHost: 'http://127.0.0.1:8080', tokenPath: new URL(`${realm}/access_token`).pathname, revokePath: new URL(`${realm}/token/revoke`).pathname },
});
const first = await simple.getToken({ ...user, scope: 'write' });
const second = await first.refresh();
assert.notEqual(second.token.access_token, first.token.access_token);
await second.revokeAll();
await assert.rejects(second.refresh());
console.log('simple-oauth2: password grant, refresh and revocation work');

const config = await openid.discovery(new URL(realm), 'myClient', secret, openid.ClientSecretBasic(secret), { execute: [openid.allowInsecureRequests] });
const tokens = await openid.genericGrantRequest(config, 'password', { ...user, scope: 'write' });
assert.equal((await openid.tokenIntrospection(config, tokens.access_token)).active, true);
const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
await openid.tokenRevocation(config, refreshed.refresh_token);
assert.equal((await openid.tokenIntrospection(config, refreshed.access_token)).active, false);
console.log('openid-client: discovery, password grant, introspection, refresh and revocation work');
