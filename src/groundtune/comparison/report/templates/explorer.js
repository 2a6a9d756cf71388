"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const form = document.getElementById("filters");
  const cases = [...document.querySelectorAll("details.case")];
  const field = (name) => (form.elements[name] ? form.elements[name].value : "");
  const value = (number, candidate, scorer) =>
    data.cases[number].scores[data.candidates.indexOf(candidate)][data.scorers.indexOf(scorer)];
  const kinds = {
    failed: (item) => item.querySelector("summary [data-failed]"),
    abstained: (item) => item.querySelector("summary [data-abstained]"),
    empty: (item) => item.querySelector("summary [data-empty]"),
    clarify: (item) => "clarify" in item.dataset,
    unanswerable: (item) => "unanswerable" in item.dataset,
  };
  // How much better the first candidate is than the second on this case; null if either has no score.
  const gain = (item) => {
    const number = Number(item.dataset.number);
    const first = value(number, field("candidate"), field("scorer"));
    const second = value(number, field("other"), field("scorer"));
    return first === null || second === null ? null : field("how") === "above" ? first - second : second - first;
  };
  const fits = (item) => {
    const tags = data.cases[Number(item.dataset.number)].tags;
    return (!field("tag") || tags.includes(field("tag")))
      && (!field("kind") || Boolean(kinds[field("kind")](item)))
      && (!field("how") || gain(item) > 0)
      && (!field("text") || item.textContent.toLowerCase().includes(field("text").toLowerCase()));
  };
  const apply = () => {
    const shown = cases.filter((item) => { item.hidden = !fits(item); return !item.hidden; });
    const order = field("how") ? (a, b) => gain(b) - gain(a) : (a, b) => a.dataset.number - b.dataset.number;
    const list = document.getElementById("list");
    shown.sort(order).forEach((item) => list.append(item));
    document.getElementById("count").textContent = `${shown.length} of ${cases.length} cases`;
  };
  const openTarget = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.matches("details.case")) { target.hidden = false; target.open = true; target.scrollIntoView(); }
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", openTarget);
  apply();
  openTarget();
})();
