import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import assert from "node:assert/strict";
import {
  serveProvider,
  UNKNOWN,
  type Kind,
  type Props,
  type Provider,
  type Served,
} from "../../../lab/providers/host";
import { checkInputs } from "../../../lab/providers/host/check";
import { diffInputs } from "../../../lab/providers/host/diff";

/** A cloud in memory, and one kind of thing in it. */
interface Cloud {
  things: Map<string, Props>;
  region: string;
  failReads: boolean;
}

const thing: Kind<Cloud> = {
  inputs: ["name", "size", "color", "tags", "zone", "frozen"],
  required: ["size"],
  defaults: { color: "red" },
  autoname: "name",
  replaceOn: ["name", "frozen.hard"],
  chosen: ["zone"],
  outputs: ["serial"],
  touches: (changed) => (changed.includes("size") ? ["serial"] : []),
  async create(cloud, inputs) {
    const id = `thing-${cloud.things.size + 1}`;
    cloud.things.set(id, { zone: "a", ...inputs });
    return { id, outputs: { secret: "shown once" } };
  },
  async read(cloud, id, state) {
    if (cloud.failReads) throw new Error("the cloud is down");
    const { __defaults, ...found } = cloud.things.get(id) ?? { __defaults: null };
    void __defaults;
    if (!cloud.things.has(id)) return undefined;
    return { inputs: found, outputs: { serial: `${id}/${String(found["size"])}`, secret: state["secret"] } };
  },
  async update(cloud, id, inputs) {
    cloud.things.set(id, { ...cloud.things.get(id), ...inputs });
  },
  async delete(cloud, id) {
    cloud.things.delete(id);
  },
};

const provider = (cloud: Cloud): Provider<Cloud> => ({
  name: "test",
  kinds: { "test:index:Thing": thing },
  invokes: { "test:index:where": async ({ region }, args) => ({ region, asked: args["what"] }) },
  configure: (config) => Object.assign(cloud, { region: String(config["region"]) }),
});

const URN = "urn:pulumi:dev::project::my:component$test:index:Thing::mine";

describe("the provider host over gRPC", () => {
  const cloud: Cloud = { things: new Map(), region: "", failReads: false };
  let served: Served;
  let client: ResourceProviderClient;

  before(async () => {
    served = await serveProvider(provider(cloud), "1.2.3");
    client = new ResourceProviderClient(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure());
  });
  after(() => {
    client.close();
    served.close();
  });
  beforeEach(() => {
    cloud.things.clear();
    cloud.failReads = false;
  });

  const struct = (value: Props) => Struct.fromJavaScript(value as Record<string, JavaScriptValue>);
  const call = <Q, S>(
    method: (q: Q, done: (e: grpc.ServiceError | null, s: S) => void) => unknown,
    request: Q,
  ) =>
    new Promise<S>((resolve, reject) => {
      method.call(client, request, (error, response) => (error ? reject(error) : resolve(response)));
    });

  async function configure(args: Props): Promise<rpc.ConfigureResponse> {
    const request = new rpc.ConfigureRequest();
    request.setArgs(struct(args));
    return call<rpc.ConfigureRequest, rpc.ConfigureResponse>(client.configure, request);
  }

  async function create(inputs: Props, preview = false): Promise<{ id: string; state: unknown }> {
    const request = new rpc.CreateRequest();
    request.setUrn(URN);
    request.setProperties(struct(inputs));
    request.setPreview(preview);
    const made = await call<rpc.CreateRequest, rpc.CreateResponse>(client.create, request);
    return { id: made.getId(), state: made.getProperties()?.toJavaScript() };
  }

  async function read(id: string, state: Props, inputs: Props) {
    const request = new rpc.ReadRequest();
    request.setUrn(URN);
    request.setId(id);
    request.setProperties(struct(state));
    request.setInputs(struct(inputs));
    const found = await call<rpc.ReadRequest, rpc.ReadResponse>(client.read, request);
    return {
      id: found.getId(),
      inputs: found.getInputs()?.toJavaScript(),
      state: found.getProperties()?.toJavaScript(),
    };
  }

  it("says its version, takes its configuration, and asks for plain secrets and previews", async () => {
    const info = await call<Empty, { getVersion(): string }>(client.getPluginInfo, new Empty());
    const answer = await configure({ region: "eu" });
    assert.deepEqual(
      [info.getVersion(), cloud.region, answer.getAcceptsecrets(), answer.getSupportspreview()],
      ["1.2.3", "eu", false, true],
    );
  });

  it("creates, reads back and keeps what only the creation told", async () => {
    await configure({ region: "eu" });
    const made = await create({ name: "n", size: 1 });
    const state = { name: "n", size: 1, zone: "a", serial: "thing-1/1", secret: "shown once" };
    assert.deepEqual(made, { id: "thing-1", state });
    assert.deepEqual(await read("thing-1", state, { name: "n", size: 1 }), {
      id: "thing-1",
      inputs: { name: "n", size: 1 },
      state,
    });
  });

  it("previews a creation without making anything, unknown where the cloud decides", async () => {
    const made = await create({ name: "n", size: 1 }, true);
    assert.deepEqual(made, { id: "", state: { name: "n", size: 1, zone: UNKNOWN, serial: UNKNOWN } });
    assert.equal(cloud.things.size, 0);
  });

  it("unwraps a secret's envelope", async () => {
    const envelope = {
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
      value: "blue",
    };
    await create({ name: "n", size: 1, color: envelope });
    assert.equal(cloud.things.get("thing-1")?.["color"], "blue");
  });

  it("sees drift in the inputs of a program, foreign tags included, and that a thing is gone", async () => {
    await create({ name: "n", size: 1, color: "red" });
    cloud.things.set("thing-1", { name: "n", size: 2, zone: "b", tags: { by: "hand" } });
    const drifted = await read(
      "thing-1",
      { name: "n", size: 1, color: "red" },
      { name: "n", size: 1, color: "red" },
    );
    cloud.things.clear();
    const gone = await read("thing-1", {}, {});
    assert.deepEqual(
      [drifted.inputs, gone.id],
      [{ name: "n", size: 2, color: "red", tags: { by: "hand" } }, ""],
    );
  });

  it("hands over a thing that was made but could not be read, so that it is not lost", async () => {
    cloud.failReads = true;
    const error = (await create({ name: "n", size: 1 }).catch((e: unknown) => e)) as grpc.ServiceError;
    assert.match(error.details, /reading thing-1: the cloud is down/);
    const detail = error.metadata.get("grpc-status-details-bin")[0];
    assert.ok(
      Buffer.isBuffer(detail) &&
        detail.includes("pulumirpc.ErrorResourceInitFailed") &&
        detail.includes("thing-1"),
    );
  });

  it("answers functions, and says what it does not have", async () => {
    const request = (token: string) => {
      const message = new rpc.InvokeRequest();
      message.setTok(token);
      message.setArgs(struct({ what: "now" }));
      return call<rpc.InvokeRequest, rpc.InvokeResponse>(client.invoke, message);
    };
    const answer = (await request("test:index:where")).getReturn()?.toJavaScript();
    assert.deepEqual(answer, { region: "eu", asked: "now" });
    await assert.rejects(request("test:index:why"), /has no function test:index:why/);
  });
});

