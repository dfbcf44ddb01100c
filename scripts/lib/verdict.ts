import { parseVersion, refusal } from "../../components/tailscale-version";

/** What `scripts/verify` saw on a client, in the order in which it looked. */
export interface Observation {
  /** `BackendState` of tailscaled; `Running` when it is in a tailnet. */
  backendState: string;
  /** tailscale's version here, e.g. `1.102.3`. */
  version: string;
  /** The other device; undefined when this device sees none of that name. */
  target?: { name: string; online: boolean };
  /** Whether this device's network lets UDP out at all. */
  udp: boolean;
  /** The relays that this device may use, as `tailscale debug peer-relay-servers` lists them. */
  relays: { ip: string; name: string; online: boolean }[];
  /** Answers of `tailscale ping`, oldest first. */
  pongs: string[];
  /** For how long it pinged. */
  seconds: number;
}

/** What that means, and what to do. */
export interface Verdict {
  /** Whether the two devices reach each other by a relay, or even directly. */
  ok: boolean;
  /** `cause: explanation`, to be read by a person. */
  text: string;
}

/** The path that a pong came by: `direct`, `relay`, `derp`, or undefined when it is no pong. */
export function pathOf(pong: string): "direct" | "relay" | "derp" | undefined {
  const via = /^pong from .* via (DERP\(|peer-relay\(|\S+:\d+ )/.exec(pong)?.[1];
  if (via === undefined) return undefined;
  return via === "DERP(" ? "derp" : via === "peer-relay(" ? "relay" : "direct";
}

/** Judges by elimination, the nearest cause first: only with all else in order is it the relay's firewall. */
export function judge(asked: string, o: Observation): Verdict {
  const no = (text: string): Verdict => ({ ok: false, text });
  const last = o.pongs.at(-1) ?? "";
  if (o.backendState !== "Running")
    return no(`this device: tailscale is in state ${o.backendState}; run \`tailscale up\``);
  if (!o.target)
    return no(
      `target: this device sees no device "${asked}" in its tailnet (or the policy lets it see none)`,
    );
  if (pathOf(last) === "relay") return { ok: true, text: `peer relay: ${last}` };
  if (pathOf(last) === "direct") return { ok: true, text: `direct, which is better than any relay: ${last}` };
  if (!o.target.online) return no(`target: ${o.target.name} is offline`);
  const version = parseVersion(o.version);
  const unfit = version && refusal(version);
  if (unfit) return no(`version: tailscale here is ${o.version}, and must ${unfit}`);
  if (o.relays.length === 0) {
    return no(
      `grant: this device may use no relay. Is it, or ${o.target.name}, among the relay's \`clients\` (the grant's src), and is ` +
        "`enabled` not false? One of the two devices is enough; where it is the other one, run this there",
    );
  }
  const online = o.relays.filter((relay) => relay.online);
  const names = (relays: Observation["relays"]) => relays.map(({ name, ip }) => `${name} (${ip})`).join(", ");
  if (online.length === 0) return no(`relay: ${names(o.relays)}: offline in the tailnet`);
  if (!o.udp)
    return no(
      "network: no UDP gets out of this device's network, and a relay needs it; DERP is all there is",
    );
  if (o.pongs.every((pong) => pathOf(pong) === undefined))
    return no(`target: ${o.target.name} answers by no path at all: ${last || "no answer"}`);
  return no(
    `firewall: ${names(online)} may be used and is online, but in ${o.seconds} s nothing came through its UDP port. Look at, in this order: ` +
      "the ingress rule of the relay's security group (`enabled: false` closes it; `pulumi refresh` sees one that was deleted by hand); the " +
      `firewall on the relay host (\`journalctl -u peer-relay\`); the networks of this device and of ${o.target.name}, which have to let ` +
      "UDP to that port out. On the relay, `tailscale debug peer-relay-sessions` shows `<no handshake>` for a side that does not get through",
  );
}
