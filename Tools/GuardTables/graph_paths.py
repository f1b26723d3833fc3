"""The tree of Microsoft Graph's path templates."""

import hashlib
import json
import os
import re
import struct

from pool import METHODS, Pool, write_file

V1, BETA, COUNT, KNOWN_V1, KNOWN_BETA = 1, 2, 4, 8, 16


class Node:
    def __init__(self, parent, text):
        self.parent, self.text = parent, text
        self.children, self.key = {}, None
        self.flags, self.methods, self.permissions = 0, 0, []
        self.number = 0


def spelling(segment):
    """The key of a segment: lower case, a function with its parameter names sorted."""
    match = re.fullmatch(r"([A-Za-z0-9_.$-]+)\((.*)\)", segment)
    if not match:
        return segment.lower()
    names = [part.split("=")[0].strip().lower() for part in match.group(2).split(",") if part.strip()]
    return match.group(1).lower() + "(" + ",".join(sorted(names)) + ")"


def insert(root, path):
    node = root
    for segment in path.strip("/").split("/"):
        if segment.startswith("{"):
            if node.key is None:
                node.key = Node(node, segment)
            node = node.key
        else:
            name = spelling(segment)
            if name not in node.children:
                node.children[name] = Node(node, segment)
            node = node.children[name]
    return node


def tidy(path):
    """Converts a key of the permission data to the form of the templates; None if it isn't a path."""
    if "?" in path or " " in path or ":" in path:
        return None
    segments = []
    for segment in path.strip("/").split("/"):
        if segment.startswith("~"):
            segment = "graph." + segment[1:]
        match = re.fullmatch(r"(applications|serviceprincipals|devices|users|groups)\([a-z]+\)", segment.lower())
        if match:
            segments += [match.group(1), "{id}"]
        else:
            segments.append("{id}" if segment == "{}" else segment)
    return "/" + "/".join(segments)


def path_rows(data):
    """The path templates of the facts, and those that Microsoft documents and the facts lack."""
    here = os.path.dirname(os.path.abspath(__file__))
    files = [f"{data}/graph/{name}.jsonl" for name in ("paths-v1.0", "paths-beta-extra", "paths-beta-more")]
    for path in [*files, f"{here}/documented-paths.jsonl"]:
        with open(path, encoding="utf-8") as file:
            for line in file:
                yield {**json.loads(line), "beta": "beta" in os.path.basename(path)}


def build_tree(data):
    """The numbered nodes of all templates, each with its rows of the permission data:
    (section, methods, set, further permissions needed)."""
    root = Node(None, "")
    for row in path_rows(data):
        node = insert(root, row["p"])
        node.flags |= (BETA if row["beta"] else V1 | BETA) | (COUNT if row.get("n") else 0)
        for method in row["m"]:
            node.methods |= METHODS.get(method, 0)
    with open(f"{data}/graph/permissions.json") as file:
        permissions = json.load(file)
    for number, (section, flag) in enumerate(
        [("v1", KNOWN_V1), ("other", KNOWN_V1 | KNOWN_BETA), ("beta", KNOWN_BETA)]
    ):
        # Handle paths with another key for an object last: the rows of the plain path take precedence.
        for written, entry in sorted(permissions[section].items(), key=lambda item: "(" in item[0]):
            path = tidy(written)
            if path is None:
                continue
            node = insert(root, path)
            node.flags |= flag
            for methods, value in entry.items():
                if methods in ("also", "hand"):
                    continue
                for method in methods.split(","):
                    if method in METHODS:
                        also = entry.get("also", {}).get(method, {})
                        if (number, METHODS[method]) not in [row[:2] for row in node.permissions]:
                            node.permissions.append((number, METHODS[method], value, also))

    nodes = [root]
    for node in nodes:
        for child in [node.children[name] for name in sorted(node.children)] + ([node.key] if node.key else []):
            child.number = len(nodes)
            nodes.append(child)
    return nodes


def fingerprint(nodes):
    """Eight bytes that identify this tree: a table that refers to node numbers carries them, and its reader compares them."""
    digest = hashlib.sha256()
    for node in nodes:
        digest.update(f"{node.parent.number if node.parent else 0} {node.text}\n".encode())
    return digest.digest()[:8]


def compile_paths(data, out):
    nodes = build_tree(data)
    pool, node_bytes, child_bytes = Pool(), bytearray(), bytearray()
    child_count = 0
    for node in nodes:
        entries = {name: child.number for name, child in node.children.items()}
        # Operations outside the main namespace are also found by their short names.
        for name, child in node.children.items():
            match = re.fullmatch(r"microsoft\.graph\.(?:[a-z0-9]+\.)+([a-z0-9]+(?:\(.*\))?)", name)
            if match:
                entries.setdefault(match.group(1), child.number)
        first = child_count
        for name in sorted(entries, key=lambda text: text.encode()):
            child_bytes += struct.pack("<II", pool.add(name), entries[name])
            child_count += 1
        node_bytes += struct.pack(
            "<IIIIHBB", node.parent.number if node.parent else 0, pool.add(node.text), first,
            node.key.number if node.key else 0, len(entries), node.flags, node.methods,
        )
    size = write_file(
        f"{out}/graph-paths.bin", b"MMG2", [pool.bytes, node_bytes, child_bytes, fingerprint(nodes)],
    )
    print(f"graph-paths.bin: {len(nodes)} nodes, {size} bytes")
