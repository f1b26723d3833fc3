"""The types of Microsoft Graph v1.0: their properties, the types of these, and the query options they support."""

import struct
import xml.etree.ElementTree as tree

from pool import Pool, write_file

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
OPEN, ENTITY = 1, 2
NAVIGATION, COLLECTION, ABILITIES, DOCUMENTED = 1, 2, 4, 8


def read_csdl(path):
    """name → (base, flags, [(property, type, flags)])

    The parameters of a bound action stand for a type with the name TYPE/ACTION.
    """
    schemas = list(tree.parse(path).getroot().iter(EDM + "Schema"))
    spaces = {schema.get("Alias"): schema.get("Namespace") for schema in schemas}

    def short(name):
        space, _, last = name.rpartition(".")
        return f"{spaces.get(space, space)}.{last}".removeprefix("microsoft.graph.").removeprefix(".")

    def typed(entry, mark=0):
        """(name, type, flags) of a property or parameter"""
        kind = entry.get("Type")
        many = COLLECTION if kind.startswith("Collection(") else 0
        return entry.get("Name"), short(kind.removeprefix("Collection(").removesuffix(")")), mark | many

    types = {}
    for schema in schemas:
        space = schema.get("Namespace").removeprefix("microsoft.graph").removeprefix(".")
        prefix = space + "." if space else ""
        for kind, flag in (("EntityType", ENTITY), ("ComplexType", 0)):
            for item in schema.findall(EDM + kind):
                properties = []
                for tag, mark in (("Property", 0), ("NavigationProperty", NAVIGATION)):
                    properties += [typed(entry, mark) for entry in item.findall(EDM + tag)]
                flags = flag | (OPEN if item.get("OpenType") == "true" else 0)
                types[prefix + item.get("Name")] = (short(item.get("BaseType", "")), flags, properties)
        for item in schema.findall(EDM + "Action"):
            parameters = [typed(entry) for entry in item.findall(EDM + "Parameter")]
            if item.get("IsBound") == "true" and len(parameters) > 1:
                name = f"{parameters[0][1]}/{prefix}{item.get('Name')}"
                known = types.get(name, ("", 0, []))[2]
                types[name] = ("", 0, known + [row for row in parameters[1:] if row[0] not in {old[0] for old in known}])
    return types


def add_documented(types, here):
    """Adds the properties that only Microsoft's documentation has."""
    with open(f"{here}/documented.txt", encoding="utf-8") as file:
        for line in file:
            if not line.strip() or line.startswith("#"):
                continue
            place, _, kind = line.partition("=")
            name, added = place.split()
            if any(row[0] == added for row in types[name][2]):
                raise SystemExit(f"documented.txt: the description of {name} has {added}")
            many = COLLECTION if kind.strip().startswith("Collection(") else 0
            kind = kind.strip().removeprefix("Collection(").removesuffix(")")
            types[name][2].append((added, kind, DOCUMENTED | many))


def read_abilities(here):
    """type → {key: (plain, with the header)}"""
    abilities, current = {}, None
    with open(f"{here}/query-abilities.txt", encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                current = abilities.setdefault(line.strip("[]"), {})
                continue
            key, _, value = line.partition("=")
            usual, _, advanced = value.partition("|")
            current[key.strip()] = (usual.strip(), advanced.strip())
    return abilities


def compile_types(csdl, here, out):
    types, abilities, pool = read_csdl(csdl), read_abilities(here), Pool()
    add_documented(types, here)
    names = sorted(types, key=lambda name: name.lower().encode())
    numbers = {name: number for number, name in enumerate(names)}
    type_bytes, property_bytes, count = bytearray(), bytearray(), 0

    def inherited(name):
        found = {}
        while name in types:
            for row in types[name][2]:
                found.setdefault(row[0], row)
            name = types[name][0]
        return found

    for name, facts in abilities.items():
        if name not in types:
            raise SystemExit(f"query-abilities.txt: no type {name}")
        known = inherited(name)
        for key, (usual, advanced) in facts.items():
            if key in ("select", "orderby"):
                missing = [word for word in (usual + " " + advanced).split() if word not in known]
            else:
                missing = [] if key == "search" or key in known else [key]
            if missing:
                raise SystemExit(f"query-abilities.txt: {name} has no {', '.join(missing)}")
    for name in names:
        base, flags, own = types[name]
        facts = abilities.get(name, {})
        # Inherited properties are listed again if query-abilities.txt says something about them.
        rows = {row[0]: row for row in own}
        for key in facts:
            if key not in ("select", "orderby", "search"):
                rows.setdefault(key, inherited(name)[key])
        first = count
        for key in sorted(rows, key=lambda text: text.lower().encode()):
            _, kind, mark = rows[key]
            usual, advanced = facts.get(key, ("", ""))
            property_bytes += struct.pack(
                "<IIIII", pool.add(key), pool.add(kind), pool.add(usual), pool.add(advanced),
                mark | (ABILITIES if key in facts else 0),
            )
            count += 1
        select, orderby, search = (facts.get(key, ("", "")) for key in ("select", "orderby", "search"))
        type_bytes += struct.pack(
            "<IHHIHHIIIII", pool.add(name), numbers.get(base, 0xFFFF), flags | (4 if facts else 0), first, len(rows), 0,
            pool.add(select[0]), pool.add(orderby[0]), pool.add(orderby[1]), pool.add(search[0]), pool.add(search[1]),
        )
    size = write_file(f"{out}/types.bin", b"MMY1", [pool.bytes, type_bytes, property_bytes])
    print(f"types.bin: {len(names)} types, {count} properties, {size} bytes")
