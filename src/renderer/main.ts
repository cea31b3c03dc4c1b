/** Starts the renderer: one engine connection, one App, one mount. */

import { mount } from 'svelte';
import { connectEngine } from '../shared/bridge.ts';
import Root from './Root.svelte';
import { App } from './state/app.svelte.ts';
import './styles/palette.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/print.css';

const target = document.querySelector('#app');
if (target === null) throw new Error('index.html has no #app');
mount(Root, { target, props: { app: new App(connectEngine(window.flame)) } });
