import { execSync } from "node:child_process";
import { makeStack, startLab } from "./lab";
async function main() {
  const lab = await startLab({ policy: `{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}\n` });
  for (const times of [1, 2]) {
    const stack = await makeStack(lab.engine, times === 1 ? "prod-eu-central-1" : "prod-us-east-1", { "peer-relay:clients": ["autogroup:member"], "peer-relay:ssmEndpoint": lab.aws.endpoint });
    const { child, done } = lab.engine.start(stack, ["up", "--yes", "--skip-preview"]);
    await new Promise((r) => setTimeout(r, 6000));
    const t = Date.now();
    child.kill("SIGINT");
    if (times === 2) setTimeout(() => child.kill("SIGINT"), 50);
    const { code, output } = await done;
    console.log(times, code, Date.now() - t, output.slice(-300));
    console.log(execSync("sleep 1; pgrep -af 'pulumi|dynamic-provider' | cut -c1-150; true").toString());
  }
  await lab.close();
}
void main();
