"""Cmdlets of the modules and of PowerShell itself: classes, parameters, raising parameters, aliases."""

import json
import struct

from intents import Intents
from pool import CLASS_BITS, Pool, fits, write_file

PRODUCTS = ["builtin", "exchange", "teams", "pnp", "sharepoint-online", "powerapps", "azure", "graph"]
BLOCKED, WARNED, SEND_GUARD, METHOD, OUTSIDE, UNPROVEN, EARLIER_BLOCKED = 1, 2, 4, 8, 16, 32, 64
SWITCH, PIPELINE, WRITES_VARIABLE, COMMON, BLOCK, ARRAY, REQUIRED = 1, 2, 4, 8, 16, 32, 64
CONDITIONS = {"any": 0, "true": 1, "false": 2}

# The modules of those subjects of the Az reference whose names don't show them.
AZ_MODULES = {
    "Active Directory": "Az.Resources", "Resources": "Az.Resources", "App Service": "Az.Websites",
    "Virtual Machines": "Az.Compute", "Compute": "Az.Compute", "Container Instances": "Az.ContainerInstance",
    "Application Gateway": "Az.Network", "Networking": "Az.Network", "Accounts": "Az.Accounts",
    "Azure Kubernetes Service": "Az.Aks", "Cosmos DB": "Az.CosmosDB", "SQL": "Az.Sql", "SQL Database": "Az.Sql",
}


FLAGS = {"s": SWITCH, "p": PIPELINE, "v": WRITES_VARIABLE, "o": 0}


def places(position):
    """The positions of a positional parameter, which may differ between parameter sets."""
    return sorted(set(position.values())) if isinstance(position, dict) else [position]


