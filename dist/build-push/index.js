import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as i}from"../chunks/chunk-PK7Q376I.js";import"../chunks/chunk-3ZIAZLBY.js";import"../chunks/chunk-VOSC5CKJ.js";await i(process.env);
