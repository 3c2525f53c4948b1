import type { ClusterConnection, NodeOverview, NodeView } from "../../server/admin/facts.ts";
import { documentInAddress } from "./address.ts";
import { AnswerError, Api, RefusedError, type StoredPage } from "./api.ts";
import { h } from "./dom.ts";
import { isolated, plural, whole } from "./format.ts";
import { History } from "./history.ts";
import { Live, type LiveState } from "./live.ts";
import { redrawPlots } from "./plot.ts";
import { onThemeChange } from "./theme.ts";
import { askDeletion } from "./views/ask-deletion.ts";
import { askRevocation } from "./views/ask-revocation.ts";
import { confirm } from "./views/confirm.ts";
import { DocumentPanel } from "./views/document-panel.ts";
import { DocumentsView } from "./views/documents.ts";
import { DocumentsCard } from "./views/documents-card.ts";
import { FiguresView } from "./views/figures.ts";
import { nodeName } from "./views/node-name.ts";
import { NodesView } from "./views/nodes.ts";
import { Notices } from "./views/notices.ts";
import { PlotsView } from "./views/plots.ts";
import { ProblemsView } from "./views/problems.ts";
import { SlowReadersView } from "./views/slow-readers.ts";
import { StoredView } from "./views/stored.ts";
import { healthOf, TopBar } from "./views/top-bar.ts";

const pollMs = 2_000;
const slowReadersMax = 8;
const unmeasured = "It was not measured: it left memory, or that took too long.";
const storeUnread = "The store can't be read now; only what is in memory was measured.";
const nowhereInMemory =
	"No node has this document in memory now. It is here again as soon as somebody opens it.";