def compile_cmdlets(data, powershell, here, out):
    pool = Pool()
    rows = {}
    parameters, parameter_numbers, lists, list_offsets, raises_bytes = bytearray(), {}, bytearray(), {}, bytearray()
    raise_offsets = {}
    intents = Intents(here)

    def parameter(name, flags, position, aliases):
        key = (name, flags, position, tuple(aliases))
        if key not in parameter_numbers:
            parameter_numbers[key] = len(parameters) // 12
            parameters.extend(
                struct.pack("<IIbBH", pool.add(name), pool.add(",".join(aliases)), position, flags, 0))
        return parameter_numbers[key]

    def parameter_list(numbers):
        key = tuple(sorted(set(numbers)))
        if key not in list_offsets:
            list_offsets[key] = len(lists) // 2 + 1
            lists.extend(struct.pack("<H", len(key)) + b"".join(struct.pack("<H", number) for number in key))
        return list_offsets[key]

    with open(f"{here}/reasons.json") as file:
        spoken = json.load(file)["reasons"]

    def raise_list(entries):
        key = json.dumps(entries)
        if key in raise_offsets:
            return raise_offsets[key]
        offset = raise_offsets[key] = len(raises_bytes) // 16 + 1
        raises_bytes.extend(struct.pack("<IIIHH", len(entries), 0, 0, 0, 0))
        for name, condition, mask, reason in entries:
            kind = CONDITIONS.get(condition, 3)
            values = condition.split(":", 1)[1].lower() if kind == 3 else ""
            raises_bytes.extend(
                struct.pack("<IIIHH", pool.add(name), pool.add(values), pool.add(spoken.get(reason, reason)), mask, kind))
        return offset

    def add(name, product, mask, reasons, services=0, support=0, params=0, raises=0, module="", flags=0, canonical="",
            request=""):
        rows.setdefault(name.lower(), []).append(
            dict(name=name, product=product, mask=mask, reasons=reasons, services=services, support=support,
                 params=params, raises=raises, module=module, flags=flags, canonical=canonical or name, request=request))

    with open(f"{here}/request-cmdlets.json") as file:
        written = json.load(file)

    def written_list(entries):
        return parameter_list([
            parameter(row[0], sum(FLAGS[flag] for flag in row[2]), row[1], row[3:]) for row in entries])

    for product in PRODUCTS[1:]:
        with open(f"{data}/cmdlets/{product}.json") as file:
            table = json.load(file)
        types = table.get("types", [])

        def shared(item):
            row = table["parameters"][item if isinstance(item, int) else item[0]]
            flags = SWITCH if row[2] & 1 else 0
            flags |= (PIPELINE if row[4] else 0) | (ARRAY if row[2] & 6 else 0)
            flags |= BLOCK if types[row[1]].startswith("ScriptBlock") else 0
            flags |= REQUIRED if not isinstance(item, int) and len(item) > 2 and item[2] else 0
            # Drop remarks after the name, such as "(Removed …)".
            return row[0].split(" ")[0], flags, row[3], row[5] if len(row) > 5 else []

        reason_names = table["reasons"]
        for row in table["cmdlets"]:
            name, aliases, services, support, params, module = row[0], [], 0, 0, 0, ""
            if product == "exchange":
                services, mask, reasons, support, own = row[1], row[2], row[3], row[4], row[7]
            elif product == "pnp":
                mask, reasons, support, aliases, own = row[1], row[2], row[3], row[4], row[7]
            elif product in ("teams", "sharepoint-online"):
                mask, reasons, support, own = row[1], row[2], row[3], row[6]
            else:
                mask, reasons, own = row[1], row[2], None
                if product == "powerapps":
                    aliases = row[4]
                if product == "azure":
                    topic = table["topics"][row[3]]
                    module = AZ_MODULES.get(topic, "Az." + topic.replace(" ", ""))
                    support = 1 if fits(intents.honours_what_if, name) else 0
            # The parameters of three cmdlets of PnP aren't known.
            names = None
            is_listed = bool(own) or (own is not None and product != "pnp")
            if is_listed:
                names = [shared(item) for item in own]
            elif name in written["cmdlets"]:
                params = written_list(written["cmdlets"][name])
                names = [(row[0],) for row in written["cmdlets"][name]]
            request = f"{row[3]} {row[4].strip()}" if product == "graph" and len(row) > 4 else ""
            mask, reasons = intents.classes(product, name, mask, reasons, reason_names)
            raises = intents.raises(product, name, mask, table["raises"].get(name), names and [item[0] for item in names])
            offset = raise_list(raises) if raises else 0
            if is_listed:
                # A parameter of which a rule names values takes one, also where the documentation takes it for a switch.
                valued = {row[0] for row in raises if row[1].startswith("value:")}
                params = parameter_list([
                    parameter(text, flags & ~SWITCH if text in valued else flags, position, spelled)
                    for text, flags, position, spelled in names])
            flags = UNPROVEN if intents.is_unproven(product, name, mask, reasons, reason_names, request) else 0
            bits = sum(1 << index for index in reasons)
            for spelled in [name] + aliases:
                add(spelled, product, mask, bits, services, support, params, offset, module, flags, name, request)
        for alias, target in list(table.get("aliases", {}).items()) + list(intents.aliases.items()):
            for source in rows.get(target.lower(), []):
                if source["product"] == product and target == source["name"] and alias.lower() not in rows:
                    rows[alias.lower()] = [dict(source, name=alias)]
        if product == "exchange":
            reasons_all = reason_names

    with open(f"{here}/builtin-classes.json") as file:
        own = json.load(file)
    classes = {}
    for word, names in own["classes"].items():
        for name in names:
            classes[name.lower()] = (name, CLASS_BITS[word])
    asked = {name.lower() for name in own["askedSession"]}
    with open(f"{powershell}/builtin-cmdlets.json") as file:
        builtin = json.load(file)["rows"]
    seen = set()
    for row in builtin:
        seen.add(row["n"].lower())
        numbers = [
            parameter(
                item["n"],
                (SWITCH if item["t"] == "SwitchParameter" else 0)
                | (PIPELINE if item.get("vp") or item.get("vpn") else 0)
                | (BLOCK if item["t"].startswith("ScriptBlock") else 0) | (ARRAY if item["t"].endswith("[]") else 0)
                | (REQUIRED if item.get("m") else 0), position, item.get("a", []))
            for item in row.get("p", []) for position in places(item.get("pos", -1))
        ]
        mask = classes.get(row["n"].lower(), (None, 0))[1]
        outside = mask == 0 or row["n"].lower() in asked
        if row["n"].lower() in asked:
            mask = CLASS_BITS["privilege"]
        add(row["n"], "builtin", mask or CLASS_BITS["write"], 0, support=1 if row.get("sp") else 0,
            params=parameter_list(numbers), module=row["m"], flags=OUTSIDE if outside else 0)
    for lower, (name, mask) in classes.items():
        if lower not in seen:
            add(name, "builtin", mask, 0)

    with open(f"{here}/cmdlet-lists.json") as file:
        named = json.load(file)
    flags = {"blocked": BLOCKED, "earlierBlocked": EARLIER_BLOCKED, "warned": WARNED, "sendGuard": SEND_GUARD,
             "method": METHOD}
    for key, flag in flags.items():
        for pattern in named[key]:
            lower = pattern.lower()
            hits = [name for name in rows if name.startswith(lower[:-1])] if lower.endswith("*") else [lower]
            targets = {entry["canonical"].lower() for hit in hits for entry in rows[hit]}
            for entries in rows.values():
                for entry in entries:
                    if entry["canonical"].lower() in targets:
                        entry["flags"] |= flag

    # Thousands of cmdlets differ in nothing but their names, so a row has only the name and the number of its facts.
    cmdlet_bytes, fact_bytes, fact_numbers, requests = bytearray(), bytearray(), {}, [0]
    request_numbers = {0: 0}
    for lower in sorted(rows, key=lambda text: text.encode()):
        for entry in rows[lower]:
            facts = struct.pack(
                "<IIIIQHBBBBH", pool.add(entry["canonical"]) if entry["canonical"] != entry["name"] else 0,
                pool.add(entry["module"]), entry["params"], entry["raises"], entry["reasons"], entry["mask"],
                PRODUCTS.index(entry["product"]), entry["services"], entry["support"], entry["flags"], 0)
            if facts not in fact_numbers:
                fact_numbers[facts] = len(fact_numbers)
                fact_bytes += facts
            request = pool.add(entry["request"])
            if request not in request_numbers:
                request_numbers[request] = len(requests)
                requests.append(request)
            cmdlet_bytes += struct.pack(
                "<IHH", pool.add(entry["name"]), fact_numbers[facts], request_numbers[request])
    count = len(cmdlet_bytes) // 8

    with open(f"{powershell}/aliases.json") as file:
        aliases = {row["name"].lower(): row["to"] for row in json.load(file)["rows"] if "linux7" in row["on"]}
    alias_bytes = b"".join(
        struct.pack("<II", pool.add(name), pool.add(aliases[name]))
        for name in sorted(aliases, key=lambda text: text.encode()))
    # Aliases that exist only on Windows: elsewhere these names start programs, about which people are warned.
    with open(f"{powershell}/aliases.json") as file:
        windows = {
            row["name"].lower(): row["to"] for row in json.load(file)["rows"] if "linux7" not in row["on"]}
    windows_bytes = b"".join(
        struct.pack("<II", pool.add(name), pool.add(windows[name]))
        for name in sorted(windows, key=lambda text: text.encode()))
    with open(f"{powershell}/automatic-variables.json") as file:
        variables = sorted({row["name"].lower() for row in json.load(file)["rows"]}, key=lambda text: text.encode())
    variable_bytes = b"".join(struct.pack("<I", pool.add(name)) for name in variables)
    with open(f"{powershell}/common-parameters.json") as file:
        common = [
            parameter(row["name"], COMMON | (SWITCH if row["type"] == "SwitchParameter" else 0)
                      | (WRITES_VARIABLE if row["writesVariable"] else 0), -1, row["aliases"])
            for row in json.load(file)["rows"]
        ]
    common_offset = parameter_list(common)
    verbs = {}
    for line in open(f"{data}/cmdlets/classes.md"):
        for word in ("read", "write", "destructive", "send", "privilege"):
            if line.startswith(f"- **{word}**: "):
                for verb in line.split(": ", 1)[1].strip().split(", "):
                    verbs[verb.lower()] = CLASS_BITS[word]
    verb_bytes = b"".join(
        struct.pack("<II", pool.add(verb), verbs[verb]) for verb in sorted(verbs, key=lambda text: text.encode()))
    reason_bytes = b"".join(struct.pack("<I", pool.add(spoken[reason])) for reason in reasons_all)
    head = struct.pack("<I", common_offset)
    usual_bytes = b"".join(
        struct.pack("<I", written_list(written["products"][product]) if product in written["products"] else 0)
        for product in PRODUCTS)
    size = write_file(
        f"{out}/cmdlets.bin", b"MMC2",
        [pool.bytes, cmdlet_bytes, parameters, lists, raises_bytes, alias_bytes, variable_bytes, verb_bytes,
         reason_bytes, head, windows_bytes, usual_bytes, fact_bytes, struct.pack(f"<{len(requests)}I", *requests)])
    print(f"cmdlets.bin: {count} names, {len(parameters) // 12} parameters, {len(aliases)} aliases, {size} bytes")
