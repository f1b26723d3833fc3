import MMCore

extension Change {
    /// The places that the change writes, in lower case. Two changes without a common slot can be taken back in any
    /// order, unless one of them creates or deletes an object that the other one involves.
    package var slots: [String] {
        let place = "\(service.rawValue) \(place.lowercased())"
        switch kind {
        case .properties where !keys.isEmpty: return keys.map { "\(place) \($0.lowercased())" }
        case .link, .unlink: return others.map { "\(place) \($0.id.lowercased())" }
        // The place of a creation is the collection. An object whose id isn't known can't be part of any other change.
        case .creation: return subject.id.isEmpty ? [] : ["\(place) \(subject.id.lowercased())"]
        default: return [place]
        }
    }

    /// The object that it changes, by which changed objects are counted: a new one is not the collection that it is in.
    package var object: String {
        (kind == .creation ? slots.first : nil) ?? "\(service.rawValue) \(place.lowercased())"
    }

    /// Whether a later change of the same kind replaces what this one left.
    package var isOverwritten: Bool { kind == .properties || kind == .content }

    /// The id of the object that the change creates, deletes or restores, in lower case; `nil` for other changes.
    package var madeOrDeleted: String? {
        guard [.creation, .deletion, .restoration].contains(kind), !subject.id.isEmpty else { return nil }
        return subject.id.lowercased()
    }

    /// The ids of all objects that it involves, in lower case.
    package var touched: Set<String> {
        var ids = Set(place.lowercased().split(separator: "/").map(String.init))
        for subject in [subject] + others { ids.insert(subject.id.lowercased()) }
        for (_, value) in cmdlet?.names ?? [:] { if let text = value.string { ids.insert(text.lowercased()) } }
        return ids
    }
}
