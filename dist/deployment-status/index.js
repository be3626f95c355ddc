import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as t}from"../chunks/chunk-HOYK3DYO.js";import"../chunks/chunk-3JNSTOIB.js";import"../chunks/chunk-JAW7TW5L.js";import"../chunks/chunk-VVSV6ASA.js";import"../chunks/chunk-ZNWW6FMP.js";import"../chunks/chunk-CSZXOOEJ.js";import"../chunks/chunk-VOSC5CKJ.js";await t(process.env);
