import MMCore

extension Change {
    /// What it changes of what, in small letters: two changes that name none in common can be taken back in any order, unless one
    /// of them makes or deletes what the other one speaks of.
    package var slots: [String] {
        let place = "\(service.rawValue) \(place.lowercased())"
        switch kind {
        case .properties where !keys.isEmpty: return keys.map { "\(place) \($0.lowercased())" }
        case .link, .unlink: return others.map { "\(place) \($0.id.lowercased())" }
        // Its place is what it was made in. Nothing else can speak of an object whose id nobody knows.
        case .creation: return subject.id.isEmpty ? [] : ["\(place) \(subject.id.lowercased())"]
        default: return [place]
        }
    }

    /// Whether a later change of the same kind takes the place of what it left.
    package var isOverwritten: Bool { kind == .properties || kind == .content }

    /// The object whose being there it changes, in small letters; `nil` for what only changes one.
    package var madeOrDeleted: String? {
        guard [.creation, .deletion, .restoration].contains(kind), !subject.id.isEmpty else { return nil }
        return subject.id.lowercased()
    }

    /// The ids of all objects that it speaks of, in small letters.
    package var touched: Set<String> {
        var ids = Set(place.lowercased().split(separator: "/").map(String.init))
        for subject in [subject] + others { ids.insert(subject.id.lowercased()) }
        for (_, value) in cmdlet?.names ?? [:] { if let text = value.string { ids.insert(text.lowercased()) } }
        return ids
    }
}
