/** What we read of `iperf3 --json`. */
interface Report {
  error?: string;
  intervals?: { sum: Interval }[];
  end?: { sum?: UdpSum; sum_sent?: TcpSum; sum_received?: TcpSum };
}
interface Interval {
  start: number;
  end: number;
  bytes: number;
}
interface TcpSum {
  bytes: number;
  seconds: number;
  retransmits?: number;
}
interface UdpSum {
  packets: number;
  lost_packets: number;
  seconds: number;
}

/** What arrived. */
export interface Throughput {
  mbits: number;
  bytes: number;
}

/** Of datagrams, with those that did not arrive. */
export interface UdpThroughput extends Throughput {
  lostPercent: number;
}

/** The size of the datagrams that we send: with all headers it fits the tunnel's MTU of 1280. */
export const DATAGRAM = 1200;

/** @throws with iperf3's own words when it failed */
export function parseTcp(json: string): Throughput {
  const received = read(json).end?.sum_received;
  if (!received || !(received.bytes > 0) || !(received.seconds > 0)) {
    throw new Error(`iperf3 received nothing over TCP: ${shortened(json)}`);
  }
  return { bytes: received.bytes, mbits: mbits(received.bytes, received.seconds) };
}

/** @throws with iperf3's own words when it failed, or when nothing arrived */
export function parseUdp(json: string): UdpThroughput {
  const sum = read(json).end?.sum;
  if (!sum || !(sum.packets > sum.lost_packets) || !(sum.seconds > 0)) {
    throw new Error(`iperf3 received nothing over UDP: ${shortened(json)}`);
  }
  // Its own byte count is what was sent.
  const bytes = (sum.packets - sum.lost_packets) * DATAGRAM;
  return { bytes, mbits: mbits(bytes, sum.seconds), lostPercent: (100 * sum.lost_packets) / sum.packets };
}

/** The ends of the intervals in which something was received, in milliseconds since the start. */
export function receivedAt(json: string): number[] {
  const intervals = read(json).intervals ?? [];
  return intervals.filter(({ sum }) => sum.bytes > 0).map(({ sum }) => sum.end * 1000);
}

function read(json: string): Report {
  let report: Report;
  try {
    report = JSON.parse(json) as Report;
  } catch {
    throw new Error(`iperf3 printed no JSON: ${shortened(json)}`);
  }
  if (report.error) throw new Error(`iperf3: ${report.error}`);
  return report;
}

const mbits = (bytes: number, seconds: number): number => (bytes * 8) / seconds / 1e6;
const shortened = (text: string): string => (text.length > 500 ? `...${text.slice(-500)}` : text);
