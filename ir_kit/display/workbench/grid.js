// Shows the rows that the kernel sends for one page at a time: DataTables in its server-side mode, the kernel as server.
// Everything that comes from the kernel is put on the page as text.

const load = (source) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return import(url).finally(() => URL.revokeObjectURL(url));
};

async function render({ model, el }) {
  const loaded = (globalThis.irKitTables ??= {});
  const { default: DataTable } = await (loaded[model.get("_version")] ??= load(model.get("_bundle")));
  const waiting = new Map();
  const rowName = `row-${Math.random().toString(36).slice(2)}-`;
  el.classList.add("ir-kit-grid");
  el.dataset.lmSuppressShortcuts = "true"; // keys belong to the table, not to the notebook around it

  const table = document.createElement("table");
  table.className = "display compact";
  table.createCaption().textContent = model.get("_caption");
  const head = table.createTHead().insertRow();
  for (const column of model.get("_columns")) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = column.heading;
    head.append(cell);
  }
  el.append(table);

  const answer = ({ kind, draw, total, found, rows }) => {
    if (kind !== "page" || !waiting.has(draw)) return;
    const data = rows.map(([number, cells]) => ({ id: rowName + number, number, cells }));
    waiting.get(draw)({ draw, recordsTotal: total, recordsFiltered: found, data });
    waiting.delete(draw);
  };
  model.on("msg:custom", answer);

  const grid = new DataTable(table, {
    serverSide: true,
    ajax: (question, callback) => {
      waiting.set(question.draw, callback);
      model.send({ kind: "page", question });
    },
    searchDelay: 150,
    pageLength: 10,
    search: { search: model.get("_search") },
    lengthMenu: [10, 25, 100, 500],
    order: [],
    autoWidth: false,
    scrollX: true,
    rowId: "id",
    select: { style: "single", items: "row", info: false, keys: true },
    layout: { topStart: "search", topEnd: ["pageLength", { buttons: [{ extend: "colvis", text: "Columns" }] }], bottomStart: "info", bottomEnd: "paging" },
    language: { search: "Search ", zeroRecords: "no rows", emptyTable: "no rows" },
    columns: model.get("_columns").map((column, place) => ({
      data: () => "", // DataTables would make markup of it: what came out of a log never passes through its hands
      createdCell: (cell, _, row) => { cell.textContent = row.cells[place]; },
      type: column.number ? "num" : "string",
      visible: column.visible,
      className: column.number ? "number" : "",
      columnControl: [{
        extend: "dropdown",
        icon: "search",
        text: `Filter ${column.heading}`,
        content: [{ extend: column.number ? "searchNumber" : "searchText", clear: true }],
      }],
    })),
    columnControl: [],
    ordering: { indicators: true, handler: true },
  });

  grid.on("select", () => {
    const row = grid.row({ selected: true });
    model.set("chosen", row.any() ? row.data().number : -1);
    model.save_changes();
  });
  el.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("tbody tr")) {
      event.preventDefault();
      grid.row(event.target).select();
    }
  });
  const reload = () => grid.ajax.reload(null, true);
  const refresh = () => grid.ajax.reload(null, false);
  model.on("change:_generation", reload);
  model.on("change:_edits", refresh);

  return () => {
    model.off("msg:custom", answer);
    model.off("change:_generation", reload);
    model.off("change:_edits", refresh);
    grid.destroy();
  };
}

export default { render };