/** Everything that somebody sees who has shown the token. */
export class Dashboard {
	readonly element: HTMLElement;
	readonly #api: Api;
	readonly #live: Live;
	readonly #onRefused: (why: string | undefined) => void;
	readonly #history = new History();
	readonly #topBar: TopBar;
	readonly #problems = new ProblemsView();
	readonly #figures = new FiguresView();
	readonly #plots = new PlotsView();
	readonly #documents = new DocumentsView(() => void this.#pollDocuments());
	readonly #stored = new StoredView({
		list: (query) => this.#listStored(query),
		onDelete: (name) => void this.#delete(name),
	});
	readonly #slowReaders = new SlowReadersView((connection) => void this.#closeConnection(connection));
	readonly #nodes = new NodesView((overview) => void this.#drain(overview));
	readonly #notices = new Notices();
	#panel: { readonly name: string; readonly view: DocumentPanel } | undefined;
	#state: LiveState = { status: "connecting" };
	#views: readonly NodeView[] = [];
	#scope: string | undefined;
	#poll: ReturnType<typeof setInterval>;
	#isOver = false;
	#isAskingDeletion = false;

	/** @param onRefused The token is not good any more, or is to be forgotten. */
	constructor(token: string, onRefused: (why: string | undefined) => void) {
		this.#api = new Api(token);
		this.#onRefused = onRefused;
		this.#topBar = new TopBar({
			onScope: (node) => {
				this.#scope = node;
				this.#show();
			},
			onLeave: () => this.#leave(undefined),
		});
		this.element = h(
			"div",
			{ class: "dashboard loading" },
			h("a", { class: "skip-link", href: "#content", onclick: skip }, "Skip to the content"),
			this.#topBar.element,
			h(
				"main",
				{ id: "content", tabindex: -1 },
				h("h1", { class: "visually-hidden" }, "Indelible admin"),
				this.#problems.element,
				this.#figures.element,
				h(
					"section",
					{ "aria-label": "The last five minutes" },
					h("h2", { class: "visually-hidden" }, "The last five minutes"),
					this.#plots.element,
				),
				h(
					"div",
					{ class: "columns" },
					h("div", { class: "aside" }, this.#nodes.element, this.#slowReaders.element),
					new DocumentsCard(this.#documents, this.#stored).element,
				),
			),
			this.#notices.element,
		);
		onThemeChange(redrawPlots);
		addEventListener("hashchange", this.#addressChanged);
		this.#live = new Live({
			token,
			onState: (state) => this.#stateChanged(state),
			onNodes: (nodes) => this.#nodesCame(nodes),
		});
		this.#poll = setInterval(() => void this.#pollAll(), pollMs);
		void this.#pollAll();
		this.#addressChanged();
		this.#show();
	}

	#leave(why: string | undefined): void {
		if (this.#isOver) return;
		this.#isOver = true;
		clearInterval(this.#poll);
		removeEventListener("hashchange", this.#addressChanged);
		this.#live.close();
		this.#panel?.view.element.remove();
		this.#onRefused(why);
	}

	get #overviews(): readonly NodeOverview[] {
		return this.#views.flatMap(({ overview }) => overview ?? []);
	}

	#stateChanged(state: LiveState): void {
		if (state.status === "refused") {
			this.#leave(state.why);
			return;
		}
		const isBack = this.#state.status === "lost" && state.status === "live";
		this.#state = state;
		if (isBack) void this.#pollAll();
		if (state.status !== "live") this.#show();
	}

	#nodesCame(views: readonly NodeView[]): void {
		this.#views = views.toSorted(byName);
		for (const { id, samples, isHere } of views) this.#history.add(id, samples, isHere);
		this.#show();
	}

	#show(): void {
		const all = this.#overviews;
		if (!all.some(({ id }) => id === this.#scope)) this.#scope = undefined;
		const shown = all.filter(({ id }) => this.#scope === undefined || id === this.#scope);
		const health = healthOf(this.#state, all);
		this.element.classList.toggle("loading", health === "connecting");
		this.element.classList.toggle("lost", health === "lost");
		document.title = `${health === "ready" || health === "connecting" ? "" : "⚠ "}Indelible admin`;
		this.#topBar.show(health, all, this.#scope);
		this.#problems.show(this.#state, all);
		this.#nodes.show(this.#views, this.#history);
		if (all.length === 0) return;
		this.#figures.show(shown, this.#history, this.#scope);
		this.#plots.show(this.#history, this.#scope);
	}

	async #pollAll(): Promise<void> {
		if (document.hidden || this.#state.status === "lost") return;
		await Promise.all([this.#pollDocuments(), this.#pollSlowReaders(), this.#pollPanel()]);
	}

	/** What is not answered is asked again with the next round; that the node is away, the events tell. */
	async #trying(work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			if (error instanceof RefusedError) this.#leave(error.message);
		}
	}

	async #pollDocuments(): Promise<void> {
		const { query } = this.#documents;
		await this.#trying(async () => {
			const list = await this.#api.documents(query);
			// Somebody may have typed on meanwhile.
			if (query === this.#documents.query) this.#documents.show(list);
		});
	}

	async #pollSlowReaders(): Promise<void> {
		await this.#trying(async () => this.#slowReaders.show(await this.#api.slowReaders(slowReadersMax)));
	}

	async #pollPanel(): Promise<void> {
		const panel = this.#panel;
		if (panel === undefined) return;
		await this.#trying(async () => {
			const answers = await this.#api.document(panel.name, false);
			if (answers.length > 0) panel.view.show(answers, this.#overviews);
			else panel.view.showState(nowhereInMemory);
		});
	}

	readonly #addressChanged = (): void => {
		const name = documentInAddress();
		if (name === this.#panel?.name) return;
		this.#panel?.view.element.remove();
		this.#panel = undefined;
		if (name === undefined) return;
		const view = new DocumentPanel({
			name,
			onClose: () => this.#panelClosed(name),
			onUnload: () => void this.#unload(name),
			onDelete: () => void this.#delete(name),
			onMeasure: () => void this.#measure(name, view),
			onCloseConnection: (connection) => void this.#closeConnection(connection),
			onRevoke: (connection) => void this.#revoke(connection),
		});
		this.#panel = { name, view };
		document.body.append(view.element);
		view.element.showModal();
		void this.#pollPanel();
	};

	#panelClosed(name: string): void {
		if (this.#panel?.name !== name) return;
		this.#panel.view.element.remove();
		this.#panel = undefined;
		history.replaceState(null, "", location.pathname + location.search);
	}

	async #measure(name: string, view: DocumentPanel): Promise<void> {
		view.setMeasuring(true);
		try {
			const answers = await this.#api.document(name, true);
			if (answers.length > 0) view.show(answers, this.#overviews);
			const measured = answers.find(({ answer }) => answer.measured !== null)?.answer.measured;
			if (measured?.snapshotBytes === null) this.#notices.show(storeUnread, "bad");
			else if (measured === undefined) this.#notices.show(unmeasured, "bad");
		} catch (error) {
			this.#failed(error, "The node does not answer; nothing was measured.");
		}
		view.setMeasuring(false);
	}

	async #closeConnection({ id, user, document: name }: ClusterConnection): Promise<void> {
		const who = user ?? `connection ${id.slice(0, 8)}`;
		const isSure = await confirm({
			title: "Close this connection?",
			text: `This cuts ${isolated(who)} off from “${isolated(name)}” and from whatever else is open on the same socket. Editors connect again by themselves within seconds, and nothing is lost. To keep somebody out, end their access in the list of the document's connections.`,
			action: "Close it",
		});
		if (isSure) await this.#act(async () => (await this.#api.closeConnection(id)).detail);
	}

	async #revoke({ user, document: name }: ClusterConnection): Promise<void> {
		const wish = user === null ? undefined : await askRevocation(user, name);
		if (wish === undefined) return;
		await this.#act(async () => {
			const met = plural(await this.#api.revoke(wish), "connection");
			const done = wish.action === "close" ? "closed" : "may only read from now on";
			const others = this.#views.length > 1 ? "; other nodes do the same" : "";
			return `The access of ${isolated(wish.user)} has ended: ${met} of this node ${done}${others}.`;
		});
	}

	async #unload(name: string): Promise<void> {
		const isSure = await confirm({
			title: "Unload this document?",
			text: `All connections to “${isolated(name)}” are closed; when all of it is saved, it leaves memory. Editors connect again by themselves, and it is read from the store for them.`,
			action: "Unload it",
		});
		if (!isSure) return;
		await this.#act(async () => {
			const answers = await this.#api.unload(name);
			const failed = answers.find(({ answer }) => !answer.done);
			if (failed !== undefined) throw new AnswerError(failed.answer.detail, 409);
			return answers.length === 1
				? (answers[0]?.answer.detail ?? "")
				: "Everything is saved, and the document left the memory of all nodes.";
		});
	}

	async #listStored(query: { prefix: string; after: string | undefined }): Promise<StoredPage> {
		try {
			return await this.#api.stored(query);
		} catch (error) {
			if (error instanceof RefusedError) this.#leave(error.message);
			throw error instanceof AnswerError ? error : new Error("The node does not answer. Try again.");
		}
	}

	async #delete(name: string): Promise<void> {
		// The nodes may take a while to answer, and whoever waits clicks again.
		if (this.#isAskingDeletion) return;
		this.#isAskingDeletion = true;
		const nodes = await this.#api.document(name, false).catch(() => undefined);
		const people = nodes?.reduce((sum, { answer }) => sum + answer.people, 0);
		const isSure = !this.#isOver && (await askDeletion(name, people));
		this.#isAskingDeletion = false;
		if (!isSure) return;
		await this.#act(async () => {
			await this.#api.deleteDocument(name);
			this.#stored.forget(name);
			if (this.#panel?.name === name) this.#panel.view.element.close();
			return `“${isolated(name)}” is deleted, and its name refused.`;
		});
	}

	async #drain(overview: NodeOverview): Promise<void> {
		const isTaken = this.#views.some(
			({ id, overview: other }) => id !== overview.id && (other === null || other.ready),
		);
		const { connections } = overview;
		const closes = connections === 0 ? "" : ` and closes ${allOf(connections)}`;
		const then = isTaken
			? "People go on with another node."
			: "No other node is ready to take people: nobody can work until then.";
		const isSure = await confirm({
			title: `Drain ${nodeName(overview)}?`,
			text: `It takes nobody new${closes}, and serves nobody again until it is restarted. ${then}`,
			action: "Drain it",
			isGrave: true,
		});
		if (isSure) await this.#act(async () => (await this.#api.drain(overview.id)).detail);
	}

	/** Has something done, and says how that went. */
	async #act(work: () => Promise<string>): Promise<void> {
		try {
			this.#notices.show(await work());
		} catch (error) {
			this.#failed(error, "The node does not answer. It may have done it, or not: look again.");
		}
		await this.#pollAll();
	}

	#failed(error: unknown, withoutAnswer: string): void {
		if (error instanceof RefusedError) this.#leave(error.message);
		else this.#notices.show(error instanceof AnswerError ? error.message : withoutAnswer, "bad");
	}
}

function allOf(connections: number): string {
	return connections === 1
		? "its 1 connection"
		: `all its ${whole(connections)} connections, a few at a time`;
}

/** This one first; then they keep their places. */
function byName(one: NodeView, other: NodeView): number {
	const name = ({ isHere, overview, id }: NodeView) =>
		`${isHere ? 0 : 1} ${overview === null ? id : nodeName(overview)}`;
	return name(one).localeCompare(name(other), "en", { numeric: true });
}

/** Not by the address: that names a document. */
function skip(event: Event): void {
	event.preventDefault();
	document.querySelector<HTMLElement>("#content")?.focus();
}
