import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{reportSchema}from"./chunk-X2FEK5XM.js";import"./chunk-S4DEFMS7.js";export{reportSchema};
