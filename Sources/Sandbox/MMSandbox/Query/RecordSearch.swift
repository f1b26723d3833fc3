internal import MMCore

/// Whether a record has what a `$search` clause looks for.
enum RecordSearch {
    static func matches(_ search: SearchExpression, _ record: Record, kind: EntityKind) -> Bool {
        search.matches { property, text in
            if let property, kind.types[property] != nil || property == "to" {
                return has(record, property == "to" ? "toRecipients" : property, text, kind: kind)
            }
            // Mail reads an unknown word before a colon as part of the text.
            let text = property.map { "\($0):\(text)" } ?? text
            return kind.searched.contains { has(record, $0, text, kind: kind) }
        }
    }

    private static func has(_ record: Record, _ property: String, _ text: String, kind: EntityKind) -> Bool {
        guard let value = record[property] else { return false }
        let texts = strings(in: value)
        guard kind.isDirectoryObject else { return texts.contains { CaselessText.contains($0, text) } }
        guard property == "displayName" || property == "description" else {
            return texts.contains { CaselessText.hasPrefix($0, text) }
        }
        // Names are cut into words; each word asked for must begin one of them.
        let wanted = words(text)
        return texts.contains { candidate in
            let words = words(candidate)
            return !wanted.isEmpty
                && wanted.allSatisfy { start in words.contains { CaselessText.hasPrefix($0, start) } }
        }
    }

    /// The parts of a text between blanks and marks.
    static func words(_ text: String) -> [String] {
        text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    private static func strings(in value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let items): items.flatMap(strings)
        case .object(let members): members.values.flatMap(strings)
        default: []
        }
    }
}
