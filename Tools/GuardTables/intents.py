"""Derives the class of a cmdlet from the words of its name and parameters, so that an action has the same class in every module."""

import json

from acts import Acts
from pool import CLASS_BITS, fits

READ = CLASS_BITS["read"]


class Intents:
    """The contents of intents.json."""

    def __init__(self, here):
        with open(f"{here}/intents.json") as file:
            self.data = json.load(file)
        self.aliases = self.data["aliases"]
        self.acts = Acts(here)
        self.honours_what_if = self.data["honoursWhatIf"]["cmdlets"]

    def _concerns(self, rule, product, name, mask):
        verb = name.split("-")[0]
        verbs = rule["verbs"]
        if product not in rule["products"] or (verbs == "change" and (mask == READ or verb == "Get")):
            return False
        if isinstance(verbs, list) and verb not in verbs:
            return False
        if rule.get("reads") is False and mask == READ:
            return False
        if "cmdlets" in rule and not fits(rule["cmdlets"], name):
            return False
        noun = name.split("-", 1)[-1]
        return not fits(rule.get("except", []), noun) and not fits(rule.get("except", []), name)

    def classes(self, product, name, mask, reasons, reason_names):
        """The classes and reasons of a cmdlet including those that follow from the words of its noun."""
        noun = name.split("-", 1)[-1]
        if name in self.data["classes"]:
            return CLASS_BITS[self.data["classes"][name]], []
        reasons = list(reasons)
        if mask == READ and "local" in [reason_names[index] for index in reasons]:
            return self.acts.classes(product, name, mask, reasons, reason_names)
        for rule in self.data["nouns"]:
            if self._concerns(rule, product, name, mask) and fits(rule["nouns"], noun):
                mask = (mask & ~READ) | CLASS_BITS[rule["class"]]
                reasons.append(reason_names.index(rule["why"]))
        return self.acts.classes(product, name, mask, reasons, reason_names)

    def raises(self, product, name, mask, own, parameters):
        """The parameters that add classes: those of the module's table, and those of the rules that the cmdlet has (all of them
        if its parameters aren't known)."""
        dropped = [text.lower() for text in self.data["withoutRaise"].get(name, [])]
        found = [row for row in own or [] if row[0].lower() not in dropped]
        for rule in self.data["parameters"]:
            if not self._concerns(rule, product, name, mask):
                continue
            names = rule["parameters"] if parameters is None else [
                text for text in parameters if fits(rule["parameters"], text)]
            for text in names:
                if text.lower() not in dropped and not any(row[0].lower() == text.lower() for row in found):
                    found.append([text, rule.get("condition", "any"), CLASS_BITS[rule["class"]], rule["why"]])
        return self.acts.raises(product, name, mask, found, parameters)

    def is_unproven(self, product, name, mask, reasons, reason_names, request):
        """Whether nothing proves what the cmdlet does: neither its verb, nor a review, nor a known request."""
        verb = name.split("-")[0]
        proven = self.data["provenReads"]
        is_local = "local" in [reason_names[index] for index in reasons]
        if request or is_local or fits(proven["cmdlets"], name) or self.acts.is_plain(name):
            return False
        if mask == READ:
            return verb not in proven["verbs"]
        # The class of Graph's cmdlets follows from their requests, that of Azure's from the kind of resource. The verbs of the other
        # modules are reviewed.
        if product == "graph":
            return mask == CLASS_BITS["write"]
        return product == "azure" and mask == CLASS_BITS["write"] and not self.acts.is_ordinary(name)
