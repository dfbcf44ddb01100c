import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as status from "@pulumi/pulumi/proto/status_pb";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { checkInputs } from "./check";
import { diffInputs, type Diff } from "./diff";
import type { Failure, Kind, Provider } from "./kind";
import {
  createResource,
  InitFailed,
  previewCreate,
  previewUpdate,
  readResource,
  updateResource,
} from "./resource";
import { compact, hasUnknown, type Props, type Value } from "./values";

/** A provider's gRPC server. */
export interface Served {
  port: number;
  close(): void;
}

type Handler<Request, Response> = (request: Request) => Response | Promise<Response>;

/**
 * Serves a provider to the Pulumi engine on 127.0.0.1, on the protocol's raw stubs: `@pulumi/pulumi/provider` drops the
 * configuration, the preview flag and detailed differences. Secrets come in plain (acceptSecrets: false): the engine
 * wraps them again, and nothing here prints a value.
 */
export async function serveProvider<C>(provider: Provider<C>, version: string): Promise<Served> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(ResourceProviderService, handlers(provider, version));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}

function handlers<C>(provider: Provider<C>, version: string): grpc.UntypedServiceImplementation {
  const abort = new AbortController();
  let context: C | undefined;
  const configured = () => {
    if (context === undefined) throw new Error(`the ${provider.name} provider is not configured`);
    return context;
  };
  return {
    getPluginInfo: unary<Empty, plugin.PluginInfo>(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(version);
      return info;
    }),
    checkConfig: unary<rpc.CheckRequest, rpc.CheckResponse>((request) =>
      checkResponse(props(request.getNews()), []),
    ),
    diffConfig: unary<rpc.DiffRequest, rpc.DiffResponse>(() => new rpc.DiffResponse()),
    configure: unary<rpc.ConfigureRequest, rpc.ConfigureResponse>((request) => {
      context = provider.configure(configuration(request), abort.signal);
      const response = new rpc.ConfigureResponse();
      response.setAcceptsecrets(false);
      response.setSupportspreview(true);
      response.setAcceptoutputs(false);
      return response;
    }),
    cancel: unary<Empty, Empty>(() => {
      abort.abort();
      return new Empty();
    }),
    attach: unary<plugin.PluginAttach, Empty>(() => new Empty()),
    invoke: unary<rpc.InvokeRequest, rpc.InvokeResponse>(async (request) => {
      const call = provider.invokes[request.getTok()];
      if (!call) throw new Error(`the stand-in for ${provider.name} has no function ${request.getTok()}`);
      const response = new rpc.InvokeResponse();
      response.setReturn(struct(compact(await call(configured(), props(request.getArgs())))));
      return response;
    }),
    ...resourceHandlers(provider, configured),
  };
}

