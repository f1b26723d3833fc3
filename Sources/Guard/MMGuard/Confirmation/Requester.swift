package import MMCore

/// Who asked for what waits for a person. It is shown, and a confirmation is not bound to it.
package struct Requester: Sendable, Hashable {
    /// The face the call came through: `terminal`, `mcp`, `rest`, `library`.
    package var surface: String
    /// The client's own name.
    package var client: String
    /// The model behind the client, where the client tells it.
    package var model: String?
    /// The person whom the client acts for, where that is known.
    package var person: String?

    /// Creates a requester.
    package init(surface: String, client: String, model: String? = nil, person: String? = nil) {
        self.surface = surface
        self.client = client
        self.model = model
        self.person = person
    }

    /// The requester in one line, for a person: names are the callers' own and can't repaint a screen.
    package var text: String {
        let parts = [client.isEmpty ? "unnamed" : client, model, person].compactMap(\.self)
        return VisibleText.exact(parts.map { String($0.prefix(100)) }.joined(separator: ", ")) + " (\(surface))"
    }
}

extension Requester {
    /// The requester as it is stored and shown.
    package var json: JSONValue {
        var object: JSONObject = ["surface": .string(surface), "client": .string(client)]
        if let model { object["model"] = .string(model) }
        if let person { object["person"] = .string(person) }
        return .object(object)
    }

    /// Reads a stored requester; `nil` if the value isn't one.
    init?(json: JSONValue) {
        guard let surface = json["surface"]?.string, let client = json["client"]?.string else { return nil }
        self.init(surface: surface, client: client, model: json["model"]?.string, person: json["person"]?.string)
    }
}
