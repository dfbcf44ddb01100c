/** What runs on the relay host. Pure: settings in, text out. */
export { renderHostFiles, type HostFile } from "./host-files";
export {
  BootstrapError,
  type BootstrapAuth,
  type BootstrapInstall,
  type BootstrapSettings,
} from "./settings";
export { renderUserData, USER_DATA_LIMIT } from "./user-data";