describe("the provider host's comparison of inputs", () => {
  const cases: [string, Props, Props, Record<string, string>][] = [
    ["nothing", { size: 1, tags: { a: "b" } }, { tags: { a: "b" }, size: 1 }, {}],
    [
      "a changed, an added and a removed input",
      { size: 1, color: "red" },
      { size: 2, tags: {} },
      { size: "UPDATE", color: "DELETE", tags: "ADD" },
    ],
    [
      "one tag, by its path",
      { tags: { a: "b", "x.y": "1" } },
      { tags: { a: "c", "x.y": "2" } },
      { "tags.a": "UPDATE", 'tags["x.y"]': "UPDATE" },
    ],
    ["a name, which replaces", { name: "a" }, { name: "b" }, { name: "UPDATE_REPLACE" }],
    [
      "a nested input that replaces, beside one that does not",
      { frozen: { hard: 1, soft: 1 } },
      { frozen: { hard: 2, soft: 2 } },
      { "frozen.hard": "UPDATE_REPLACE", "frozen.soft": "UPDATE" },
    ],
    ["an unknown value", { size: 1 }, { size: UNKNOWN }, { size: "UPDATE" }],
    ["a choice left to the cloud again", { zone: "a" }, {}, {}],
    ["a list, as a whole", { list: [1, 2] }, { list: [2, 1] }, { list: "UPDATE" }],
  ];
  for (const [what, before_, after_, expected] of cases) {
    it(`finds ${what}`, () => {
      assert.deepEqual(diffInputs(thing, {}, before_, after_).detailed, expected);
    });
  }

  it("replaces on every change when there is no update", () => {
    const fixed = { ...thing, update: undefined };
    assert.deepEqual(diffInputs(fixed, {}, { size: 1 }, { size: 2 }).replaces, ["size"]);
  });

  it("deletes first when the user fixed the name, and not when the host made it up", () => {
    const first = (inputs: Props) =>
      diffInputs(thing, {}, { name: "a", size: 1 }, inputs).deleteBeforeReplace;
    assert.deepEqual(
      [first({ name: "a" }), first({ name: "a", __defaults: ["name"] }), first({ name: "b" })],
      [true, false, false],
    );
  });
});

describe("the provider host's check of inputs", () => {
  const seed = Buffer.from("seed");

  it("fills in defaults and a name that stays, and is another one for a replacement", () => {
    const fresh = checkInputs(thing, "mine", {}, { size: 1 }, seed).inputs;
    assert.match(String(fresh["name"]), /^mine-[0-9a-f]{7}$/);
    assert.deepEqual(fresh, { size: 1, color: "red", name: fresh["name"], __defaults: ["color", "name"] });
    const later = checkInputs(
      thing,
      "mine",
      { name: "mine-old", __defaults: ["name"] },
      { size: 1 },
      seed,
    ).inputs;
    const other = checkInputs(thing, "mine", {}, { size: 1 }, Buffer.from("other")).inputs;
    assert.deepEqual([later["name"], other["name"] === fresh["name"]], ["mine-old", false]);
  });

  it("names what is missing and what it does not know", () => {
    assert.deepEqual(checkInputs(thing, "mine", {}, { wings: 2 }, seed).failures, [
      { property: "size", reason: 'Missing required argument: "size" is required' },
      { property: "wings", reason: "the lab's stand-in does not know this argument" },
    ]);
  });
});
