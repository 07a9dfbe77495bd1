// Shows the rows that the kernel sends for one page at a time: DataTables in its server-side mode, the kernel as server.
// Everything that comes from the kernel is put on the page as text.

const tables = (source) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  return import(url).finally(() => URL.revokeObjectURL(url));
};

function heading(column) {
  const cell = document.createElement("th");
  cell.scope = "col";
  cell.textContent = column.heading;
  return cell;
}

async function render({ model, el }) {
  const kept = (globalThis.irKitTables ??= {});
  const version = model.get("_version");
  const { default: DataTable } = await (kept[version] ??= tables(model.get("_bundle")));
  const columns = model.get("_columns");
  const waiting = new Map();
  const rowName = `row-${Math.random().toString(36).slice(2)}-`;
  el.classList.add("ir-kit-grid");
  el.dataset.lmSuppressShortcuts = "true"; // keys belong to the table, not to the notebook around it

  const table = document.createElement("table");
  table.className = "display compact";
  table.createCaption().textContent = model.get("_caption");
  const head = table.createTHead().insertRow();
  columns.forEach((column) => head.append(heading(column)));
  el.append(table);

  const answered = (message) => {
    if (message.kind !== "page" || !waiting.has(message.draw)) return;
    const callback = waiting.get(message.draw);
    waiting.delete(message.draw);
    const data = message.rows.map(([number, cells]) => ({ id: rowName + number, number, cells }));
    callback({ draw: message.draw, recordsTotal: message.total, recordsFiltered: message.found, data });
  };
  model.on("msg:custom", answered);

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
    columns: columns.map((column, place) => ({
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

  const chosen = () => {
    const row = grid.row({ selected: true });
    model.set("chosen", row.any() ? row.data().number : -1);
    model.save_changes();
  };
  grid.on("select", chosen);
  const enter = (event) => {
    if (event.key === "Enter" && event.target.matches("tbody tr")) {
      event.preventDefault();
      grid.row(event.target).select();
    }
  };
  el.addEventListener("keydown", enter);
  const reload = () => grid.ajax.reload(null, true);
  const refresh = () => grid.ajax.reload(null, false);
  const recaption = () => { table.caption.textContent = model.get("_caption"); };
  model.on("change:_generation", reload);
  model.on("change:_touched", refresh);
  model.on("change:_caption", recaption);

  return () => {
    model.off("msg:custom", answered);
    model.off("change:_generation", reload);
    model.off("change:_touched", refresh);
    model.off("change:_caption", recaption);
    grid.destroy();
  };
}

export default { render };
