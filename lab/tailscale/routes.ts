import { ApiError } from "./api-error";
import { basicUser, requireScope, type Credentials, type Principal } from "./auth";
import type { ControlPlane } from "./control-plane";
import { filterDevices, renderDevice, type DeviceDirectory, type Later } from "./devices";
import { field, isBoolean, isString, isStrings, jsonBody, type Answer, type Call } from "./http";
import type { AuthKeys } from "./keys";
import type { PolicyFile } from "./policy-file";
import { readTests } from "./policy-shape";
import { runTests } from "./policy-tests";
import type { TailnetSettings } from "./settings";
import { requireTags } from "./tags";
import { parseHujson } from "./hujson";
import { checkPolicy } from "./validate";

/** The state behind the endpoints. */
export interface Tailnet {
  name: string;
  policy: PolicyFile;
  keys: AuthKeys;
  devices: DeviceDirectory;
  /** The real control server behind the API, where there is one. */
  control?: ControlPlane;
  credentials: Credentials;
  settings: TailnetSettings;
}

interface Route {
  method: string;
  path: RegExp;
  /** The scope an OAuth token needs. */
  scope: string;
  handle(call: Call, tailnet: Tailnet, who: Principal, id: string): Later<Answer>;
}

const routes: Route[] = [
  { method: "GET", path: tailnetPath("acl"), scope: "policy_file:read", handle: getPolicy },
  { method: "POST", path: tailnetPath("acl"), scope: "policy_file", handle: setPolicy },
  { method: "POST", path: tailnetPath("acl/validate"), scope: "policy_file:read", handle: validatePolicy },
  { method: "POST", path: tailnetPath("keys"), scope: "auth_keys", handle: createKey },
  { method: "GET", path: tailnetPath("keys"), scope: "auth_keys:read", handle: listKeys },
  { method: "GET", path: tailnetPath("keys/([^/]+)"), scope: "auth_keys:read", handle: getKey },
  { method: "DELETE", path: tailnetPath("keys/([^/]+)"), scope: "auth_keys", handle: deleteKey },
  { method: "GET", path: tailnetPath("devices"), scope: "devices:core:read", handle: listDevices },
  { method: "GET", path: tailnetPath("settings"), scope: "feature_settings:read", handle: getSettings },
  { method: "GET", path: devicePath(""), scope: "devices:core:read", handle: getDevice },
  { method: "DELETE", path: devicePath(""), scope: "devices:core", handle: deleteDevice },
  { method: "POST", path: devicePath("/key"), scope: "devices:core", handle: setDeviceKey },
  { method: "POST", path: devicePath("/tags"), scope: "devices:core", handle: setDeviceTags },
  { method: "POST", path: devicePath("/authorized"), scope: "devices:core", handle: authorizeDevice },
  { method: "POST", path: devicePath("/name"), scope: "devices:core", handle: renameDevice },
];

/** Answers one request. @throws ApiError for every answer that is not a success */
export async function dispatch(call: Call, tailnet: Tailnet): Promise<Answer> {
  if (call.path === "/api/v2/oauth/token") return issueToken(call, tailnet);
  if (call.path === "/api/v2/oauth/token-exchange") return exchangeToken(call, tailnet);
  const here = routes.filter((r) => r.path.test(call.path));
  // Who is asking comes first: a stranger learns nothing about which paths there are.
  const who = tailnet.credentials.authenticate(call.headers.authorization);
  const route = here.find((r) => r.method === call.method);
  if (!route)
    throw new ApiError(here.length > 0 ? 405 : 404, here.length > 0 ? "method not allowed" : "not found");
  const groups = route.path.exec(call.path) ?? [];
  const names = groups.slice(1).map((g) => decodeURIComponent(g ?? ""));
  const [first = "", second = ""] = names;
  const isDevice = call.path.startsWith("/api/v2/device/");
  if (!isDevice && first !== "-" && first !== tailnet.name) throw new ApiError(404, "tailnet not found");
  requireScope(who, route.scope);
  return route.handle(call, tailnet, who, isDevice ? first : second);
}

function tailnetPath(rest: string): RegExp {
  return new RegExp(`^/api/v2/tailnet/([^/]+)/${rest}$`);
}

function devicePath(rest: string): RegExp {
  return new RegExp(`^/api/v2/device/([^/]+)${rest}$`);
}

function issueToken(call: Call, { credentials }: Tailnet): Answer {
  if (call.method !== "POST") throw new ApiError(405, "method not allowed");
  const form = new URLSearchParams(call.body);
  const [scheme, value] = (call.headers.authorization ?? "").split(/\s+/, 2);
  const basic = scheme?.toLowerCase() === "basic" && value ? basicUser(value) : undefined;
  const id = form.get("client_id") ?? (basic && decodeURIComponent(basic.user));
  const secret = form.get("client_secret") ?? (basic && decodeURIComponent(basic.password));
  const grant = form.get("grant_type") ?? "client_credentials";
  if (grant !== "client_credentials") throw new ApiError(400, `unsupported grant_type "${grant}"`);
  return tokenAnswer(
    credentials,
    credentials.issueToken(id ?? "", secret ?? "", form.get("scope") ?? undefined),
  );
}

function exchangeToken(call: Call, { credentials }: Tailnet): Answer {
  if (call.method !== "POST") throw new ApiError(405, "method not allowed");
  const form = new URLSearchParams(call.body);
  return tokenAnswer(
    credentials,
    credentials.exchangeToken(form.get("client_id") ?? "", form.get("jwt") ?? ""),
  );
}

