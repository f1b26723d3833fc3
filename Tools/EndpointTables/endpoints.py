"""The calls of Microsoft Graph, and the index for finding them by words."""

import collections
import math
import re
import struct

from graph_paths import build_tree, fingerprint, insert, path_rows
from pool import METHODS, Pool, write_file
from words import Vocabulary, stem

KINDS = ["list", "get", "create", "update", "replace", "delete", "action", "function", "delta", "value", "ref", "post",
         "batch"]
OPTIONS = "cefoslktm"
BETA, COUNT = 1, 2
IMPACT = 4000
NONE = 0xFFFFFFFF


def shape(path):
    return re.sub(r"\{[^}]*\}", "{}", path).replace("'", "").lower()


class Document:
    """Some words and the call that they stand for."""

    def __init__(self, row, method, weights, prior, phrase=(), example="", counted=False):
        self.row, self.method, self.weights, self.prior = row, method, weights, prior
        self.phrase, self.example, self.counted = phrase, example, counted


def subjects(here, rows, vocabulary):
    by_shape = {}
    for row in rows:
        by_shape.setdefault(shape(row["p"]), row)
    with open(f"{here}/subjects.txt", encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            parts = line.split(" | ", 2)
            head, phrases = parts[0], parts[1]
            example = parts[2] if len(parts) > 2 else ""
            method, path = head.split(" ", 1) if not head.startswith("/") else (None, head)
            counted = path.endswith("/$count")
            row = by_shape.get(shape(path.removesuffix("/$count")))
            if row is None or (method and method not in row["m"]):
                raise SystemExit(f"subjects.txt: no such call: {head}")
            for phrase in phrases.split(";"):
                tokens = vocabulary.tokens(phrase)
                if tokens:
                    weights = dict.fromkeys(tokens, 1.0)
                    yield Document(row, method, weights, 0.9 if row["beta"] else 1.0, tokens, example, counted)


def plain(segment):
    return re.sub(r"\(.*\)", "", re.sub(r"^(microsoft\.)?graph\.([a-z]+\.)*", "", segment))


def of_template(row, vocabulary):
    """The document of a template: the words of its segments, of which the last weighs most, and of its types."""
    segments = row["p"].strip("/").split("/")
    named = [segment for segment in segments if not segment.startswith("{")]
    weights = {}
    for place, segment in enumerate(named):
        weight = (1.0, 0.6)[len(named) - 1 - place] if len(named) - 1 - place < 2 else 0.35
        for token in vocabulary.tokens(plain(segment)):
            weights[token] = max(weights.get(token, 0), weight)
    for call in row["m"].values():
        for token in vocabulary.tokens(call.get("t", "").rstrip("[]").split(".")[-1]):
            weights[token] = max(weights.get(token, 0), 0.4)
    return Document(row, None, weights, 0.72 - 0.03 * len(segments) - (0.1 if row["beta"] else 0))


def compile_endpoints(data, here, out):
    nodes = build_tree(data)
    vocabulary = Vocabulary(f"{here}/words.txt")
    rows = list(path_rows(data))
    pool = Pool()

    for row in rows:
        row["node"] = insert(nodes[0], row["p"]).number
    rows.sort(key=lambda row: row["node"])
    templates, calls = bytearray(), bytearray()
    call_count = 0
    for number, row in enumerate(rows):
        row["number"] = number
        flags = (BETA if row["beta"] else 0) | (COUNT if row.get("n") else 0)
        templates += struct.pack("<IHBB", row["node"], call_count, flags, len(row["m"]))
        for method, call in sorted(row["m"].items(), key=lambda item: METHODS[item[0]]):
            options = sum(1 << OPTIONS.index(letter) for letter in call.get("q", ""))
            calls += struct.pack(
                "<BBHIII", METHODS[method], KINDS.index(call["k"]), options, pool.add(call.get("t", "")),
                pool.add(",".join(call.get("b", []))), pool.add(",".join(call.get("x", []))),
            )
            call_count += 1

    documents = list(subjects(here, rows, vocabulary)) + [of_template(row, vocabulary) for row in rows]
    documents = [document for document in documents if document.weights]
    frequency = collections.Counter(token for document in documents for token in document.weights)
    rarity = {token: math.log(1 + len(documents) / (count + 0.5)) for token, count in frequency.items()}
    postings = collections.defaultdict(list)
    document_bytes = bytearray()
    for number, document in enumerate(documents):
        norm = math.sqrt(sum((weight * rarity[token]) ** 2 for token, weight in document.weights.items()))
        for token, weight in document.weights.items():
            impact = weight * rarity[token] ** 2 / norm * max(document.prior, 0.1)
            postings[token].append((number, min(65535, round(impact * IMPACT))))
        document_bytes += struct.pack(
            "<HBBII", document.row["number"], METHODS.get(document.method, 0), 1 if document.counted else 0,
            pool.add(" ".join(document.phrase)), pool.add(document.example),
        )

    # All known words: those of the index, and those that only the lists of words.txt contain.
    stops = {stem(word) for word in vocabulary.stop}
    parts = {word for key in vocabulary.same for word in key}
    words = sorted(set(postings) | parts | set(vocabulary.verbs) | stops | vocabulary.weak, key=lambda w: w.encode())
    # The words of another spelling count as frequent as the word it stands for.
    likely = collections.Counter(frequency)
    for key, target in vocabulary.same.items():
        for word in key:
            likely[word] = max(likely[word], frequency.get(target, 0))
    word_bytes, posting_bytes, posting_count = bytearray(), bytearray(), 0
    for word in words:
        own = postings.get(word, [])
        word_bytes += struct.pack(
            "<IIHBBfI", pool.add(word), posting_count, len(own), METHODS.get(vocabulary.verbs.get(word), 0),
            1 if word in vocabulary.weak else 0, rarity.get(word, 9.0), likely[word],
        )
        for document, impact in own:
            posting_bytes += struct.pack("<HH", document, impact)
        posting_count += len(own)
    same = sorted((" ".join(key), target) for key, target in vocabulary.same.items())
    also = sorted((key, " ".join(targets)) for key, targets in vocabulary.also.items())

    def texts(pairs):
        pairs = sorted(pairs, key=lambda pair: pair[0].encode())
        return b"".join(struct.pack("<II", pool.add(key), pool.add(value)) for key, value in pairs)

    stop_bytes = b"".join(
        struct.pack("<I", pool.add(word)) for word in sorted(vocabulary.stop, key=lambda w: w.encode()))
    same_bytes, also_bytes = texts(same), texts(also)
    size = write_file(
        f"{out}/endpoints.bin", b"MME1",
        [pool.bytes, templates, calls, document_bytes, word_bytes, posting_bytes, same_bytes, also_bytes, stop_bytes,
         fingerprint(nodes)],
    )
    print(f"endpoints.bin: {len(rows)} templates, {call_count} calls, {len(documents)} documents, {len(words)} words,"
          f" {posting_count} postings, {size} bytes")
