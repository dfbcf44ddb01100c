import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** A throw-away certificate for these addresses that is its own authority; clients trust it by `SSL_CERT_FILE`. */
export async function makeCertificate(
  dir: string,
  addresses: string[],
): Promise<{ cert: string; key: string }> {
  const files = { cert: join(dir, "tls.crt"), key: join(dir, "tls.key") };
  const names = addresses.map((address) => `IP:${address}`).join(",");
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"],
    ...["-subj", "/CN=peer-relay lab", "-addext", `subjectAltName=${names}`],
    ...["-keyout", files.key, "-out", files.cert],
  ]);
  return files;
}
