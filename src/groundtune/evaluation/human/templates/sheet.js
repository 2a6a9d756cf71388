"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("form");
  const key = `groundtune:${data.sheet}`;
  const items = [...document.querySelectorAll("section.item")];
  const fields = [...form.elements].filter((field) => field.name);
  // What is filled in, by the name of its field.
  const entered = () => {
    const values = {};
    for (const field of fields) {
      if (field.type === "radio" ? field.checked : field.value.trim()) values[field.name] = field.value.trim();
    }
    return values;
  };
  const open = (item) => {
    const names = new Set([...item.querySelectorAll("input[type=radio]")].map((input) => input.name));
    return [...names].some((name) => !form.querySelector(`input[name="${name}"]:checked`));
  };
  const show = () => {
    const done = items.filter((item) => { const left = open(item); item.classList.toggle("done", !left); return !left; });
    document.getElementById("progress").value = done.length / items.length;
    document.getElementById("count").textContent = `${done.length} of ${items.length} questions done`;
  };
  const restore = () => {
    const kept = JSON.parse(localStorage.getItem(key) || "{}");
    for (const field of fields) {
      if (!(field.name in kept)) continue;
      if (field.type === "radio") field.checked = field.value === kept[field.name]; else field.value = kept[field.name];
    }
  };
  const keep = () => {
    try { localStorage.setItem(key, JSON.stringify(entered())); } catch { document.getElementById("warning").hidden = false; }
    show();
  };
  // One row per answer, as in the spreadsheet; the choice among the answers is a row without a label.
  const rows = () => {
    const answers = {};
    for (const [name, value] of Object.entries(entered())) {
      const [item, label, column] = name.split("|");
      const row = answers[`${item}|${label}`] ||= { item, label };
      row[column] = value;
    }
    return Object.values(answers);
  };
  const save = () => {
    const text = JSON.stringify({ ...data, rows: rows() }, null, 1);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `ratings-${data.sheet}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  try { restore(); } catch { document.getElementById("warning").hidden = false; }
  form.addEventListener("input", keep);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("save").addEventListener("click", save);
  document.getElementById("next").addEventListener("click", () => {
    const item = items.find(open);
    if (item) item.scrollIntoView({ behavior: "smooth" });
  });
  show();
})();
