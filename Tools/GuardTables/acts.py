"""What an act is for, by every road that leads to it: requests and cmdlets of one act have one class."""

import json

from pool import CLASS_BITS, fits

READ = CLASS_BITS["read"]
# The classes that a cmdlet can have that only looks: what it shows, and whom it asks.
OF_READS = ("secret", "external")


class Acts:
    """The judgements of acts.json."""

    def __init__(self, here):
        with open(f"{here}/acts.json") as file:
            data = json.load(file)
        self.acts = data["acts"]
        self.areas = data["areas"]

    def rules(self, early):
        """The rules of requests: those that come before the rules of Graph, or those that come after them."""
        return [
            dict(request, id=act["id"], why=act["why"], **{"class": act["class"]})
            for act in self.acts if act.get("early", False) == early for request in act.get("requests", [])]

    def area_rules(self):
        """The rules of whole areas of Graph, for what no other rule speaks of."""
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
        """The classes and reasons of a cmdlet, its acts counted in."""
        for act in self.acts:
            if act.get("plain") and fits(act["cmdlets"], name):
                return CLASS_BITS[act["class"]], []
        before, reasons = mask, list(reasons)
        for act in self._of(product, name, before):
            mask = (mask & ~READ) | CLASS_BITS[act["class"]]
            reasons.append(reason_names.index(act["reason"]))
        return mask, sorted(set(reasons))

    def raises(self, product, name, mask, found, parameters):
        """The parameters that add the classes of acts, beside those that were found already."""
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
        """Whether a cmdlet only sets one of Azure's ordinary resources: of all others the verb proves nothing."""
        return any(act.get("ordinary") and fits(act["cmdlets"], name) for act in self.acts)
