import "../../demo-editor/src/styles/tokens.css";
import "../../demo-editor/src/styles/base.css";
import "./admin.css";
import { storedToken, storeToken } from "./api.ts";
import { Dashboard } from "./dashboard.ts";
import { signInView } from "./views/sign-in.ts";

const root = document.querySelector("#root");

function signIn(why?: string): void {
	storeToken(undefined);
	root?.replaceChildren(signInView(why, open));
	root?.querySelector("input")?.focus();
}

function open(token: string): void {
	storeToken(token);
	root?.replaceChildren(new Dashboard(token, signIn).element);
}

const token = storedToken();
if (token === undefined) signIn();
else open(token);
