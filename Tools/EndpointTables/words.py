"""Normalises words for the index and its reader: lower case, without accents and endings."""

FOLD = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "è": "e", "à": "a", "á": "a", "ç": "c", "ô": "o"})


def pieces(text):
    """The words of a text, split at other characters than letters and digits, and before capitals."""
    words, word = [], ""
    previous = ""
    for index, letter in enumerate(text):
        following = text[index + 1] if index + 1 < len(text) else ""
        if not letter.isalnum():
            if word:
                words.append(word)
            word = ""
        else:
            starts = letter.isupper() and (previous.islower() or previous.isdigit() or (previous.isupper() and following.islower()))
            if starts and word:
                words.append(word)
                word = ""
            word += letter
        previous = letter
    if word:
        words.append(word)
    return [fold(word) for word in words]


def fold(word):
    return word.lower().translate(FOLD)


def stem(word):
    """A word without its ending; the same rules as `WordForm` in MMGuard."""
    size = len(word)
    if size > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) >= 6 and word.endswith("ing"):
        word = undoubled(word[:-3])
    elif len(word) >= 5 and word.endswith("ed") and not word.endswith("eed"):
        word = undoubled(word[:-2])
    if len(word) >= 4 and word.endswith("e"):
        word = word[:-1]
    if len(word) >= 4 and word.endswith("y"):
        word = word[:-1] + "i"
    return word


def undoubled(word):
    return word[:-1] if len(word) >= 4 and word[-1] == word[-2] and word[-1] in "bgmnp" else word


def stems(text):
    return [stem(word) for word in pieces(text)]


class Vocabulary:
    """The contents of words.txt."""

    def __init__(self, path):
        self.same, self.also, self.verbs, self.stop, self.weak = {}, {}, {}, set(), set()
        section = None
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.split("#")[0].strip()
                if not line:
                    continue
                if line.startswith("["):
                    section = line.strip("[]")
                elif section == "stop":
                    self.stop.update(fold(word) for word in line.split())
                elif section == "weak":
                    self.weak.update(stem(fold(word)) for word in line.split())
                else:
                    head, _, tail = line.partition("=")
                    head, tail = head.strip(), tail.strip()
                    if section == "same":
                        target = stem(fold(head))
                        for spelling in tail.split(";"):
                            key = tuple(stems(spelling))
                            if key and key != (target,):
                                self.same.setdefault(key, target)
                    elif section == "also":
                        self.also[stem(fold(head))] = stems(tail)
                    elif section == "verbs":
                        for word in tail.split():
                            self.verbs.setdefault(stem(fold(word)), head)
        self.longest = max(map(len, self.same))

    def tokens(self, text):
        """The words of a text as the index spells them, with their positions; stop words are left out."""
        raw = pieces(text)
        plain = [stem(word) for word in raw]
        found, place = [], 0
        while place < len(raw):
            for size in range(min(self.longest, len(raw) - place), 0, -1):
                target = self.same.get(tuple(plain[place:place + size]))
                if target and not (size == 1 and raw[place] in self.stop):
                    found.append(target)
                    place += size
                    break
            else:
                if raw[place] not in self.stop and len(raw[place]) > 0:
                    found.append(plain[place])
                place += 1
        return found
