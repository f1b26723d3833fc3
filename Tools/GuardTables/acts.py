"""The classes of actions: all requests and cmdlets for one action get the same class."""

import json

from pool import CLASS_BITS, fits

READ = CLASS_BITS["read"]
# The classes that an action may add to a cmdlet that only reads: it may show secrets, or call services outside.
OF_READS = ("secret", "external")


class Acts:
    """The contents of acts.json."""

    def __init__(self, here):
        with open(f"{here}/acts.json") as file:
            data = json.load(file)
        self.acts = data["acts"]
        self.areas = data["areas"]

    def rules(self, early):
        """The rules for requests: those that precede the rules of Graph (`early`), or those that follow them."""
        return [
            dict(request, id=act["id"], why=act["why"], **{"class": act["class"]})
            for act in self.acts if act.get("early", False) == early for request in act.get("requests", [])]

    def area_rules(self):
        """The rules for whole areas of Graph, used if no other rule matches."""
        return [dict(area, service="graph", m=["POST", "PUT", "PATCH"]) for area in self.areas]

    @staticmethod
    def _concerns(part, product, name):
        return (product in part.get("products", [product]) and fits(part["cmdlets"], name)
                and not fits(part.get("except", []), name))

    def _of(self, product, name, mask):
        for act in self.acts:
            is_change = mask != READ or act["class"] in OF_READS
            if act["class"] != "write" and "cmdlets" in act and not act.get("plain") and is_change and self._concerns(act, product, name):
                yield act

    def classes(self, product, name, mask, reasons, reason_names):
        """The classes and reasons of a cmdlet including those of its actions."""
        for act in self.acts:
            if act.get("plain") and fits(act["cmdlets"], name):
                return CLASS_BITS[act["class"]], []
        before, reasons = mask, list(reasons)
        for act in self._of(product, name, before):
            mask = (mask & ~READ) | CLASS_BITS[act["class"]]
            reasons.append(reason_names.index(act["reason"]))
        return mask, sorted(set(reasons))

    def is_plain(self, name):
        """Whether a row says that a cmdlet has exactly its class."""
        return any(act.get("plain") and fits(act["cmdlets"], name) for act in self.acts)

    def raises(self, product, name, mask, found, parameters):
        """Adds to `found` the parameters that add the classes of actions."""
        for act in self.acts:
            for part in act.get("parameters", []):
                if not self._concerns(part, product, name) or (mask == READ and act["class"] not in OF_READS):
                    continue
                names = [text for text in part["parameters"] if "*" not in text] if parameters is None else [
                    text for text in parameters if fits(part["parameters"], text)]
                for text in names:
                    if not any(row[0].lower() == text.lower() for row in found):
                        found.append([text, part.get("condition", "any"), CLASS_BITS[act["class"]], act["why"]])
        return found

    def is_ordinary(self, name):
        """Whether a cmdlet changes only an ordinary resource of Azure. For other resources its verb doesn't prove its class."""
        return any(act.get("ordinary") and fits(act["cmdlets"], name) for act in self.acts)
