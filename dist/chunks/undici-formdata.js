import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{require_formdata}from"./chunk-OLKXJOTP.js";import"./chunk-EOB5ICJ2.js";import{__toESM}from"./chunk-S4DEFMS7.js";var import_formdata=__toESM(require_formdata()),exported=import_formdata.default;export{exported as"module.exports"};
