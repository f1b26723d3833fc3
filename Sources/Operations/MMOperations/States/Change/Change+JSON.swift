package import MMCore

extension Change {
    /// The change as it is stored.
    package var json: JSONValue {
        var object: JSONObject = [
            "kind": .string(kind.rawValue), "version": .string(version), "place": .string(place),
            "subject": Self.json(subject), "isBeforeKnown": .bool(isBeforeKnown),
        ]
        if service != .graph { object["service"] = .string(service.rawValue) }
        object["cmdlet"] = cmdlet?.json
        if !keys.isEmpty { object["keys"] = .array(keys.map { .string($0) }) }
        if !secretKeys.isEmpty { object["secretKeys"] = .array(secretKeys.map { .string($0) }) }
        if !others.isEmpty { object["others"] = .array(others.map(Self.json)) }
        object["before"] = before
        object["after"] = after
        object["obstacle"] = obstacle.map { .string($0) }
        object["etag"] = etag.map { .string($0) }
        object["twins"] = twins.map { .array($0.map { .string($0) }) }
        return .object(object)
    }

    /// Reads a stored change; `nil` when the value isn't one.
    package init?(json: JSONValue) {
        guard let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:)), let version = json["version"]?.string,
            let place = json["place"]?.string, let subject = json["subject"].flatMap(Self.subject(json:))
        else { return nil }
        func texts(_ name: String) -> [String] { json[name]?.array?.compactMap(\.string) ?? [] }
        self.init(
            kind, version: version, place: place, keys: texts("keys"), subject: subject,
            others: json["others"]?.array?.compactMap(Self.subject(json:)) ?? [], before: json["before"],
            after: json["after"], isBeforeKnown: json["isBeforeKnown"]?.bool ?? false,
            obstacle: json["obstacle"]?.string,
            secretKeys: texts("secretKeys"), etag: json["etag"]?.string)
        service = json["service"]?.string.flatMap(Service.init(rawValue:)) ?? .graph
        cmdlet = json["cmdlet"].flatMap(CmdletWrite.init(json:))
        twins = json["twins"]?.array?.compactMap(\.string)
        // A change of an unknown service, written by a newer version, can't be read.
        guard json["service"] == nil || service.rawValue == json["service"]?.string else { return nil }
    }

    private static func json(_ subject: Subject) -> JSONValue {
        var object: JSONObject = ["id": .string(subject.id)]
        object["name"] = subject.name.map { .string($0) }
        return .object(object)
    }

    private static func subject(json: JSONValue) -> Subject? {
        json["id"]?.string.map { Subject(id: $0, name: json["name"]?.string) }
    }
}