function resourceHandlers<C>(provider: Provider<C>, configured: () => C): grpc.UntypedServiceImplementation {
  const kindOf = (urn: string): Kind<C> => {
    const token = urn.split("::")[2]?.split("$").pop() ?? "";
    const kind = provider.kinds[token];
    if (!kind) throw new Error(`the stand-in for ${provider.name} has no resource ${token}`);
    return kind;
  };
  return {
    check: unary<rpc.CheckRequest, rpc.CheckResponse>((request) => {
      const name = request.getUrn().split("::")[3] ?? "";
      const news = props(request.getNews());
      const olds = props(request.getOlds());
      const checked = checkInputs(kindOf(request.getUrn()), name, olds, news, request.getRandomseed_asU8());
      return checkResponse(checked.inputs, checked.failures);
    }),
    diff: unary<rpc.DiffRequest, rpc.DiffResponse>((request) => {
      const [state, inputs] = [props(request.getOlds()), props(request.getNews())];
      return diffResponse(diffInputs(kindOf(request.getUrn()), state, props(request.getOldInputs()), inputs));
    }),
    create: unary<rpc.CreateRequest, rpc.CreateResponse>(async (request) => {
      const [kind, inputs] = [kindOf(request.getUrn()), props(request.getProperties())];
      const response = new rpc.CreateResponse();
      if (request.getPreview()) {
        response.setProperties(struct(previewCreate(kind, inputs)));
        return response;
      }
      const { id, state } = await createResource(kind, configured(), inputs);
      response.setId(id);
      response.setProperties(struct(state));
      return response;
    }),
    read: unary<rpc.ReadRequest, rpc.ReadResponse>(async (request) => {
      const known = { state: props(request.getProperties()), inputs: props(request.getInputs()) };
      const found = await readResource(kindOf(request.getUrn()), configured(), request.getId(), known);
      const response = new rpc.ReadResponse();
      if (!found) return response; // an empty id: gone
      response.setId(found.id);
      response.setProperties(struct(found.state));
      response.setInputs(struct(found.inputs));
      return response;
    }),
    update: unary<rpc.UpdateRequest, rpc.UpdateResponse>(async (request) => {
      const [kind, inputs] = [kindOf(request.getUrn()), props(request.getNews())];
      const old = { state: props(request.getOlds()), inputs: props(request.getOldInputs()) };
      const response = new rpc.UpdateResponse();
      const state = request.getPreview()
        ? previewUpdate(kind, old, inputs, diffInputs(kind, old.state, old.inputs, inputs))
        : await updateResource(kind, configured(), request.getId(), old, inputs);
      response.setProperties(struct(state));
      return response;
    }),
    delete: unary<rpc.DeleteRequest, Empty>(async (request) => {
      await kindOf(request.getUrn()).delete(configured(), request.getId(), props(request.getProperties()));
      return new Empty();
    }),
  };
}

function unary<Request, Response>(
  handle: Handler<Request, Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handle(call.request))
      .then((response) => callback(null, response))
      .catch((error: Error) => callback(rpcError(error)));
  };
}

/** The error as gRPC sends it; a half-made resource goes along, so that the engine does not lose it. */
function rpcError(error: Error): Partial<grpc.StatusObject> {
  const failure = { code: grpc.status.UNKNOWN, details: error.message };
  if (!(error instanceof InitFailed)) return failure;
  const detail = new rpc.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(struct(error.state));
  detail.setReasonsList([error.message]);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const message = new status.Status();
  message.setCode(grpc.status.UNKNOWN);
  message.setMessage(error.message);
  message.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(message.serializeBinary()));
  return { ...failure, metadata };
}

/** Configuration is text; what is not a string in the schema comes as JSON. */
function configuration(request: rpc.ConfigureRequest): Props {
  const config: Props = {};
  for (const [key, value] of Object.entries(props(request.getArgs()))) {
    if (hasUnknown(value)) continue; // a provider that depends on what is not made yet, in a preview
    config[key] = typeof value === "string" ? parsed(value) : value;
  }
  return config;
}

function parsed(value: string): Value {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    return value;
  }
}

function checkResponse(inputs: Props, failures: Failure[]): rpc.CheckResponse {
  const response = new rpc.CheckResponse();
  response.setInputs(struct(inputs));
  for (const { property, reason } of failures) {
    const failure = new rpc.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

function diffResponse(diff: Diff): rpc.DiffResponse {
  const response = new rpc.DiffResponse();
  const differs = Object.keys(diff.detailed).length > 0;
  response.setChanges(
    differs ? rpc.DiffResponse.DiffChanges.DIFF_SOME : rpc.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setDiffsList(diff.changed);
  response.setReplacesList(diff.replaces);
  response.setDeletebeforereplace(diff.replaces.length > 0 && diff.deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  for (const [path, kind] of Object.entries(diff.detailed)) {
    const property = new rpc.PropertyDiff();
    property.setKind(rpc.PropertyDiff.Kind[kind]);
    property.setInputdiff(true);
    response.getDetaileddiffMap().set(path, property);
  }
  return response;
}

function props(value: Struct | undefined): Props {
  return compact((value?.toJavaScript() ?? {}) as Props);
}

function struct(value: Props): Struct {
  return Struct.fromJavaScript(value as Record<string, JavaScriptValue>);
}