function tokenAnswer(credentials: Credentials, { token, scope }: { token: string; scope: string }): Answer {
  const expires_in = credentials.tokenLifetimeSeconds;
  return { json: { access_token: token, token_type: "Bearer", expires_in, scope } };
}

function getPolicy(call: Call, { policy }: Tailnet): Answer {
  const details = call.query.get("details");
  if (details !== "1" && details !== "true") return renderPolicy(call, policy);
  const acl = Buffer.from(policy.text, "utf8").toString("base64");
  return { headers: { ETag: policy.etag }, json: { acl, warnings: policy.warnings, errors: null } };
}

/** JSON only for those who ask for it; everybody else gets the file as it was written. */
function renderPolicy(call: Call, policy: PolicyFile): Answer {
  if (call.headers.accept?.includes("application/json")) {
    return { headers: { ETag: policy.etag, "Content-Type": "application/json" }, text: policy.json };
  }
  return { headers: { ETag: policy.etag, "Content-Type": "application/hujson" }, text: policy.text };
}

async function setPolicy(call: Call, { policy }: Tailnet): Promise<Answer> {
  await policy.write(call.body, call.headers["if-match"]);
  return renderPolicy(call, policy);
}

/** 200 whatever comes out: a caller who looks at the status only believes that everything is fine. */
async function validatePolicy(call: Call, { policy, control }: Tailnet): Promise<Answer> {
  try {
    const value = parseHujson(call.body);
    if (Array.isArray(value)) runTests(readTests(value), policy.value);
    else {
      checkPolicy(call.body);
      await control?.checkPolicy(call.body);
    }
  } catch (error) {
    if (error instanceof ApiError) return { json: error.body() };
    throw error;
  }
  if (policy.warnings.length === 0) return { json: {} };
  return { json: { message: "warning(s) found", data: [{ user: "", warnings: policy.warnings }] } };
}

/** With a control server the key is its own one, which its clients can use; we know its rights and its hash. */
async function createKey(call: Call, { keys, control }: Tailnet, who: Principal): Promise<Answer> {
  if (!control) {
    const { key, secret } = keys.create(jsonBody(call), who);
    return { json: { ...keys.render(key), key: secret } };
  }
  const key = keys.draft(jsonBody(call), who);
  const secret = await control.createKey(key);
  keys.add(key, secret);
  return { json: { ...keys.render(key), key: secret } };
}

/** Learns from the control server which keys were used. */
export async function refreshKeys({ keys, control }: Pick<Tailnet, "keys" | "control">): Promise<void> {
  const used = new Set(await control?.usedKeys());
  for (const key of keys.all()) if (used.has(key.id)) key.uses ||= 1;
}

/** Without `?all=true`: a person sees the own keys, an OAuth client the tailnet's OAuth clients. */
async function listKeys(call: Call, tailnet: Tailnet, who: Principal): Promise<Answer> {
  const { keys, credentials } = tailnet;
  await refreshKeys(tailnet);
  const all = call.query.get("all") === "true";
  if (!all && who.kind === "oauth") {
    return { json: { keys: credentials.clientIds().map((id) => ({ id, keyType: "client" })) } };
  }
  const active = keys.all().filter((k) => !keys.isInvalid(k));
  const visible = active.filter((k) => all || (who.kind === "user" && k.owner === who.login));
  return { json: { keys: visible.map((k) => keys.render(k)) } };
}

async function getKey(_call: Call, tailnet: Tailnet, _who: Principal, id: string): Promise<Answer> {
  const { keys } = tailnet;
  await refreshKeys(tailnet);
  return { json: keys.render(keys.get(id)) };
}

async function deleteKey(
  _call: Call,
  { keys, control }: Tailnet,
  _who: Principal,
  id: string,
): Promise<Answer> {
  const key = keys.get(id);
  if (key.revoked === undefined) await control?.revokeKey(key);
  keys.revoke(id);
  return { json: null };
}

async function listDevices(call: Call, { devices }: Tailnet): Promise<Answer> {
  const all = call.query.get("fields") === "all";
  const found = filterDevices(await devices.all(), call.query);
  return { json: { devices: found.map((d) => renderDevice(d, all)) } };
}

function getSettings(_call: Call, { settings }: Tailnet): Answer {
  return { json: settings };
}

async function getDevice(call: Call, { devices }: Tailnet, _who: Principal, id: string): Promise<Answer> {
  return { json: renderDevice(await devices.get(id), call.query.get("fields") === "all") };
}

async function deleteDevice(_call: Call, { devices }: Tailnet, _who: Principal, id: string): Promise<Answer> {
  await devices.remove(id);
  return { json: null };
}

async function setDeviceKey(call: Call, { devices }: Tailnet, _who: Principal, id: string): Promise<Answer> {
  await devices.get(id);
  await devices.setKeyExpiryDisabled(id, field(jsonBody(call), "keyExpiryDisabled", isBoolean));
  return { json: null };
}

async function setDeviceTags(
  call: Call,
  { devices, policy }: Tailnet,
  who: Principal,
  id: string,
): Promise<Answer> {
  await devices.get(id);
  const tags = field(jsonBody(call), "tags", isStrings);
  requireTags(tags, who, policy.tagOwners);
  await devices.setTags(id, tags);
  return { json: null };
}

async function authorizeDevice(
  call: Call,
  { devices }: Tailnet,
  _who: Principal,
  id: string,
): Promise<Answer> {
  await devices.get(id);
  await devices.setAuthorized(id, field(jsonBody(call), "authorized", isBoolean));
  return { json: null };
}

async function renameDevice(call: Call, { devices }: Tailnet, _who: Principal, id: string): Promise<Answer> {
  await devices.rename(id, field(jsonBody(call), "name", isString));
  return { json: null };
}
