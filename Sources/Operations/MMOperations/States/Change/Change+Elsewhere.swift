import MMCore
import MMDesk

/// Writes to services in which mm can undo little or nothing.
extension Change {
    /// Creates a write to a service whose objects mm doesn't know.
    package init(elsewhere path: String) {
        self.init(
            .action, version: "", place: path,
            subject: .init(id: path.split(separator: "/").last.map(String.init) ?? ""),
            obstacle: "mm can't undo changes in this service")
        service = .other
    }

    // MARK: Teams

    /// The members of a Teams configuration object that identify it and are not settings.
    private static let teamsIdentity: Set<String> = ["identity", "key", "datasource", "configmetadata", "configid"]

    /// Determines what a request to the Teams configuration would change: the settings of the object at
    /// `/Skype.Policy/configurations/TYPE/configuration/NAME`.
    init(teams request: GraphRequest) {
        let steps = request.target.segments
        let path = steps.map { "/" + Self.step($0) }.joined()
        let isObject =
            steps.count == 5 && steps[0].lowercased() == "skype.policy" && steps[1].lowercased() == "configurations"
            && steps[3].lowercased() == "configuration"
        let body = request.body.flatMap { try? JSONParser.parse($0) }?.object ?? [:]
        let settings = body.filter {
            !Self.teamsIdentity.contains($0.key.lowercased()) && Self.isPlain($0.key, $0.value)
        }
        if request.method == "PUT", isObject, !settings.isEmpty {
            self.init(
                .properties, version: "", place: path, keys: settings.map(\.key), subject: .init(id: steps[4]),
                after: .object(JSONObject(settings.map { ($0.key, $0.value) })))
        } else if request.method == "POST", steps.count == 3, steps[1].lowercased() == "configurations",
            let name = body["Identity"]?.string
        {
            self.init(
                .creation, version: "", place: path, keys: settings.map(\.key), subject: .init(id: name, name: name),
                after: .object(JSONObject(settings.map { ($0.key, $0.value) })), isBeforeKnown: true)
        } else if request.method == "DELETE", isObject, steps[4].lowercased() != "global" {
            // Deleting `Global` doesn't remove it but resets it to its initial values, which are not known.
            self.init(.deletion, version: "", place: path, subject: .init(id: steps[4], name: Self.unmarked(steps[4])))
        } else {
            self.init(
                .action, version: "", place: path, subject: .init(id: steps.last ?? ""), isBeforeKnown: true,
                obstacle: "mm can't undo this \(request.method) request")
        }
        service = .teams
    }

    /// The path of the list in which the object is found.
    var teamsReading: String? {
        switch kind {
        case .properties, .deletion: teamsType
        case .creation: place
        default: nil
        }
    }

    /// The path of the list of all objects of its type.
    private var teamsType: String { place.split(separator: "/").prefix(3).map { "/" + $0 }.joined() }

    /// Removes the prefix `Tag:`, which marks policies that are assigned to people.
    private static func unmarked(_ name: String) -> String {
        name.lowercased().hasPrefix("tag:") ? String(name.dropFirst(4)) : name
    }

    /// Returns the object from the list of its type. The prefix `Tag:` may be missing on either side.
    private func teamsObject(in answer: JSONValue) -> JSONValue? {
        func plain(_ name: String) -> String { Self.unmarked(name).lowercased() }
        return answer["value"]?.array?.first { $0["Identity"]?.string.map(plain) == plain(subject.id) }
    }

    /// Returns the present values of the settings that the change writes, whose names are compared without case; `nil`
    /// where there is no such object.
    func teamsSettings(in answer: JSONValue) -> JSONObject? {
        guard let object = teamsObject(in: answer)?.object else { return nil }
        let shown = Dictionary(object.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        return JSONObject(keys.map { ($0, shown[$0.lowercased()] ?? .null) })
    }

    func knowing(teams answer: JSONValue) -> Change {
        guard kind == .properties || kind == .deletion else { return self }
        guard let object = teamsObject(in: answer)?.object, let written = teamsSettings(in: answer) else {
            return missing
        }
        var change = self
        let all = object.filter {
            !Self.teamsIdentity.contains($0.key.lowercased()) && !$0.value.isNull && Self.isPlain($0.key, $0.value)
        }
        change.before = .object(kind == .deletion ? JSONObject(all.map { ($0.key, $0.value) }) : written)
        change.isBeforeKnown = true
        return change
    }

    /// The requests that write the settings back, delete what was created, or recreate what was deleted.
    var teamsInverse: [InverseRequest] {
        switch kind {
        case .properties: before.map { [InverseRequest("PUT", place, $0)] } ?? []
        case .creation: [InverseRequest("DELETE", "\(place)/configuration/\(Self.step(subject.id))")]
        case .deletion:
            before?.object.map { settings in
                var body: JSONObject = ["Identity": .string(Self.unmarked(subject.id))]
                for (name, value) in settings { body[name] = value }
                return [InverseRequest("POST", teamsType, .object(body))]
            } ?? []
        default: []
        }
    }

    var teamsText: String {
        let steps = place.split(separator: "/")
        return steps.count > 2 ? "\(steps[2]) \(subject.id) of Teams" : place
    }
}
