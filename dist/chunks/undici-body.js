import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);

import{}from"../chunks/common.js";
import{require_body}from"./chunk-WB2TPO45.js";import"./chunk-OLKXJOTP.js";import"./chunk-EOB5ICJ2.js";import{__toESM}from"./chunk-S4DEFMS7.js";var import_body=__toESM(require_body()),exported=import_body.default;export{exported as"module.exports"};
