export type { Change, Created, Failure, Kind, Live, Provider } from "./kind";
export { runPlugin } from "./main";
export { serveProvider, type Served } from "./serve";
export * from "./values";
