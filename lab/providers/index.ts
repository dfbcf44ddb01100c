export { bundlePlugin, PLUGINS, pluginVersion, type PluginName } from "./bundle";
export { installPlugins, type InstalledPlugin, type InstallOptions } from "./install";
