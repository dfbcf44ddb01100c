import { runPlugin } from "../host";
import { provider } from "./provider";

runPlugin(provider);
