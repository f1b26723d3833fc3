// Searches the entries (path, title, page, text) in the browser. An entry has to contain all words; those with the words in their
// title come first.
const input = document.getElementById("search");
const found = document.getElementById("found");
let chosen = -1;

function score(entry, words) {
    const title = entry[1].toLowerCase();
    const text = entry[3].toLowerCase();
    let sum = 0;
    for (const word of words) {
        if (title === word) sum += 20;
        else if (title.startsWith(word)) sum += 10;
        else if (title.includes(word)) sum += 6;
        else if (entry[2].toLowerCase().includes(word)) sum += 2;
        else if (text.includes(word)) sum += 1;
        else return 0;
    }
    // Rank adjacent and repeated words higher; pages before symbols, and the changelog last.
    const phrase = words.join(" ");
    if (words.length > 1 && text.includes(phrase)) sum += 4;
    sum += Math.min(3, text.split(phrase).length - 1);
    return sum + (entry[0].startsWith("api/") ? 1 : entry[0].startsWith("CHANGELOG") ? 0.5 : 3);
}

function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter((word) => word);
    const hits = words.length === 0 ? [] : entries.map((entry) => [score(entry, words), entry])
        .filter(([sum]) => sum > 0).sort((a, b) => b[0] - a[0]).slice(0, 30);
    found.replaceChildren(...hits.map(([, entry]) => {
        const link = document.createElement("a");
        link.href = entry[0];
        link.textContent = entry[1];
        const small = document.createElement("small");
        const at = Math.max(0, entry[3].toLowerCase().indexOf(words[0]) - 40);
        small.textContent = (entry[2] ? entry[2] + " · " : "") + entry[3].slice(at, at + 140);
        link.append(small);
        const item = document.createElement("li");
        item.append(link);
        return item;
    }));
    found.hidden = hits.length === 0;
    choose(hits.length > 0 ? 0 : -1);
}

function choose(number) {
    const links = found.querySelectorAll("a");
    chosen = links.length === 0 ? -1 : (number + links.length) % links.length;
    links.forEach((link, index) => link.classList.toggle("chosen", index === chosen));
    links[chosen]?.scrollIntoView({ block: "nearest" });
}

input.addEventListener("input", show);
input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") found.querySelectorAll("a")[chosen]?.click();
    else if (event.key === "Escape") { input.value = ""; show(); input.blur(); }
    else return;
    event.preventDefault();
});
document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
});
document.addEventListener("click", (event) => { if (!event.target.closest("[role=search]")) found.hidden = true; });
// On a small screen the list of pages is above the content, so it starts closed.
if (matchMedia("(max-width: 50rem)").matches) document.querySelector("nav details").open = false;
