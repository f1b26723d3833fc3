"""Path templates of Microsoft Graph, with the least permission of each call, as one tree."""

import json
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
    """How a segment is found: lower case, a function by the sorted set of its parameter names."""
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
    """A key of the permission data in the form of the templates, or None for those that are no paths."""
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


def compile_paths(data, out):
    root = Node(None, "")
    for name, flag in [("paths-v1.0", V1 | BETA), ("paths-beta-extra", BETA), ("paths-beta-more", BETA)]:
        with open(f"{data}/graph/{name}.jsonl") as file:
            for line in file:
                row = json.loads(line)
                node = insert(root, row["p"])
                node.flags |= flag | (COUNT if row.get("n") else 0)
                for method in row["m"]:
                    node.methods |= METHODS.get(method, 0)
    with open(f"{data}/graph/permissions.json") as file:
        permissions = json.load(file)
    for number, (section, flag) in enumerate(
        [("v1", KNOWN_V1), ("other", KNOWN_V1 | KNOWN_BETA), ("beta", KNOWN_BETA)]
    ):
        for path, entry in permissions[section].items():
            path = tidy(path)
            if path is None:
                continue
            node = insert(root, path)
            node.flags |= flag
            for methods, value in entry.items():
                if methods in ("also", "hand"):
                    continue
                mask = sum(METHODS.get(method, 0) for method in methods.split(","))
                if mask:
                    node.permissions.append((number, mask, value))

    nodes = [root]
    for node in nodes:
        node.number = len(nodes) and nodes.index(node) if node is root else node.number
        for child in [node.children[name] for name in sorted(node.children)] + ([node.key] if node.key else []):
            child.number = len(nodes)
            nodes.append(child)

    pool, node_bytes, child_bytes, permission_bytes = Pool(), bytearray(), bytearray(), bytearray()
    child_count = permission_count = 0
    for node in nodes:
        entries = {name: child.number for name, child in node.children.items()}
        # The short name of an operation outside the main namespace is accepted too.
        for name, child in node.children.items():
            match = re.fullmatch(r"microsoft\.graph\.(?:[a-z0-9]+\.)+([a-z0-9]+(?:\(.*\))?)", name)
            if match:
                entries.setdefault(match.group(1), child.number)
        first = child_count
        for name in sorted(entries, key=lambda text: text.encode()):
            child_bytes += struct.pack("<II", pool.add(name), entries[name])
            child_count += 1
        first_permission = permission_count
        for section, mask, value in node.permissions:
            permission_bytes += struct.pack("<BBH", section, mask, value)
            permission_count += 1
        node_bytes += struct.pack(
            "<IIIIIHBBHH", node.parent.number if node.parent else 0, pool.add(node.text), first,
            node.key.number if node.key else 0, first_permission, len(entries), node.flags, node.methods,
            permission_count - first_permission, 0,
        )
    set_bytes, scheme_bytes = bytearray(), bytearray()
    schemes = {}

    def scheme(value):
        least = tuple(value[0]) if value else None
        if least is None:
            return 0xFFFF
        if least not in schemes:
            schemes[least] = len(scheme_bytes) // 2
            scheme_bytes.extend(struct.pack("<H", len(least)) + b"".join(struct.pack("<H", name) for name in least))
        return schemes[least]

    for row in permissions["sets"]:
        set_bytes += struct.pack("<HHHH", *(scheme(value) for value in row), 0)
    name_bytes = b"".join(struct.pack("<I", pool.add(row["n"])) for row in permissions["names"])
    size = write_file(
        f"{out}/graph-paths.bin", b"MMG1",
        [pool.bytes, node_bytes, child_bytes, permission_bytes, set_bytes, scheme_bytes, name_bytes],
    )
    print(f"graph-paths.bin: {len(nodes)} nodes, {size} bytes")
