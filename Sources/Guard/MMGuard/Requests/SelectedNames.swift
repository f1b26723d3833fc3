internal import MMCore

/// The property names that a query asks for in `$select` and `$expand`.
struct SelectedNames: Sendable {
    private var words: Set<String> = []

    init(_ items: [QueryItem]) {
        for item in items {
            guard ["select", "expand"].contains(Self.option(item)), let value = item.value else { continue }
            let text = Self.decodedFully(value).asciiLowercased
            var word = ""
            for character in text.unicodeScalars {
                if character.properties.isAlphabetic || ("0"..."9").contains(character) || character == "_" {
                    word.unicodeScalars.append(character)
                } else {
                    if !word.isEmpty { words.insert(word) }
                    word = character == "*" ? "*" : ""
                    if word == "*" { words.insert(word) }
                    word = ""
                }
            }
            if !word.isEmpty { words.insert(word) }
        }
    }

    /// Returns whether the query asks for the name (in any case), by itself or by `*`.
    func contains(_ name: String) -> Bool {
        words.contains("*") || words.contains(name.asciiLowercased)
    }

    /// Returns the name of an option as the service reads it, in lower case and without `$`.
    static func option(_ item: QueryItem) -> String { QueryItem(decodedFully(item.name), nil).plainName }

    /// Returns the text decoded until nothing changes, because a service that decodes twice must not see more than the
    /// guard.
    static func decodedFully(_ text: String) -> String {
        var text = text
        for _ in 0..<3 where PercentCoding.hasEscape(text) {
            guard let next = PercentCoding.decode(text.utf8), next != text else { break }
            text = next
        }
        return text
    }
}
