import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{b as o}from"../chunks/chunk-QJQNDJMO.js";import"../chunks/chunk-3ZIAZLBY.js";import"../chunks/chunk-VOSC5CKJ.js";await o(process.env);
