import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);
import{a as t}from"../chunks/chunk-GBWBUFNW.js";import"../chunks/chunk-6NVKPWX7.js";import"../chunks/chunk-ZAKJUHLU.js";import"../chunks/chunk-NGYVRCZL.js";import"../chunks/chunk-CSVDKYOS.js";import"../chunks/chunk-UGXHHIMP.js";import"../chunks/chunk-PO2BW2DC.js";await t(process.env);
