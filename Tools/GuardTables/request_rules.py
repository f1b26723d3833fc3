"""The rules for the class of a request, by service; the first that matches applies."""

import json
import struct

from acts import Acts
from pool import BATCH, CLASS_BITS, METHODS, Pool, write_file

OPEN_ENDED = 0x80000000
# In the order of RequestRuleTable. The last isn't a service: it is for the steps of SharePoint's object requests.
SERVICES = [
    "graph", "flow", "arm", "exchange", "bap", "powerApps", "sharePoint", "teams", "powerPlatform", "dataverse",
    "keyVault", "storage", "signIn", "sharePointObjects",
]


def compile_rules(data, here, out):
    acts = Acts(here)
    rules = acts.rules(early=True)
    with open(f"{data}/graph/dangerous.json") as file:
        rules += [dict(rule, service="graph") for rule in json.load(file)["rules"]]
    rules += acts.rules(early=False)
    with open(f"{here}/service-rules.json") as file:
        for service, own in json.load(file)["services"].items():
            for rule in own:
                rules += [dict(rule, service=name) for name in service.split(",")]
    rules += acts.area_rules()
    pool, rule_bytes, list_bytes = Pool(), bytearray(), bytearray()

    def strings(values):
        offset = len(list_bytes) // 4
        for value in values:
            list_bytes.extend(struct.pack("<I", pool.add(value.lower())))
        return offset, len(values)

    patterns = 0
    for rule in rules:
        first, count = len(list_bytes) // 4, len(rule["p"])
        bodies = []
        for pattern in rule["p"]:
            bodies.append([segment.lower() for segment in pattern.strip("/").split("/")])
            patterns += 1
        # A pattern is the number of its segments (with a flag if it contains **), then the segments.
        for segments in bodies:
            list_bytes.extend(struct.pack("<I", len(segments) | (OPEN_ENDED if "**" in segments else 0)))
            strings(segments)
        body, select = strings(rule.get("body", [])), strings(rule.get("select", []))
        classes = rule["class"].split(",")
        names = set(rule["m"])
        # Graph takes PUT where it takes PATCH. A rule that asks counts for both, one that lets through only as written.
        if rule["service"] == "graph" and "PATCH" in names and not {"read", "write"} & set(classes):
            names.add("PUT")
        methods = sum(METHODS[method] for method in names)
        value = BATCH if classes == ["batch"] else sum(CLASS_BITS[word] for word in classes)
        rule_bytes += struct.pack(
            "<IIIIIHHHHHBB", pool.add(rule["id"]), pool.add(rule["why"]), first, body[0], select[0], count, body[1],
            select[1], value, methods, SERVICES.index(rule["service"]), 0,
        )
    size = write_file(f"{out}/request-rules.bin", b"MMR1", [pool.bytes, rule_bytes, list_bytes])
    print(f"request-rules.bin: {len(rules)} rules, {patterns} patterns, {size} bytes")
