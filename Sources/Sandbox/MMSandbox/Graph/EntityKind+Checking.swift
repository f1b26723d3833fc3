internal import MMCore

extension EntityKind {
    /// The properties of a body that may be written, each of the right type.
    func checked(_ body: JSONObject, isNew: Bool) throws(GraphFailure) -> JSONObject {
        var row: JSONObject = [:]
        for (property, value) in body where !property.contains("@") {
            guard let type = types[property] else {
                throw GraphFailure(400, "Request_BadRequest", "Invalid property '\(property)'.")
            }
            let isOwnName = name == "domain" && property == "id" && isNew
            guard !readOnly.contains(property) || isOwnName else {
                throw .badRequest("Property '\(property)' is read-only and cannot be set.")
            }
            guard Self.fits(value, type) else {
                throw .badRequest("Invalid value specified for property '\(property)' of resource '\(resource)'.")
            }
            row[property] = value
        }
        if isNew {
            if isAbstract, let type = body["@odata.type"]?.string { row["@odata.type"] = .string(type) }
            for property in required where row[property] == nil || row[property] == .null || row[property] == "" {
                throw .badRequest("A value is required for property '\(property)' of resource '\(resource)'.")
            }
        }
        return row
    }

    /// The name as errors write it.
    private var resource: String { "\(name.prefix(1).uppercased())\(name.dropFirst())" }

    private static func fits(_ value: JSONValue, _ type: PropertyType) -> Bool {
        switch (value, type) {
        case (.null, _): true
        case (.string, .text): true
        case (.string(let text), .time): ServiceTime.seconds(text) != nil
        case (.bool, .flag): true
        case (.int, .whole), (.double, .whole): true
        case (.object, .complex): true
        case (.array, .collection): true
        default: false
        }
    }
}
